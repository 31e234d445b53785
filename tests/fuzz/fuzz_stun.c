/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sources: upnp/stun.c upnp/hops.c natd/log.c */
/* A datagram from the STUN server's port, and the IP options of an ICMP error, by anybody on the way. */
#include <stdlib.h>

#include "upnp/hops.h"
#include "upnp/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const uint8_t id[STUN_ID_SIZE] = { 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
						  0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae };
	struct in_addr records[HOPS_RECORDS];
	struct in_addr mapped;

	if (hops_record(bytes, size, records) > HOPS_RECORDS)
		abort();
	if (stun_decode(&mapped, bytes, size, id) && size < STUN_REQUEST_SIZE + 4 + 8)
		abort();
	return 0;
}
