/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/vpn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "natd/log.h"

#define WIREGUARD_PORT 51820

static const struct {
	const char *name;
	const char *file;
	const char *origin;
} installations[] = {
	{ "wireguard", "wireguard/setupVars.conf", "PiVPN's settings" },
	{ "openvpn", "openvpn/setupVars.conf", "PiVPN's settings" },
};

/* The value of KEY=VALUE or KEY="VALUE" (a shell file), in place; NULL if the line is another key's. */
static char *shell_value(char *line, const char *key)
{
	size_t length = strlen(key);
	char *value = line + length + 1;
	char *end;

	if (strncmp(line, key, length) != 0 || line[length] != '=')
		return NULL;
	value += strspn(value, "\"'");
	end = value + strcspn(value, "\"'\r\n \t");
	*end = '\0';
	return value;
}

/* The sandbox lets natd read only folders that were there when it started. */
static void say_hidden(const char *path)
{
	static bool said;

	if (!said)
		log_warning("%s cannot be read; if PiVPN was installed just now, start natd again: "
			    "sudo systemctl restart natd",
			    path);
	said = true;
}

/* True if the file names a port. */
static bool read_setup_vars(const char *path, struct config_forward *forward)
{
	FILE *file = fopen(path, "re");
	char line[512];
	bool found = false;

	if (!file && errno == EACCES)
		say_hidden(path);
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		char *value = shell_value(line, "pivpnPORT");

		if (value && config_parse_port(value, &forward->port))
			found = true;
		value = shell_value(line, "pivpnPROTO");
		if (value)
			config_parse_protocol(value, &forward->protocol);
	}
	fclose(file);
	return found;
}

const char *vpn_find_forward(struct config_forward *forward, const char *pivpn)
{
	char path[256];

	for (size_t i = 0; i < sizeof(installations) / sizeof(installations[0]); i++) {
		*forward = (struct config_forward){ .protocol = IPPROTO_UDP, .ipv6 = true };
		snprintf(forward->name, sizeof(forward->name), "%s", installations[i].name);
		snprintf(path, sizeof(path), "%s/%s", pivpn, installations[i].file);
		if (read_setup_vars(path, forward)) {
			forward->external = forward->port;
			return installations[i].origin;
		}
	}
	*forward = (struct config_forward){ .name = "wireguard",
					    .protocol = IPPROTO_UDP,
					    .port = WIREGUARD_PORT,
					    .external = WIREGUARD_PORT,
					    .ipv6 = true };
	return "WireGuard's usual port";
}
