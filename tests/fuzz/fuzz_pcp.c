/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sources: upnp/pcp.c */
/* A datagram from the PCP port of anybody who can forge the gateway's address. */
#include <stdlib.h>

#include "upnp/pcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct pcp_map request = { .protocol = IPPROTO_UDP, .internal_port = 51820 };
	struct pcp_response response;

	if (!pcp_decode(&response, bytes, size))
		return 0;
	/* What was accepted keeps the promises of pcp.h. */
	if (response.has_map && (response.opcode != PCP_MAP || size < PCP_REQUEST_SIZE))
		abort();
	if (response.opcode == PCP_MAP && response.result == PCP_SUCCESS && !response.has_map)
		abort();
	if (pcp_answers(&response, &request) && response.map.internal_port != 51820)
		abort();
	if (!pcp_result_name(response.result) || pcp_failure(response.result) >= UPNP_FAILURES)
		abort();
	return 0;
}
