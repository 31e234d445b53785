/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns: DNS messages (RFC 1035), bytes only: the question for the addresses of one name, and what an
 * answer says to it. */
#ifndef UPNP_DNS_H
#define UPNP_DNS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "upnp/upnp.h"

/* RFC 1035 4.2.1. Nothing larger is asked for: a home's name has an address or two. */
#define DNS_MESSAGE_MAX 512

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28 };

/* RFC 1035 4.1.1, what matters of it. */
enum dns_code { DNS_NO_ERROR = 0, DNS_NO_SUCH_NAME = 3 };

struct dns_question {
	char name[UPNP_HOST_MAX];
	uint16_t type; /* enum dns_type, DNS_A or DNS_AAAA */
	uint16_t id;   /* random: half of what a forger has to guess */
};

struct dns_answer {
	uint8_t code;   /* enum dns_code, or another */
	bool truncated; /* it did not fit: there may be more */
	uint32_t ttl;   /* seconds, the shortest on the way to the addresses; 0 without any */
	uint8_t count;
	struct in6_addr addresses[UPNP_ADDRESSES_MAX]; /* IPv4 as ::ffff:a.b.c.d */
};

/* Writes the question. Returns its size; 0: the name cannot be asked for. */
size_t dns_encode(uint8_t message[DNS_MESSAGE_MAX], const struct dns_question *question);

/* Reads an answer, following the aliases (CNAME) that it holds. False: this is no sound answer to that
 * question. */
bool dns_decode(struct dns_answer *answer, const uint8_t *bytes, size_t size,
		const struct dns_question *question);

#endif
