/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sources: upnp/dns.c */
/* A datagram from a resolver, or from anybody who can forge its address. */
#include <stdlib.h>

#include "upnp/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct dns_question question = { .name = "home.example.net", .type = DNS_A, .id = 0x1234 };
	struct dns_answer answer;

	for (int i = 0; i < 2; i++) {
		question.type = i ? DNS_AAAA : DNS_A;
		if (!dns_decode(&answer, bytes, size, &question))
			continue;
		/* What was accepted keeps the promises of dns.h. */
		if (answer.count > UPNP_ADDRESSES_MAX || (!answer.count && answer.ttl))
			abort();
		for (uint8_t a = 0; a < answer.count; a++)
			if (!i && !IN6_IS_ADDR_V4MAPPED(&answer.addresses[a]))
				abort();
	}
	return 0;
}
