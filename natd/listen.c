/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/listen.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

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

/* One dump of the sockets of one family; false where the kernel does not answer. */
static bool dump(struct mnl_socket *socket, uint8_t family, uint8_t protocol, struct search *search)
{
	char buffer[16384];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request;
	int status;

	header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
	request->sdiag_family = family;
	request->sdiag_protocol = protocol;
	/* An unconnected UDP socket is in TCP_CLOSE (net/ipv4/udp_diag.c). */
	request->idiag_states = protocol == IPPROTO_TCP ? 1U << TCP_LISTEN : 1U << TCP_CLOSE;
	if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
		return false;
	do {
		ssize_t got = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		if (got < 0)
			return false;
		status = mnl_cb_run(buffer, (size_t)got, 0, 0, on_socket, search);
	} while (status == MNL_CB_OK);
	return status >= 0;
}

enum listen_answer listen_check(uint8_t protocol, uint16_t port)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	struct search search = { .port = port };
	bool answered;

	if (!socket)
		return LISTEN_UNKNOWN;
	answered = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 &&
		   dump(socket, AF_INET, protocol, &search) &&
		   dump(socket, AF_INET6, protocol, &search);
	mnl_socket_close(socket);
	if (search.found)
		return LISTEN_YES;
	return answered ? LISTEN_NO : LISTEN_UNKNOWN;
}
