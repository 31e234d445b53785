/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/egress.h"

#include <stdio.h>
#include <string.h>

bool egress_is_fixed(const struct egress *egress)
{
	return egress->kind == RULES_EGRESS_ADDRESS || egress->kind == RULES_EGRESS_POOL ||
	       egress->kind == RULES_EGRESS_PREFIX;
}

static bool parse_address(struct address *address, const char *text)
{
	return address_parse(address, text) && address_kind(address) != ADDRESS_NONE &&
	       address_kind(address) != ADDRESS_SPECIAL;
}

static uint8_t *bytes_of(struct address *address)
{
	return (uint8_t *)&address->v6;
}

static size_t size_of(const struct address *address)
{
	return address_bits(address) / 8;
}

/* The address after it; false where it was the last of all. */
static bool advance(struct address *address)
{
	for (size_t i = size_of(address); i-- > 0;)
		if (++bytes_of(address)[i] != 0)
			return true;
	return false;
}

/* How many there are from `first` to `last`; 0: none, or more than EGRESS_POOL_MAX. */
static unsigned int pool_size(const struct address *first, const struct address *last)
{
	struct address next = *first;

	for (unsigned int size = 1; size <= EGRESS_POOL_MAX; size++) {
		if (address_equal(&next, last))
			return size;
		if (!advance(&next))
			return 0;
	}
	return 0;
}

static bool parse_pool(struct egress *egress, const char *text, const char *dash)
{
	char first[ADDRESS_TEXT_MAX];

	if ((size_t)(dash - text) >= sizeof(first))
		return false;
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	if (!parse_address(&egress->address, first) || !parse_address(&egress->last, dash + 1) ||
	    egress->address.family != egress->last.family)
		return false;
	if (address_equal(&egress->address, &egress->last))
		return true; /* a pool of one address is that address */
	egress->kind = RULES_EGRESS_POOL;
	return pool_size(&egress->address, &egress->last) > 1;
}

/* IPv4 has no addresses to spare for a whole prefix: there, a pool does it. */
static bool parse_prefix(struct egress *egress, const char *text)
{
	struct prefix prefix;
	struct prefix network;

	if (!prefix_parse(&prefix, text) || prefix.address.family != AF_INET6 || !prefix.length)
		return false;
	network = prefix_network(&prefix);
	egress->kind = RULES_EGRESS_PREFIX;
	egress->length = prefix.length;
	egress->address = prefix.address;
	return prefix_equal(&network, &prefix) && address_kind(&prefix.address) != ADDRESS_SPECIAL;
}

bool egress_parse(struct egress *egress, const char *text)
{
	const char *dash = strchr(text, '-');

	egress->kind = RULES_EGRESS_ADDRESS;
	if (strcmp(text, "masquerade") == 0)
		egress->kind = RULES_EGRESS_MASQUERADE;
	else if (strcmp(text, "none") == 0)
		egress->kind = RULES_EGRESS_NONE;
	else if (dash)
		return parse_pool(egress, text, dash);
	else if (strchr(text, '/'))
		return parse_prefix(egress, text);
	else
		return parse_address(&egress->address, text);
	return true;
}

const char *egress_print(const struct egress *egress, char text[EGRESS_TEXT_MAX])
{
	const struct prefix prefix = { egress->address, egress->length };
	char first[PREFIX_TEXT_MAX];
	char last[ADDRESS_TEXT_MAX];

	text[0] = '\0';
	if (egress->kind == RULES_EGRESS_ADDRESS)
		return address_print(&egress->address, text);
	if (egress->kind == RULES_EGRESS_PREFIX)
		snprintf(text, EGRESS_TEXT_MAX, "%s", prefix_print(&prefix, first));
	if (egress->kind == RULES_EGRESS_POOL)
		snprintf(text, EGRESS_TEXT_MAX, "%s-%s", address_print(&egress->address, first),
			 address_print(&egress->last, last));
	return text;
}

static bool has_all(const struct network *network, const struct egress *egress)
{
	struct address next = egress->address;

	while (network_is_local(network, &next)) {
		if (address_equal(&next, &egress->last))
			return true;
		if (!advance(&next))
			return false;
	}
	return false;
}

static bool has_one_of(const struct network *network, const struct prefix *prefix)
{
	for (size_t i = 0; i < network->address_count; i++)
		if (prefix_contains(prefix, &network->addresses[i].prefix.address))
			return true;
	return false;
}

bool egress_is_gone(const struct egress *egress, const struct network *network)
{
	const struct prefix prefix = { egress->address, egress->length };

	switch (egress->kind) {
	case RULES_EGRESS_ADDRESS: return !network_is_local(network, &egress->address);
	case RULES_EGRESS_POOL: return !has_all(network, egress);
	case RULES_EGRESS_PREFIX: return !has_one_of(network, &prefix);
	default: return false;
	}
}
