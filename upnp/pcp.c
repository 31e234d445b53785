/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every message starts with (RFC 6887 7.1, 7.2):
 *
 *    0        1        2        3
 *   +--------+--------+--------+--------+
 *   |version |R opcode|reserved| result |     request: result is 0
 *   +--------+--------+--------+--------+
 *   |          lifetime, seconds        |
 *   +-----------------------------------+
 *   |  request: address of the client   |     response: epoch, 4 octets, and 12 reserved
 *   |             16 octets             |
 *   +-----------------------------------+
 *
 * and MAP goes on with (11.1): nonce 12, protocol 1, reserved 3, internal port 2, external port 2,
 * external address 16. An IPv4 address is written as ::ffff:a.b.c.d (section 5). */
#include "upnp/pcp.h"

#include "upnp/bytes.h"

#include <string.h>

#define PCP_VERSION    2
#define PCP_RESPONSE   0x80
#define PCP_MAP_SIZE   36
#define NATPMP_VERSION 0

static const struct {
	const char *name;
	enum upnp_failure failure;
} results[PCP_RESULTS] = {
	[PCP_SUCCESS] = { "SUCCESS", UPNP_OTHER_FAILURE },
	[PCP_UNSUPP_VERSION] = { "UNSUPP_VERSION", UPNP_OTHER_FAILURE },
	[PCP_NOT_AUTHORIZED] = { "NOT_AUTHORIZED", UPNP_HOST_REFUSED },
	[PCP_MALFORMED_REQUEST] = { "MALFORMED_REQUEST", UPNP_OTHER_FAILURE },
	[PCP_UNSUPP_OPCODE] = { "UNSUPP_OPCODE", UPNP_OTHER_FAILURE },
	[PCP_UNSUPP_OPTION] = { "UNSUPP_OPTION", UPNP_OTHER_FAILURE },
	[PCP_MALFORMED_OPTION] = { "MALFORMED_OPTION", UPNP_OTHER_FAILURE },
	[PCP_NETWORK_FAILURE] = { "NETWORK_FAILURE", UPNP_NETWORK_FAILURE },
	[PCP_NO_RESOURCES] = { "NO_RESOURCES", UPNP_NO_RESOURCES },
	[PCP_UNSUPP_PROTOCOL] = { "UNSUPP_PROTOCOL", UPNP_OTHER_FAILURE },
	[PCP_USER_EX_QUOTA] = { "USER_EX_QUOTA", UPNP_NO_RESOURCES },
	[PCP_CANNOT_PROVIDE_EXTERNAL] = { "CANNOT_PROVIDE_EXTERNAL", UPNP_PORT_TAKEN },
	[PCP_ADDRESS_MISMATCH] = { "ADDRESS_MISMATCH", UPNP_OTHER_FAILURE },
	[PCP_EXCESSIVE_REMOTE_PEERS] = { "EXCESSIVE_REMOTE_PEERS", UPNP_NO_RESOURCES },
};

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

static void put_address(uint8_t *at, struct in_addr address)
{
	memcpy(at, v4_mapped, sizeof(v4_mapped));
	memcpy(at + sizeof(v4_mapped), &address, sizeof(address));
}

/* An IPv6 address reads as none. */
static struct in_addr get_address(const uint8_t *at)
{
	struct in_addr address = { INADDR_ANY };

	if (memcmp(at, v4_mapped, sizeof(v4_mapped)) == 0)
		memcpy(&address, at + sizeof(v4_mapped), sizeof(address));
	return address;
}

/* The client's address follows. */
static void put_header(uint8_t *bytes, enum pcp_opcode opcode, uint32_t lifetime)
{
	memset(bytes, 0, PCP_HEADER_SIZE);
	bytes[0] = PCP_VERSION;
	bytes[1] = (uint8_t)opcode;
	put32(bytes + 4, lifetime);
}

size_t pcp_encode_announce(uint8_t bytes[PCP_REQUEST_SIZE], struct in_addr client)
{
	put_header(bytes, PCP_ANNOUNCE, 0);
	put_address(bytes + 8, client);
	return PCP_HEADER_SIZE;
}

size_t pcp_encode_announce6(uint8_t bytes[PCP_REQUEST_SIZE], const struct in6_addr *client)
{
	put_header(bytes, PCP_ANNOUNCE, 0);
	memcpy(bytes + 8, client, sizeof(*client));
	return PCP_HEADER_SIZE;
}

/* Without the external address, which follows. */
static void put_map(uint8_t *data, uint32_t lifetime, const struct pcp_map *map)
{
	memset(data, 0, PCP_MAP_SIZE);
	memcpy(data, map->nonce, sizeof(map->nonce));
	data[12] = map->protocol;
	put16(data + 16, map->internal_port);
	/* RFC 6887 15.1 with erratum 3621: a deletion suggests no port and ::ffff:0.0.0.0. */
	put16(data + 18, lifetime ? map->external_port : 0);
}

size_t pcp_encode_map(uint8_t bytes[PCP_REQUEST_SIZE], struct in_addr client, uint32_t lifetime,
		      const struct pcp_map *map)
{
	uint8_t *data = bytes + PCP_HEADER_SIZE;
	struct in_addr none = { INADDR_ANY };

	put_header(bytes, PCP_MAP, lifetime);
	put_address(bytes + 8, client);
	put_map(data, lifetime, map);
	put_address(data + 20, lifetime ? map->external_address : none);
	return PCP_HEADER_SIZE + PCP_MAP_SIZE;
}

size_t pcp_encode_map6(uint8_t bytes[PCP_REQUEST_SIZE], const struct in6_addr *client,
		       uint32_t lifetime, const struct pcp_map *map)
{
	uint8_t *data = bytes + PCP_HEADER_SIZE;

	put_header(bytes, PCP_MAP, lifetime);
	memcpy(bytes + 8, client, sizeof(*client));
	put_map(data, lifetime, map);
	if (lifetime)
		memcpy(data + 20, &map->external6, sizeof(map->external6));
	return PCP_HEADER_SIZE + PCP_MAP_SIZE;
}

static void get_map(struct pcp_map *map, const uint8_t *data)
{
	memcpy(map->nonce, data, sizeof(map->nonce));
	map->protocol = data[12];
	map->internal_port = get16(data + 16);
	map->external_port = get16(data + 18);
	map->external_address = get_address(data + 20);
	memcpy(&map->external6, data + 20, sizeof(map->external6));
}

/* RFC 6886 3.5: a NAT-PMP server says result 1 to a version that it does not know, in its own format:
 * version 0, opcode, result in octets 2 and 3. RFC 6887 9: a PCP server of another version says the
 * highest that it knows in the version field, and UNSUPP_VERSION. */
static bool is_other_version(const uint8_t *bytes, size_t size)
{
	if (size < 4 || !(bytes[1] & PCP_RESPONSE) || bytes[3] != PCP_UNSUPP_VERSION)
		return false;
	return bytes[0] == NATPMP_VERSION ? bytes[2] == 0 : size >= PCP_HEADER_SIZE;
}

/* RFC 6887 8.3: what a client must check before it looks at the result. */
static bool is_response(const uint8_t *bytes, size_t size)
{
	return size >= PCP_HEADER_SIZE && size <= PCP_MESSAGE_MAX && size % 4 == 0 &&
	       bytes[0] == PCP_VERSION && (bytes[1] & PCP_RESPONSE);
}

bool pcp_decode(struct pcp_response *response, const uint8_t *bytes, size_t size)
{
	memset(response, 0, sizeof(*response));
	if (is_other_version(bytes, size)) {
		response->opcode = bytes[1] & (uint8_t)~PCP_RESPONSE;
		response->result = PCP_UNSUPP_VERSION;
		return true;
	}
	if (!is_response(bytes, size))
		return false;
	response->opcode = bytes[1] & (uint8_t)~PCP_RESPONSE;
	response->result = bytes[3];
	response->lifetime = get32(bytes + 4);
	response->epoch = get32(bytes + 8);
	if (response->opcode == PCP_MAP && size >= PCP_HEADER_SIZE + PCP_MAP_SIZE) {
		response->has_map = true;
		get_map(&response->map, bytes + PCP_HEADER_SIZE);
	}
	/* A MAP that went well says what it assigned. */
	return response->opcode != PCP_MAP || response->result != PCP_SUCCESS || response->has_map;
}

bool pcp_answers(const struct pcp_response *response, const struct pcp_map *request)
{
	return response->opcode == PCP_MAP && response->has_map &&
	       memcmp(response->map.nonce, request->nonce, sizeof(request->nonce)) == 0 &&
	       response->map.protocol == request->protocol &&
	       response->map.internal_port == request->internal_port;
}

const char *pcp_result_name(uint8_t result)
{
	return result < PCP_RESULTS ? results[result].name : "?";
}

enum upnp_failure pcp_failure(uint8_t result)
{
	return result < PCP_RESULTS ? results[result].failure : UPNP_OTHER_FAILURE;
}
