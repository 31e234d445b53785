/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/setting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEASE_MIN 20
#define LEASE_MAX                                                                                  \
	604800 /* one week: the longest that UPnP IGD:2 knows (WANIPConnection:2 2.3.26) */

static const char *const protocol_names[UPNP_PROTOCOLS] = { "pcp", "nat-pmp", "upnp" };

static bool parse_number(const char *text, unsigned long min, unsigned long max,
			 unsigned long *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0' && *number >= min && *number <= max;
}

static bool parse_bool(const char *text, bool *value)
{
	bool yes = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "on") == 0;
	bool no = strcmp(text, "false") == 0 || strcmp(text, "no") == 0 || strcmp(text, "off") == 0;

	if (yes || no)
		*value = yes;
	return yes || no;
}

bool config_parse_port(const char *text, uint16_t *port)
{
	unsigned long number;

	if (!parse_number(text, 1, 65535, &number))
		return false;
	*port = (uint16_t)number;
	return true;
}

bool config_parse_protocol(const char *text, uint8_t *protocol)
{
	if (strcmp(text, "udp") != 0 && strcmp(text, "tcp") != 0)
		return false;
	*protocol = text[0] == 'u' ? IPPROTO_UDP : IPPROTO_TCP;
	return true;
}

static bool read_protocols(struct target *target, const char *value)
{
	struct config *config = target->config;

	for (uint8_t protocol = 0; protocol < UPNP_PROTOCOLS; protocol++) {
		if (strcmp(value, protocol_names[protocol]) != 0)
			continue;
		if (memchr(config->order, protocol, config->order_count))
			return false; /* twice */
		config->order[config->order_count++] = protocol;
		return true;
	}
	return false;
}

/* "198.51.100.7:3478" or "stun.example.net:3478". */
static bool read_stun(struct target *target, const char *value)
{
	struct upnp_server *server = &target->config->stun;
	const char *colon = strrchr(value, ':');
	struct address address;
	char host[UPNP_HOST_MAX];
	uint16_t port;

	if (!colon || (size_t)(colon - value) >= sizeof(host) ||
	    !config_parse_port(colon + 1, &port))
		return false;
	memcpy(host, value, (size_t)(colon - value));
	host[colon - value] = '\0';
	*server = (struct upnp_server){ .port = port };
	if (address_parse(&address, host)) {
		server->address = address.v4;
		return address.family == AF_INET;
	}
	memcpy(server->lookup.name, host, sizeof(host));
	return config_is_name(host);
}

static bool read_lease(struct target *target, const char *value)
{
	unsigned long lease;

	if (!parse_number(value, LEASE_MIN, LEASE_MAX, &lease))
		return false;
	target->config->lease = (uint32_t)lease;
	return true;
}

static bool read_keep(struct target *target, const char *value)
{
	return parse_bool(value, &target->config->keep);
}

static bool read_owned(struct target *target, const char *value)
{
	return parse_bool(value, &target->config->owned);
}

static bool read_protocol(struct target *target, const char *value)
{
	return config_parse_protocol(value, &target->forward->protocol);
}

static bool read_port(struct target *target, const char *value)
{
	return config_parse_port(value, &target->forward->port);
}

static bool read_external(struct target *target, const char *value)
{
	return config_parse_port(value, &target->forward->external);
}

static bool read_ipv6(struct target *target, const char *value)
{
	return parse_bool(value, &target->forward->ipv6);
}

static bool read_network(struct target *target, const char *value)
{
	struct config_tunnel *tunnel = target->tunnel;
	struct prefix prefix;
	struct prefix network;

	/* An address alone would be a network of one client: more likely the length is forgotten. */
	if (tunnel->network_count == CONFIG_NETWORKS_MAX || !strchr(value, '/') ||
	    !prefix_parse(&prefix, value))
		return false;
	network = prefix_network(&prefix);
	if (!prefix_equal(&network, &prefix) || prefix.length == 0)
		return false;
	tunnel->networks[tunnel->network_count++] = network;
	return true;
}

static bool read_egress(struct target *target, const char *value)
{
	return egress_parse(target->egress, value);
}

static bool read_egress_gone(struct target *target, const char *value)
{
	target->egress->masquerade_gone = strcmp(value, "masquerade") == 0;
	return target->egress->masquerade_gone || strcmp(value, "close") == 0;
}

static bool read_reach(struct target *target, const char *value)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} reaches[] = { { "internet", RULES_REACH_INTERNET },
			{ "lan", RULES_REACH_LAN },
			{ "clients", RULES_REACH_CLIENTS } };

	for (size_t i = 0; i < sizeof(reaches) / sizeof(reaches[0]); i++) {
		if (strcmp(value, reaches[i].name) != 0)
			continue;
		target->tunnel->reach |= reaches[i].bit;
		return true;
	}
	return false;
}

static bool read_coexist(struct target *target, const char *value)
{
	return parse_bool(value, &target->config->coexist);
}

static bool read_publish_protocol(struct target *target, const char *value)
{
	return config_parse_protocol(value, &target->publish->protocol);
}

/* "443" or "2000-2499". */
static bool read_ports(struct target *target, const char *value)
{
	struct config_publish *publish = target->publish;
	const char *dash = strchr(value, '-');
	char first[sizeof("65535")];

	if (!dash) {
		publish->last = 0;
		return config_parse_port(value, &publish->port) &&
		       config_parse_port(value, &publish->last);
	}
	if ((size_t)(dash - value) >= sizeof(first))
		return false;
	memcpy(first, value, (size_t)(dash - value));
	first[dash - value] = '\0';
	return config_parse_port(first, &publish->port) &&
	       config_parse_port(dash + 1, &publish->last) && publish->port <= publish->last;
}

static bool read_to(struct target *target, const char *value)
{
	struct address *to = &target->publish->to;

	return address_parse(to, value) && address_kind(to) != ADDRESS_NONE &&
	       address_kind(to) != ADDRESS_SPECIAL;
}

static bool read_to_port(struct target *target, const char *value)
{
	return config_parse_port(value, &target->publish->to_port);
}

static bool read_source(struct target *target, const char *value)
{
	target->publish->keep_source = strcmp(value, "keep") == 0;
	return target->publish->keep_source || strcmp(value, "hide") == 0;
}

static bool is_label(const char *label, size_t length)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";

	return length > 0 && length <= 63 && strspn(label, allowed) >= length && label[0] != '-' &&
	       label[length - 1] != '-';
}

bool config_is_name(const char *value)
{
	struct address address;
	const char *label = value;
	size_t length;

	if (strlen(value) >= UPNP_HOST_MAX || !strchr(value, '.') || address_parse(&address, value))
		return false;
	for (;; label += length + 1) {
		length = strcspn(label, ".");
		if (!is_label(label, length))
			return false;
		if (!label[length])
			return true;
	}
}

static bool read_name(struct target *target, const char *value)
{
	if (!config_is_name(value))
		return false;
	memcpy(target->config->name, value, strlen(value) + 1);
	return true;
}

#define EGRESS_ALLOWED                                                                             \
	"\"masquerade\", \"none\", an address of this host like \"203.0.113.9\", up to 256 "       \
	"like \"203.0.113.8-203.0.113.11\", or an IPv6 prefix like \"2001:db8:1::/64\""

const struct setting settings[] = {
	{ SETTING_TOP, "name", false, read_name, "a whole DNS name, like \"myhome.ddns.net\"" },
	{ "router", "protocols", true, read_protocols,
	  "\"pcp\", \"nat-pmp\" and \"upnp\", each once" },
	{ "router", "lease", false, read_lease, "seconds, 20 to 604800" },
	{ "router", "stun", false, read_stun,
	  "an IPv4 address or a name, and a port, like \"stun.example.net:3478\"" },
	{ "router", "keep", false, read_keep, "true or false" },
	{ SETTING_TOP, "coexist", false, read_coexist, "true or false" },
	{ "rules", "owned", false, read_owned, "true or false" },
	{ "forward", "protocol", false, read_protocol, "\"udp\" or \"tcp\"" },
	{ "forward", "port", false, read_port, "a port, 1 to 65535" },
	{ "forward", "external", false, read_external, "a port, 1 to 65535" },
	{ "forward", "ipv6", false, read_ipv6, "true or false" },
	{ "tunnel", "networks", true, read_network,
	  "at most 16 networks with their length and no host bits, like \"10.8.0.0/24\" or "
	  "\"fd42::/64\"" },
	{ "tunnel", "egress", false, read_egress, EGRESS_ALLOWED },
	{ "tunnel", "egress-gone", false, read_egress_gone, "\"close\" or \"masquerade\"" },
	{ "client", "egress-gone", false, read_egress_gone, "\"close\" or \"masquerade\"" },
	{ "tunnel", "reach", true, read_reach, "\"internet\", \"lan\" and \"clients\"" },
	{ "client", "egress", false, read_egress, EGRESS_ALLOWED },
	{ "publish", "protocol", false, read_publish_protocol, "\"udp\" or \"tcp\"" },
	{ "publish", "port", false, read_ports,
	  "a port, 1 to 65535, or several, like \"2000-2499\"" },
	{ "publish", "to", false, read_to, "the address of a client, like \"10.8.0.2\"" },
	{ "publish", "to-port", false, read_to_port, "a port, 1 to 65535" },
	{ "publish", "source", false, read_source, "\"keep\" or \"hide\"" },
};

const size_t setting_count = sizeof(settings) / sizeof(settings[0]);

const struct setting *setting_find(const char *section, const char *name)
{
	for (size_t i = 0; i < setting_count; i++)
		if (strcmp(settings[i].section, section) == 0 &&
		    strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}
