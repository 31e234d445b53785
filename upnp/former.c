/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/former.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "upnp/bytes.h"
#include "upnp/pcp.h"

#define NATPMP_REMOVAL_SIZE 12

/* RFC 6886 3.4: version, opcode, two reserved octets, our port, external port 0, lifetime 0. */
static size_t encode_natpmp(uint8_t bytes[PCP_REQUEST_SIZE], const struct upnp_mapping *mapping)
{
	memset(bytes, 0, NATPMP_REMOVAL_SIZE);
	bytes[1] = mapping->protocol == IPPROTO_TCP ? NATPMP_PROTOCOL_TCP : NATPMP_PROTOCOL_UDP;
	put16(bytes + 4, mapping->port);
	return NATPMP_REMOVAL_SIZE;
}

static size_t encode_pcp(uint8_t bytes[PCP_REQUEST_SIZE], const struct upnp_mapping *mapping)
{
	struct pcp_map map = { .protocol = mapping->protocol, .internal_port = mapping->port };

	memcpy(map.nonce, mapping->nonce, sizeof(map.nonce));
	return pcp_encode_map(bytes, mapping->former, 0, &map);
}

static bool send_from(const struct client *client, struct in_addr from, const uint8_t *bytes,
		      size_t size)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr = from };
	struct sockaddr_in server = { .sin_family = AF_INET,
				      .sin_port = htons(PCP_PORT),
				      .sin_addr = client->network.gateway };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool sent = fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0 &&
		    sendto(fd, bytes, size, 0, (struct sockaddr *)&server, sizeof(server)) >= 0;
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return sent;
}

void former_leave(const struct client *client, const struct upnp_mapping *mapping)
{
	uint8_t bytes[PCP_REQUEST_SIZE];
	size_t size;

	if (!mapping->former.s_addr ||
	    (mapping->former_via != UPNP_PCP && mapping->former_via != UPNP_NATPMP))
		return;
	size = mapping->former_via == UPNP_PCP ? encode_pcp(bytes, mapping)
					       : encode_natpmp(bytes, mapping);
	if (send_from(client, mapping->former, bytes, size))
		log_debug("%s: what the former address has is removed",
			  protocols[mapping->former_via]->name);
	else
		log_debug("the former address is not this host's any more (%s)", strerror(errno));
}
