/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kind_range {
	const char *prefix;
	enum address_kind kind;
};

/* The first match decides. RFC 6890, RFC 6598, RFC 6333 5.7. The documentation ranges are left out:
 * a laboratory uses them as public ones, and no provider hands them out. */
static const struct kind_range ranges[] = {
	{ "0.0.0.0/32", ADDRESS_NONE },
	{ "0.0.0.0/8", ADDRESS_SPECIAL },
	{ "10.0.0.0/8", ADDRESS_PRIVATE },
	{ "100.64.0.0/10", ADDRESS_CGNAT },
	{ "127.0.0.0/8", ADDRESS_SPECIAL },
	{ "169.254.0.0/16", ADDRESS_SPECIAL },
	{ "172.16.0.0/12", ADDRESS_PRIVATE },
	{ "192.0.0.0/29", ADDRESS_DSLITE },
	{ "192.168.0.0/16", ADDRESS_PRIVATE },
	{ "224.0.0.0/3", ADDRESS_SPECIAL },
	{ "::/128", ADDRESS_NONE },
	{ "2000::/3", ADDRESS_PUBLIC },
	{ "fc00::/7", ADDRESS_PRIVATE },
	{ "::/0", ADDRESS_SPECIAL },
};

struct address address_v4(struct in_addr v4)
{
	return (struct address){ .family = v4.s_addr ? AF_INET : 0, .v4 = v4 };
}

bool address_parse(struct address *address, const char *text)
{
	struct address parsed = { 0 };

	if (inet_pton(AF_INET, text, &parsed.v4) == 1)
		parsed.family = AF_INET;
	else if (inet_pton(AF_INET6, text, &parsed.v6) == 1)
		parsed.family = AF_INET6;
	else
		return false;
	*address = parsed;
	return true;
}

bool prefix_parse(struct prefix *prefix, const char *text)
{
	char address[ADDRESS_TEXT_MAX];
	struct prefix parsed = { 0 };
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);

	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (!address_parse(&parsed.address, address))
		return false;
	parsed.length = address_bits(&parsed.address);
	if (slash) {
		char *end;
		unsigned long bits = strtoul(slash + 1, &end, 10);

		if (slash[1] < '0' || slash[1] > '9' || *end || bits > parsed.length)
			return false;
		parsed.length = (uint8_t)bits;
	}
	*prefix = parsed;
	return true;
}

const char *address_print(const struct address *address, char text[ADDRESS_TEXT_MAX])
{
	text[0] = '\0';
	if (address->family)
		inet_ntop(address->family, &address->v6, text, ADDRESS_TEXT_MAX);
	return text;
}

const char *prefix_print(const struct prefix *prefix, char text[PREFIX_TEXT_MAX])
{
	char address[ADDRESS_TEXT_MAX];

	snprintf(text, PREFIX_TEXT_MAX, "%s/%u", address_print(&prefix->address, address),
		 prefix->length);
	return text;
}

static size_t address_size(const struct address *address)
{
	return address_bits(address) / 8;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(&a->v6, &b->v6, address_size(a)) == 0;
}

bool address_is_set(const struct address *address)
{
	static const struct in6_addr zero;

	return address->family && memcmp(&address->v6, &zero, address_size(address)) != 0;
}

uint8_t address_bits(const struct address *address)
{
	return address->family == AF_INET ? 32 : address->family == AF_INET6 ? 128 : 0;
}

enum address_kind address_kind(const struct address *address)
{
	struct prefix range;

	if (!address->family)
		return ADDRESS_NONE;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (prefix_parse(&range, ranges[i].prefix) && prefix_contains(&range, address))
			return ranges[i].kind;
	return ADDRESS_PUBLIC;
}

struct prefix prefix_network(const struct prefix *prefix)
{
	struct prefix network = *prefix;
	uint8_t *bytes = network.address.v6.s6_addr;

	for (unsigned int bit = prefix->length; bit < address_bits(&prefix->address); bit++)
		bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return network;
}

bool prefix_contains(const struct prefix *prefix, const struct address *address)
{
	struct prefix other = { *address, prefix->length };
	struct prefix network = prefix_network(prefix);

	if (prefix->address.family != address->family)
		return false;
	other = prefix_network(&other);
	return address_equal(&network.address, &other.address);
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->length == b->length && address_equal(&a->address, &b->address);
}
