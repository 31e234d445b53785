/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pcp: Port Control Protocol messages (RFC 6887) as bytes: MAP and ANNOUNCE. No socket, no state. */
#ifndef UPNP_PCP_H
#define UPNP_PCP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "upnp/upnp.h"

#define PCP_PORT         5351
#define PCP_MESSAGE_MAX  1100 /* RFC 6887 7: octets */
#define PCP_HEADER_SIZE  24
#define PCP_REQUEST_SIZE 60 /* a MAP request without options */

enum pcp_opcode { PCP_ANNOUNCE = 0, PCP_MAP = 1 };

/* RFC 6887 7.4 */
enum pcp_result {
	PCP_SUCCESS,
	PCP_UNSUPP_VERSION,
	PCP_NOT_AUTHORIZED,
	PCP_MALFORMED_REQUEST,
	PCP_UNSUPP_OPCODE,
	PCP_UNSUPP_OPTION,
	PCP_MALFORMED_OPTION,
	PCP_NETWORK_FAILURE,
	PCP_NO_RESOURCES,
	PCP_UNSUPP_PROTOCOL,
	PCP_USER_EX_QUOTA,
	PCP_CANNOT_PROVIDE_EXTERNAL,
	PCP_ADDRESS_MISMATCH,
	PCP_EXCESSIVE_REMOTE_PEERS,
	PCP_RESULTS
};

/* The data of the MAP opcode, RFC 6887 11.1. Ports in host byte order. */
struct pcp_map {
	uint8_t nonce[UPNP_NONCE_SIZE];
	uint8_t protocol; /* IPPROTO_UDP or IPPROTO_TCP */
	uint16_t internal_port;
	uint16_t external_port;          /* suggested or assigned */
	struct in_addr external_address; /* suggested or assigned; 0.0.0.0: none, or IPv6 */
	struct in6_addr external6;       /* the same in 16 octets: IPv4 as ::ffff:a.b.c.d */
};

struct pcp_response {
	uint8_t opcode;
	uint8_t result;    /* enum pcp_result, or a number of the future */
	uint32_t lifetime; /* seconds granted; of an error: how long it will stay */
	uint32_t epoch;    /* seconds since the server lost its state, RFC 6887 8.5 */
	bool has_map;      /* `map` was there; an error may come without it */
	struct pcp_map map;
};

/* Write a request of `client` (this host, network byte order) into `bytes`; return its length. A
 * lifetime of 0 s deletes the mapping. */
size_t pcp_encode_map(uint8_t bytes[PCP_REQUEST_SIZE], struct in_addr client, uint32_t lifetime,
		      const struct pcp_map *map);

/* The same over IPv6; what is suggested is map->external6. */
size_t pcp_encode_map6(uint8_t bytes[PCP_REQUEST_SIZE], const struct in6_addr *client,
		       uint32_t lifetime, const struct pcp_map *map);
size_t pcp_encode_announce(uint8_t bytes[PCP_REQUEST_SIZE], struct in_addr client);
size_t pcp_encode_announce6(uint8_t bytes[PCP_REQUEST_SIZE], const struct in6_addr *client);

/* Reads one datagram. False: it is not a response, or one that breaks the RFC, and must be ignored;
 * `response` is then undefined. A server that does not speak version 2, even one that answers in the
 * format of NAT-PMP (RFC 6887 9, RFC 6886 3.5), gives PCP_UNSUPP_VERSION. */
bool pcp_decode(struct pcp_response *response, const uint8_t *bytes, size_t size);

/* Does a response bear the nonce, protocol and internal port of `request` (RFC 6887 11.4)? */
bool pcp_answers(const struct pcp_response *response, const struct pcp_map *request);

/* "NOT_AUTHORIZED"; "?" for a number that the RFC does not name. */
const char *pcp_result_name(uint8_t result);

/* The cause behind a result other than PCP_SUCCESS. */
enum upnp_failure pcp_failure(uint8_t result);

#endif
