/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/listen.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "natd/netlink.h"

struct search {
	uint16_t port;
	bool found;
};

static bool is_loopback(const struct inet_diag_msg *message)
{
	static const uint8_t v6[16] = { [15] = 1 };

	if (message->idiag_family == AF_INET)
		return (ntohl(message->id.idiag_src[0]) >> 24) == 127;
	return memcmp(message->id.idiag_src, v6, sizeof(v6)) == 0;
}

static int on_socket(const struct nlmsghdr *header, void *data)
{
	const struct inet_diag_msg *message = mnl_nlmsg_get_payload(header);
	struct search *search = data;

	if (mnl_nlmsg_get_payload_len(header) >= sizeof(*message) &&
	    ntohs(message->id.idiag_sport) == search->port && message->id.idiag_dport == 0 &&
	    !is_loopback(message))
		search->found = true;
	return MNL_CB_OK;
}

/* Looks through the sockets of one family; false where the kernel does not answer. */
static bool look_through(struct mnl_socket *socket, uint8_t family, uint8_t protocol,
			 struct search *search)
{
	const struct inet_diag_req_v2 request = {
		.sdiag_family = family,
		.sdiag_protocol = protocol,
		/* An unconnected UDP socket is in TCP_CLOSE (net/ipv4/udp_diag.c). */
		.idiag_states = protocol == IPPROTO_TCP ? 1U << TCP_LISTEN : 1U << TCP_CLOSE,
	};

	return netlink_dump(socket, SOCK_DIAG_BY_FAMILY, &request, sizeof(request), on_socket,
			    search) == 0;
}

enum listen_answer listen_check(uint8_t protocol, uint16_t port)
{
	struct mnl_socket *socket = netlink_open(NETLINK_SOCK_DIAG);
	struct search search = { .port = port };
	bool answered;

	if (!socket)
		return LISTEN_UNKNOWN;
	answered = look_through(socket, AF_INET, protocol, &search) &&
		   look_through(socket, AF_INET6, protocol, &search);
	mnl_socket_close(socket);
	if (search.found)
		return LISTEN_YES;
	return answered ? LISTEN_NO : LISTEN_UNKNOWN;
}

uint16_t listen_free_port(uint8_t protocol)
{
	uint16_t port = 0;

	for (int tries = 0; tries < 10; tries++) {
		if (getrandom(&port, sizeof(port), 0) != sizeof(port))
			return 0;
		port |= 0xc000;
		if (listen_check(protocol, port) == LISTEN_NO)
			return port;
	}
	return 0;
}
