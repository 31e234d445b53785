/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/sysctl.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool sysctl_read(const char *name, int32_t *value)
{
	char path[sizeof("/proc/sys/net/") + RULES_SYSCTL_MAX];
	char text[16] = "";
	ssize_t got;
	int file;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	got = read(file, text, sizeof(text) - 1);
	close(file);
	if (got > 0)
		*value = (int32_t)strtol(text, NULL, 10);
	return got > 0;
}

static const struct sysctl *find(const struct sysctls *saved, const char *name)
{
	for (size_t i = 0; i < saved->count; i++)
		if (strcmp(saved->list[i].name, name) == 0)
			return &saved->list[i];
	return NULL;
}

/* A value that no natd would write: somebody means something by it, and it could not be put back. */
static bool is_strange(int32_t value)
{
	return value < 0 || value > RULES_SYSCTL_VALUE_MAX;
}

/* Remembers `name` if it is not `value` already. */
static bool need(struct sysctls *saved, const char *name, int32_t value)
{
	struct sysctl *sysctl;
	int32_t now;

	if (!sysctl_read(name, &now) || now == value || is_strange(now) ||
	    saved->count == SYSCTL_SAVED_MAX)
		return false;
	if (find(saved, name))
		return true; /* somebody put it back: write it again */
	sysctl = &saved->list[saved->count++];
	*sysctl = (struct sysctl){ .before = now, .ours = value };
	snprintf(sysctl->name, sizeof(sysctl->name), "%s", name);
	return true;
}

/* Remembers a switch that the kernel itself changes along with another one. */
static void follow(struct sysctls *saved, const char *name)
{
	int32_t now;

	if (!find(saved, name) && sysctl_read(name, &now) && !is_strange(now) &&
	    saved->count < SYSCTL_SAVED_MAX) {
		struct sysctl *sysctl = &saved->list[saved->count++];

		*sysctl = (struct sysctl){ .before = now, .ours = now };
		snprintf(sysctl->name, sizeof(sysctl->name), "%s", name);
	}
}

/* The name of a switch of one interface, or of "all". */
static const char *conf(const char *family, const char *interface, const char *key)
{
	static char name[RULES_SYSCTL_MAX];

	snprintf(name, sizeof(name), "%s/conf/%s/%s", family, interface, key);
	return name;
}

/* Changing ip_forward sets all.accept_redirects and every interface's forwarding to match
 * (net/ipv4/devinet.c, inet_forward_change): keep what differs from that, to put it back. */
static bool need_ipv4(struct sysctls *saved, const struct network *network)
{
	int32_t now;
	bool off = sysctl_read("ipv4/ip_forward", &now) && now == 0;

	if (!need(saved, "ipv4/ip_forward", 1))
		return false;
	if (!off)
		return true;
	follow(saved, conf("ipv4", "all", "accept_redirects"));
	follow(saved, conf("ipv4", "default", "forwarding"));
	for (size_t i = 0; i < network->link_count; i++) {
		const char *name = conf("ipv4", network->links[i].name, "forwarding");

		if (sysctl_read(name, &now) && now)
			follow(saved, name);
	}
	return true;
}

static void keep_listening(struct sysctls *saved, const char *interface)
{
	const char *name = conf("ipv6", interface, "accept_ra");
	int32_t now;

	if (sysctl_read(name, &now) && now == 1)
		need(saved, name, 2);
}

/* Today's way out is not the only one: a Wi-Fi beside the cable, and what is plugged in later, which begins
 * as `default` says. */
static void keep_all_listening(struct sysctls *saved, const struct network *network)
{
	keep_listening(saved, "default");
	for (size_t i = 0; i < network->link_count; i++)
		if (!network->links[i].loopback && !network_is_tunnel(&network->links[i]))
			keep_listening(saved, network->links[i].name);
}

/* all.forwarding=1 makes a host deaf to router advertisements and costs it its own IPv6. Kernel 6.17
 * can forward on chosen interfaces instead; before that, accept_ra=2 keeps it listening. */
static bool need_ipv6(struct sysctls *saved, const struct network *network,
		      const struct tunnel *tunnels, size_t count)
{
	struct uplink uplink = network_uplink(network, AF_INET6);
	bool added = false;
	int32_t now;

	if (!uplink.known)
		return false;
	/* It outweighs what single interfaces say (net/ipv6/ip6_output.c, ip6_forward()). */
	if (sysctl_read(conf("ipv6", "all", "forwarding"), &now) && now)
		return false;
	if (sysctl_read(conf("ipv6", uplink.interface, "force_forwarding"), &now)) {
		added |= need(saved, conf("ipv6", uplink.interface, "force_forwarding"), 1);
		for (size_t i = 0; i < count; i++)
			added |= need(saved, conf("ipv6", tunnels[i].interface, "force_forwarding"),
				      1);
		return added;
	}
	keep_all_listening(saved, network);
	return need(saved, conf("ipv6", "all", "forwarding"), 1);
}

bool sysctls_need(struct sysctls *saved, const struct network *network,
		  const struct tunnel *tunnels, size_t tunnel_count, bool fixed_address)
{
	bool families[2] = { false, false };
	bool added = false;

	for (size_t i = 0; i < tunnel_count; i++)
		for (size_t n = 0; n < tunnels[i].network_count; n++)
			families[tunnels[i].networks[n].address.family == AF_INET6] = true;
	if (families[0])
		added |= need_ipv4(saved, network);
	if (families[1])
		added |= need_ipv6(saved, network, tunnels, tunnel_count);
	/* Without it an interface's second addresses go with its first (net/ipv4/devinet.c,
	 * __inet_del_ifa): a new lease would take the egress address away. */
	if (fixed_address)
		added |= need(saved, conf("ipv4", "all", "promote_secondaries"), 1);
	return added;
}
