/* SPDX-License-Identifier: GPL-2.0-or-later */
/* address: IP addresses and prefixes of either family: parse, print, compare, classify. */
#ifndef NATD_ADDRESS_H
#define NATD_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct address {
	uint8_t family; /* AF_INET, AF_INET6; 0: none */
	union {
		struct in_addr v4; /* network byte order */
		struct in6_addr v6;
	};
};

struct prefix {
	struct address address; /* host bits are kept: 10.8.0.1/24 is not 10.8.0.0/24 */
	uint8_t length;         /* bits */
};

/* What the internet can do with an address; RFC 6890's registry as far as homes meet it. */
enum address_kind {
	ADDRESS_NONE, /* 0.0.0.0, ::, or none known */
	ADDRESS_PUBLIC,
	ADDRESS_PRIVATE, /* RFC 1918, fc00::/7 */
	ADDRESS_CGNAT,   /* 100.64.0.0/10, RFC 6598 */
	ADDRESS_DSLITE,  /* 192.0.0.0/29, RFC 6333: the line has no IPv4 address of its own */
	ADDRESS_SPECIAL, /* loopback, link-local, multicast, reserved */
};

#define ADDRESS_TEXT_MAX 46 /* INET6_ADDRSTRLEN */
#define PREFIX_TEXT_MAX  50

struct address address_v4(struct in_addr v4);

/* Parses "10.8.0.1" or "fd42::1". False leaves `address` untouched. */
bool address_parse(struct address *address, const char *text);

/* Parses "10.8.0.0/24"; an address alone is a host prefix. False leaves `prefix` untouched. */
bool prefix_parse(struct prefix *prefix, const char *text);

/* Print into `text` of the size named above and return it; "" for no address. */
const char *address_print(const struct address *address, char text[ADDRESS_TEXT_MAX]);
const char *prefix_print(const struct prefix *prefix, char text[PREFIX_TEXT_MAX]);

bool address_equal(const struct address *a, const struct address *b);
bool address_is_set(const struct address *address);
enum address_kind address_kind(const struct address *address);

/* 32 or 128. */
uint8_t address_bits(const struct address *address);

/* The prefix with its host bits cleared. */
struct prefix prefix_network(const struct prefix *prefix);
bool prefix_contains(const struct prefix *prefix, const struct address *address);
bool prefix_equal(const struct prefix *a, const struct prefix *b);

#endif
