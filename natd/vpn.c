/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/vpn.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "natd/vpn_files.h"

#define WIREGUARD_PORT 51820

/* In the order in which they count. */
static const struct place {
	const char *name; /* of the forward */
	const char *folder;
	const char *files;
	bool (*read)(FILE *file, struct config_forward *forward, struct vpn *vpn);
	const char *origin;
} places[] = {
	{ "wireguard", VPN_PIVPN_DIRECTORY "/wireguard", "setupVars.conf", vpn_read_pivpn,
	  "PiVPN's settings" },
	{ "openvpn", VPN_PIVPN_DIRECTORY "/openvpn", "setupVars.conf", vpn_read_pivpn,
	  "PiVPN's settings" },
	{ "wireguard", VPN_WIREGUARD_DIRECTORY, "*.conf", vpn_read_wg_quick,
	  "wg-quick's settings" },
	{ "openvpn", VPN_OPENVPN_DIRECTORY "/server", "*.conf", vpn_read_openvpn,
	  "OpenVPN's settings" },
	{ "openvpn", VPN_OPENVPN_DIRECTORY, "server*.conf", vpn_read_openvpn,
	  "OpenVPN's settings" },
	{ "", VPN_IPTABLES_DIRECTORY, "rules.v4", vpn_read_iptables, NULL },
};

static bool is_there(const struct vpn *vpn, const struct config_forward *forward)
{
	for (size_t i = 0; i < vpn->count; i++)
		if (vpn->forwards[i].protocol == forward->protocol &&
		    vpn->forwards[i].port == forward->port)
			return true;
	return false;
}

/* Names differ: natd.conf(5) has each once, too. */
static void add(struct vpn *vpn, struct config_forward *forward, const char *origin)
{
	size_t same = 0;

	if (vpn->count == VPN_FORWARDS_MAX || is_there(vpn, forward))
		return;
	for (size_t i = 0; i < vpn->count; i++)
		same += strncmp(vpn->forwards[i].name, forward->name, strlen(forward->name)) == 0;
	if (same)
		snprintf(forward->name + strlen(forward->name), 4, "%zu", same % 100 + 1);
	forward->external = forward->port;
	if (!vpn->count)
		vpn->origin = origin;
	vpn->forwards[vpn->count++] = *forward;
}

static void note_unreadable(struct vpn *vpn, const char *path)
{
	if (errno == EACCES && !vpn->unreadable[0])
		snprintf(vpn->unreadable, sizeof(vpn->unreadable), "%s", path);
}

/* `path` as the user knows it; `file` below the root. */
static void read_file(struct vpn *vpn, const struct place *place, const char *file,
		      const char *path)
{
	struct config_forward forward = { .protocol = IPPROTO_UDP, .ipv6 = true };
	bool had_way_out = vpn->way_out[0];
	FILE *stream = fopen(file, "re");

	if (!stream) {
		note_unreadable(vpn, path);
		return;
	}
	snprintf(forward.name, sizeof(forward.name), "%s", place->name);
	if (place->read(stream, &forward, vpn))
		add(vpn, &forward, place->origin);
	fclose(stream);
	if (vpn->way_out[0] && !had_way_out)
		snprintf(vpn->way_out_file, sizeof(vpn->way_out_file), "%s", path);
}

static void read_place(struct vpn *vpn, const struct place *place, const char *root)
{
	struct dirent **entries;
	char folder[PATH_MAX];
	char path[PATH_MAX];
	int count;

	snprintf(folder, sizeof(folder), "%s%s", root, place->folder);
	count = scandir(folder, &entries, NULL, alphasort);
	if (count < 0) {
		note_unreadable(vpn, place->folder);
		return;
	}
	for (int i = 0; i < count; i++) {
		if (fnmatch(place->files, entries[i]->d_name, FNM_PERIOD) == 0 &&
		    (size_t)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name) <
			    sizeof(path))
			read_file(vpn, place, path, path + strlen(root));
		free(entries[i]);
	}
	free(entries);
}

void vpn_read(struct vpn *vpn, const char *root)
{
	*vpn = (struct vpn){ 0 };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		read_place(vpn, &places[i], root);
	vpn->found = vpn->count > 0;
	if (vpn->found)
		return;
	vpn->origin = "WireGuard's usual port";
	vpn->forwards[vpn->count++] = (struct config_forward){ .name = "wireguard",
							       .protocol = IPPROTO_UDP,
							       .port = WIREGUARD_PORT,
							       .external = WIREGUARD_PORT,
							       .ipv6 = true };
}

void vpn_runs_wireguard(struct vpn *vpn, const uint16_t *ports, size_t count)
{
	struct config_forward *first = &vpn->forwards[0];
	uint16_t port;

	if (!count)
		return;
	port = ports[0];
	for (size_t i = 1; i < count; i++)
		if (first->protocol == IPPROTO_UDP && first->port == ports[i])
			port = ports[i];
	if (strcmp(first->name, "wireguard") != 0) {
		if (vpn->count == VPN_FORWARDS_MAX)
			vpn->count--;
		memmove(first + 1, first, vpn->count * sizeof(*first));
		vpn->count++;
		*first = (struct config_forward){ .name = "wireguard", .ipv6 = true };
	}
	first->protocol = IPPROTO_UDP;
	first->port = first->external = port;
	vpn->found = true;
	vpn->origin = "the running WireGuard interface";
}
