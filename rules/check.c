/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/check.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rules/range.h"

#define REACH_ALL (RULES_REACH_INTERNET | RULES_REACH_LAN | RULES_REACH_CLIENTS)

static bool no(char why[CHECK_TEXT_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool no(char why[CHECK_TEXT_MAX], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, CHECK_TEXT_MAX, format, arguments);
	va_end(arguments);
	return false;
}

static bool interface_name(const char *name, size_t length)
{
	if (length == 0 || length >= IF_NAMESIZE || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] == '/' || name[i] == ':' || isspace((unsigned char)name[i]))
			return false;
	return true;
}

bool check_interface(const char name[IF_NAMESIZE])
{
	return interface_name(name, strnlen(name, IF_NAMESIZE));
}

bool check_printable(const char *name)
{
	for (; *name; name++)
		if (*name < '!' || *name > '~' || strchr("\"*\\", *name))
			return false;
	return true;
}

static bool is_interface(const char name[IF_NAMESIZE], char why[CHECK_TEXT_MAX])
{
	if (!check_interface(name))
		return no(why, "an interface cannot be called \"%.*s\"", IF_NAMESIZE, name);
	return true;
}

/* Are all bits of `bytes` beyond the first `length` zero? */
static bool host_bits_zero(const uint8_t *bytes, size_t size, unsigned int length)
{
	for (size_t i = 0; i < size; i++) {
		unsigned int first = (unsigned int)i * 8;
		uint8_t network = length >= first + 8 ? 0xff
				  : length <= first   ? 0
						      : (uint8_t)(0xff << (first + 8 - length));

		if (bytes[i] & ~network)
			return false;
	}
	return true;
}

static bool is_prefix(const struct rules_prefix *prefix, char why[CHECK_TEXT_MAX])
{
	size_t size = prefix->family == AF_INET    ? sizeof(prefix->v4)
		      : prefix->family == AF_INET6 ? sizeof(prefix->v6)
						   : 0;

	if (size == 0)
		return no(why, "a prefix of family %u", prefix->family);
	if (prefix->length > size * 8)
		return no(why, "a prefix of %u bits in a family of %zu", prefix->length, size * 8);
	if (!host_bits_zero((const uint8_t *)&prefix->v6, size, prefix->length))
		return no(why, "a prefix of %u bits with host bits set", prefix->length);
	return true;
}

static bool is_zero_address(const struct rules_prefix *prefix)
{
	static const struct in6_addr zero;
	size_t size = range_bytes(prefix->family);

	return memcmp(&prefix->v6, &zero, size) == 0;
}

static bool is_host(const struct rules_prefix *address, const char *what, char why[CHECK_TEXT_MAX])
{
	if (!is_prefix(address, why))
		return false;
	if (address->length != (address->family == AF_INET ? 32 : 128))
		return no(why, "%s of %u bits", what, address->length);
	if (is_zero_address(address))
		return no(why, "%s that is zero", what);
	return true;
}

static bool check_begin(const struct rules_request *request, char why[CHECK_TEXT_MAX])
{
	if (request->begin.owned >= RULES_OWNED_WAYS)
		return no(why, "tables that are owned in way %u", request->begin.owned);
	return true;
}

static bool check_tunnel(const struct rules_request *request, char why[CHECK_TEXT_MAX])
{
	if (request->tunnel.reach & ~REACH_ALL)
		return no(why, "a tunnel that reaches %#x", request->tunnel.reach);
	return is_interface(request->tunnel.interface, why);
}

static bool check_pool(const struct rules_network *network, char why[CHECK_TEXT_MAX])
{
	const struct rules_prefix *first = &network->address;
	const struct rules_prefix *last = &network->last;

	if (last->family != first->family)
		return no(why, "a pool from family %u to family %u", first->family, last->family);
	if (!is_host(first, "an egress address", why) || !is_host(last, "an egress address", why))
		return false;
	if (memcmp(&first->v6, &last->v6, range_bytes(first->family)) >= 0)
		return no(why, "a pool that ends before it has begun");
	return true;
}

static bool check_egress_prefix(const struct rules_network *network, char why[CHECK_TEXT_MAX])
{
	const struct rules_prefix *prefix = &network->address;

	if (prefix->family != AF_INET6)
		return no(why, "an egress prefix of family %u", prefix->family);
	if (!is_prefix(prefix, why))
		return false;
	if (prefix->length == 0)
		return no(why, "an egress prefix of 0 bits");
	return true;
}

static bool check_egress(const struct rules_network *network, char why[CHECK_TEXT_MAX])
{
	const struct rules_prefix *address = &network->address;

	if (network->egress >= RULES_EGRESSES)
		return no(why, "an egress of kind %u", network->egress);
	if (network->egress != RULES_EGRESS_ADDRESS && network->egress != RULES_EGRESS_POOL &&
	    network->egress != RULES_EGRESS_PREFIX)
		return true;
	if (address->family != network->network.family)
		return no(why, "an egress address of family %u for a network of family %u",
			  address->family, network->network.family);
	if (network->egress == RULES_EGRESS_PREFIX)
		return check_egress_prefix(network, why);
	if (network->egress == RULES_EGRESS_POOL)
		return check_pool(network, why);
	return is_host(address, "an egress address", why);
}

static bool check_network(const struct rules_request *request, char why[CHECK_TEXT_MAX])
{
	return is_interface(request->network.interface, why) &&
	       is_prefix(&request->network.network, why) && check_egress(&request->network, why);
}

static bool check_lan(const struct rules_request *request, char why[CHECK_TEXT_MAX])
{
	return is_prefix(&request->prefix, why);
}

static bool is_protocol(uint8_t protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_TCP;
}

static bool check_port(const struct rules_request *request, char why[CHECK_TEXT_MAX])
{
	if (!is_protocol(request->port.protocol))
		return no(why, "a port of protocol %u", request->port.protocol);
	if (request->port.port == 0)
		return no(why, "port 0");
	return true;
}

static bool check_publish(const struct rules_request *request, char why[CHECK_TEXT_MAX])
{
	const struct rules_publish *publish = &request->publish;

	if (!is_protocol(publish->protocol))
		return no(why, "a publish of protocol %u", publish->protocol);
	if (publish->keep_source > 1)
		return no(why, "a publish that keeps its source %u times", publish->keep_source);
	if (publish->port == 0 || publish->last < publish->port || publish->to_port == 0 ||
	    publish->to_port + (publish->last - publish->port) > UINT16_MAX)
		return no(why, "a publish of ports %u to %u as %u", publish->port, publish->last,
			  publish->to_port);
	return is_host(&publish->to, "a client's address", why);
}

/* The settings in the folder of one interface (or "all", "default"). */
static bool is_setting(const char *folder, size_t folder_length, const char *setting)
{
	static const struct {
		const char *folder;
		const char *setting;
	} allowed[] = {
		{ "ipv4/conf/", "promote_secondaries" },
		{ "ipv4/conf/", "forwarding" },
		{ "ipv4/conf/", "accept_redirects" },
		{ "ipv6/conf/", "forwarding" },
		{ "ipv6/conf/", "accept_ra" },
		{ "ipv6/conf/", "force_forwarding" }, /* Linux 6.17 */
	};

	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		if (strlen(allowed[i].folder) == folder_length &&
		    strncmp(allowed[i].folder, folder, folder_length) == 0 &&
		    strcmp(allowed[i].setting, setting) == 0)
			return true;
	return false;
}

bool check_sysctl(const char name[RULES_SYSCTL_MAX])
{
	const size_t folder_length = strlen("ipv4/conf/");
	char interface[RULES_SYSCTL_MAX];
	const char *setting;
	size_t length;

	if (!memchr(name, '\0', RULES_SYSCTL_MAX))
		return false;
	if (strcmp(name, "ipv4/ip_forward") == 0)
		return true;
	setting = strrchr(name, '/');
	if (!setting || (size_t)(setting - name) <= folder_length)
		return false;
	length = (size_t)(setting - name) - folder_length;
	memcpy(interface, name + folder_length, length);
	interface[length] = '\0';
	return is_setting(name, folder_length, setting + 1) && interface_name(interface, length);
}

bool rules_may_set(const struct rules_sysctl *sysctl)
{
	return check_sysctl(sysctl->name) && sysctl->value >= 0 &&
	       sysctl->value <= RULES_SYSCTL_VALUE_MAX;
}

static bool check_setting(const struct rules_request *request, char why[CHECK_TEXT_MAX])
{
	const struct rules_sysctl *sysctl = &request->sysctl;

	if (!check_sysctl(sysctl->name))
		return no(why, "a setting \"%.*s\"", RULES_SYSCTL_MAX, sysctl->name);
	return rules_may_set(sysctl) || no(why, "%s = %d", sysctl->name, sysctl->value);
}

static bool check_wireguard(const struct rules_request *request, char why[CHECK_TEXT_MAX])
{
	return is_interface(request->tunnel.interface, why);
}

static bool check_trace(const struct rules_request *request, char why[CHECK_TEXT_MAX])
{
	const struct rules_trace *trace = &request->trace;

	if (trace->from.family == 0 && trace->to.family == 0)
		return true;
	if (trace->from.family != trace->to.family)
		return no(why, "a trace from family %u to family %u", trace->from.family,
			  trace->to.family);
	return is_host(&trace->from, "the source of a trace", why) &&
	       is_host(&trace->to, "the destination of a trace", why);
}

static bool check_gone(const struct rules_request *request, char why[CHECK_TEXT_MAX])
{
	return is_host(&request->prefix, "an address that is gone", why);
}

static bool check_nothing(const struct rules_request *request, char why[CHECK_TEXT_MAX])
{
	(void)request;
	(void)why;
	return true;
}

static bool check_coexist(const struct rules_request *request, char why[CHECK_TEXT_MAX])
{
	return request->coexist <= 1 || no(why, "coexist = %u", request->coexist);
}

bool check_request(const struct rules_request *request, char why[CHECK_TEXT_MAX])
{
	static bool (*const checks[RULES_REQUESTS])(const struct rules_request *, char *) = {
		[RULES_BEGIN] = check_begin,       [RULES_TUNNEL] = check_tunnel,
		[RULES_NETWORK] = check_network,   [RULES_LAN] = check_lan,
		[RULES_PORT] = check_port,         [RULES_COMMIT] = check_nothing,
		[RULES_REMOVE] = check_nothing,    [RULES_SYSCTL] = check_setting,
		[RULES_COUNT] = check_nothing,     [RULES_WIREGUARD] = check_wireguard,
		[RULES_PUBLISH] = check_publish,   [RULES_PEERS] = check_wireguard,
		[RULES_COEXIST] = check_coexist,   [RULES_TRACE] = check_trace,
		[RULES_TRACE_END] = check_nothing, [RULES_GONE] = check_gone,
	};

	if ((unsigned int)request->what >= RULES_REQUESTS)
		return no(why, "a request of kind %u", (unsigned int)request->what);
	return checks[request->what](request, why);
}
