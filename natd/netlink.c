/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

struct mnl_socket *netlink_open(int bus)
{
	struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	int error;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0)
		return socket;
	error = errno;
	mnl_socket_close(socket);
	errno = error;
	return NULL;
}

static int send_question(struct mnl_socket *socket, uint16_t type, unsigned int sequence,
			 const void *body, size_t size)
{
	char buffer[256];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = sequence;
	memcpy(mnl_nlmsg_put_extra_header(header, size), body, size);
	return mnl_socket_sendto(socket, header, header->nlmsg_len) < 0 ? errno : 0;
}

int netlink_dump(struct mnl_socket *socket, uint16_t type, const void *body, size_t size,
		 mnl_cb_t on_message, void *data)
{
	static unsigned int sequence;
	char buffer[32768];
	int status;
	int error = send_question(socket, type, ++sequence, body, size);

	if (error)
		return error;
	do {
		ssize_t got = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		if (got < 0)
			return errno;
		status = mnl_cb_run(buffer, (size_t)got, sequence, mnl_socket_get_portid(socket),
				    on_message, data);
	} while (status == MNL_CB_OK);
	return status < 0 ? errno : 0;
}
