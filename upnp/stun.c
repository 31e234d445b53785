/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every message starts with (RFC 8489 5):
 *
 *   type 2 | length of what follows the header 2 | magic cookie 4 | transaction id 12
 *
 * and goes on with attributes (14): type 2 | length 2 | value, padded to four octets. */
#include "upnp/stun.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "upnp/bytes.h"

#define STUN_COOKIE             0x2112a442
#define STUN_BINDING_REQUEST    0x0001
#define STUN_BINDING_SUCCESS    0x0101
#define STUN_MAPPED_ADDRESS     0x0001 /* RFC 8489 14.1: for servers of the years before 2008 */
#define STUN_XOR_MAPPED_ADDRESS 0x0020 /* 14.2 */
#define STUN_IPV4               0x01
#define STUN_ADDRESS_SIZE       8 /* reserved 1, family 1, port 2, address 4 */
#define STUN_HEADER_SIZE        STUN_REQUEST_SIZE

/* RFC 8489 6.2.1: first wait 500 ms, then double. Three tries of the seven: whoever looks at the status
 * wants an answer, and the next question comes by itself. */
#define STUN_TRIES        3
#define STUN_TRY_FIRST_US 500000

void stun_encode(uint8_t bytes[STUN_REQUEST_SIZE], const uint8_t id[STUN_ID_SIZE])
{
	put16(bytes, STUN_BINDING_REQUEST);
	put16(bytes + 2, 0);
	put32(bytes + 4, STUN_COOKIE);
	memcpy(bytes + 8, id, STUN_ID_SIZE);
}

/* An attribute that names the address: as it is, or hidden from routers that rewrite what looks like
 * an address in a packet. */
static bool take_address(struct in_addr *mapped, uint16_t type, const uint8_t *value, size_t size)
{
	uint32_t mask = type == STUN_XOR_MAPPED_ADDRESS ? STUN_COOKIE : 0;

	if ((type != STUN_XOR_MAPPED_ADDRESS && type != STUN_MAPPED_ADDRESS) ||
	    size < STUN_ADDRESS_SIZE || value[1] != STUN_IPV4)
		return false;
	mapped->s_addr = htonl(get32(value + 4) ^ mask);
	return true;
}

bool stun_decode(struct in_addr *mapped, const uint8_t *bytes, size_t size,
		 const uint8_t id[STUN_ID_SIZE])
{
	bool found = false;
	size_t end;

	if (size < STUN_HEADER_SIZE || get16(bytes) != STUN_BINDING_SUCCESS ||
	    get32(bytes + 4) != STUN_COOKIE || memcmp(bytes + 8, id, STUN_ID_SIZE) != 0)
		return false;
	end = STUN_HEADER_SIZE + (size_t)get16(bytes + 2);
	if (end > size)
		return false;
	for (size_t at = STUN_HEADER_SIZE; at + 4 <= end;) {
		uint16_t type = get16(bytes + at);
		size_t length = get16(bytes + at + 2);

		if (length > end - at - 4)
			return false;
		/* The hidden one is the true one where both are there. */
		if (!found || type == STUN_XOR_MAPPED_ADDRESS)
			found |= take_address(mapped, type, bytes + at + 4, length);
		at += 4 + (length + 3) / 4 * 4;
	}
	return found;
}

void stun_init(struct stun *stun)
{
	memset(stun, 0, sizeof(*stun));
	stun->socket = -1;
	stun->next_us = INT64_MAX;
}

void stun_close(struct stun *stun)
{
	if (stun->socket >= 0)
		close(stun->socket);
	stun_init(stun);
}

void stun_start(struct stun *stun, const struct upnp_network *network,
		const struct upnp_server *server)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr = network->address };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(server->port),
				  .sin_addr = server->address };

	stun_close(stun);
	stun->next_us = 0;
	stun->socket = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (stun->socket >= 0 && bind(stun->socket, (struct sockaddr *)&own, sizeof(own)) == 0 &&
	    connect(stun->socket, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	    getrandom(stun->id, sizeof(stun->id), 0) == sizeof(stun->id))
		return;
	log_debug("STUN: %s", strerror(errno));
	stun->tries = STUN_TRIES; /* over at once */
}

static bool receive(const struct stun *stun, struct in_addr *mapped)
{
	uint8_t bytes[STUN_MESSAGE_MAX];
	ssize_t size;

	while (stun->socket >= 0 && (size = recv(stun->socket, bytes, sizeof(bytes), 0)) >= 0) {
		if (stun_decode(mapped, bytes, (size_t)size, stun->id))
			return true;
		log_debug("STUN: %zd bytes that answer nothing", size);
	}
	return false;
}

bool stun_step(struct stun *stun, int64_t now_us, struct in_addr *mapped)
{
	uint8_t request[STUN_REQUEST_SIZE];

	if (stun->next_us == INT64_MAX)
		return false;
	mapped->s_addr = INADDR_ANY;
	if (!receive(stun, mapped)) {
		if (now_us < stun->next_us)
			return false;
		if (stun->tries < STUN_TRIES) {
			stun_encode(request, stun->id);
			if (send(stun->socket, request, sizeof(request), 0) < 0)
				log_debug("STUN: %s", strerror(errno));
			stun->next_us = now_us + ((int64_t)STUN_TRY_FIRST_US << stun->tries);
			stun->tries++;
			return false;
		}
	}
	stun_close(stun);
	return true;
}
