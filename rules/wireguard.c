/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/wireguard.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <string.h>
#include <sys/socket.h>

#include "natd/log.h"

#define RECEIVE_SIZE (32 * 1024)

/* What a message of the answer is read with. */
typedef uint16_t read_message(const struct nlmsghdr *message);

static uint16_t read_u16(const struct nlmsghdr *message, uint16_t type)
{
	struct nlattr *attribute;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct genlmsghdr))
		return 0;
	mnl_attr_for_each(attribute, message, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attribute) == type &&
		    mnl_attr_validate(attribute, MNL_TYPE_U16) == 0)
			return mnl_attr_get_u16(attribute);
	return 0;
}

uint16_t wireguard_read_family(const struct nlmsghdr *message)
{
	return read_u16(message, CTRL_ATTR_FAMILY_ID);
}

uint16_t wireguard_read_port(const struct nlmsghdr *message)
{
	return read_u16(message, WGDEVICE_A_LISTEN_PORT);
}

static struct nlmsghdr *request_new(char *buffer, uint16_t type, uint16_t flags, uint8_t command,
				    uint8_t version)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	message->nlmsg_seq = command;
	header->cmd = command;
	header->version = version;
	return message;
}

static bool is_end(const struct nlmsghdr *message)
{
	return message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR;
}

/* Asks and reads the answer to its end, so that nothing of it is taken for the next one. */
static uint16_t ask(struct mnl_socket *socket, const struct nlmsghdr *request, read_message *read)
{
	char buffer[RECEIVE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	uint16_t found = 0;
	ssize_t got;

	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return 0;
	while ((got = recv(mnl_socket_get_fd(socket), buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)buffer;
		int left = (int)got;

		for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
			if (!found && !is_end(message) && message->nlmsg_seq == request->nlmsg_seq)
				found = read(message);
	}
	/* A device's description holds its private key. */
	explicit_bzero(buffer, sizeof(buffer));
	return found;
}

static uint16_t ask_family(struct mnl_socket *socket)
{
	char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *request = request_new(buffer, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1);

	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	return ask(socket, request, wireguard_read_family);
}

static uint16_t ask_port(struct mnl_socket *socket, uint16_t family, const char *interface)
{
	char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *request =
		request_new(buffer, family, NLM_F_DUMP, WG_CMD_GET_DEVICE, WG_GENL_VERSION);

	mnl_attr_put_strz(request, WGDEVICE_A_IFNAME, interface);
	return ask(socket, request, wireguard_read_port);
}

uint16_t wireguard_port(const char *interface)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	uint16_t family;
	uint16_t port = 0;

	if (!socket)
		return 0;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0) {
		family = ask_family(socket);
		if (family)
			port = ask_port(socket, family, interface);
	} else {
		log_debug("cannot ask WireGuard: %s", strerror(errno));
	}
	mnl_socket_close(socket);
	return port;
}
