/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/wireguard.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "natd/log.h"

#define RECEIVE_SIZE (32 * 1024)

/* What a message of the answer is read with. */
typedef void read_message(const struct nlmsghdr *message, void *data);

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

/* struct __kernel_timespec of the kernel's clock; zero where there was no handshake. */
static void read_peer(const struct nlattr *peer, int64_t now, struct rules_peers *peers)
{
	struct nlattr *attribute;
	int64_t shaken;

	mnl_attr_for_each_nested(attribute, peer) {
		if (mnl_attr_get_type(attribute) != WGPEER_A_LAST_HANDSHAKE_TIME ||
		    mnl_attr_get_payload_len(attribute) < sizeof(shaken))
			continue;
		memcpy(&shaken, mnl_attr_get_payload(attribute), sizeof(shaken));
		peers->peers++; /* a peer that goes on in the next message has no such time there */
		if (shaken <= 0)
			continue;
		peers->shaken++;
		shaken = now > shaken ? now - shaken : 0;
		if (peers->ago < 0 || shaken < peers->ago)
			peers->ago = shaken;
	}
}

void wireguard_read_peers(const struct nlmsghdr *message, int64_t now, struct rules_peers *peers)
{
	struct nlattr *attribute;
	struct nlattr *peer;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct genlmsghdr))
		return;
	mnl_attr_for_each(attribute, message, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attribute) != WGDEVICE_A_PEERS)
			continue;
		mnl_attr_for_each_nested(peer, attribute)
			read_peer(peer, now, peers);
	}
}

/* Is there a prefix of length 0 among them? */
static bool takes_everything(const struct nlattr *prefixes)
{
	struct nlattr *attribute;
	struct nlattr *prefix;

	mnl_attr_for_each_nested(prefix, prefixes) {
		mnl_attr_for_each_nested(attribute, prefix)
			if (mnl_attr_get_type(attribute) == WGALLOWEDIP_A_CIDR_MASK &&
			    mnl_attr_validate(attribute, MNL_TYPE_U8) == 0 &&
			    mnl_attr_get_u8(attribute) == 0)
				return true;
	}
	return false;
}

static bool is_server_of_ours(const struct nlattr *peer)
{
	struct nlattr *attribute;
	bool called = false;
	bool everything = false;

	mnl_attr_for_each_nested(attribute, peer) {
		called |= mnl_attr_get_type(attribute) == WGPEER_A_ENDPOINT;
		if (mnl_attr_get_type(attribute) == WGPEER_A_ALLOWEDIPS)
			everything |= takes_everything(attribute);
	}
	return called && everything;
}

bool wireguard_read_client(const struct nlmsghdr *message)
{
	struct nlattr *attribute;
	struct nlattr *peer;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(struct genlmsghdr))
		return false;
	mnl_attr_for_each(attribute, message, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attribute) != WGDEVICE_A_PEERS)
			continue;
		mnl_attr_for_each_nested(peer, attribute)
			if (is_server_of_ours(peer))
				return true;
	}
	return false;
}

static void take_family(const struct nlmsghdr *message, void *family)
{
	if (!*(uint16_t *)family)
		*(uint16_t *)family = wireguard_read_family(message);
}

/* What tells a server from a client. */
struct device {
	uint16_t port;
	bool client;
};

static void take_device(const struct nlmsghdr *message, void *data)
{
	struct device *device = data;

	if (!device->port)
		device->port = wireguard_read_port(message);
	device->client |= wireguard_read_client(message);
}

static void take_peers(const struct nlmsghdr *message, void *peers)
{
	wireguard_read_peers(message, time(NULL), peers);
}

/* Asks and reads the answer to its end, so that nothing of it is taken for the next one. */
static void ask(struct mnl_socket *socket, const struct nlmsghdr *request, read_message *read,
		void *data)
{
	char buffer[RECEIVE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t got;

	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return;
	while ((got = recv(mnl_socket_get_fd(socket), buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)buffer;
		int left = (int)got;

		for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
			if (!is_end(message) && message->nlmsg_seq == request->nlmsg_seq)
				read(message, data);
	}
	/* A device's description holds its private key. */
	explicit_bzero(buffer, sizeof(buffer));
}

static uint16_t ask_family(struct mnl_socket *socket)
{
	char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *request = request_new(buffer, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1);
	uint16_t family = 0;

	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	ask(socket, request, take_family, &family);
	return family;
}

/* Asks for the device `interface` and reads each message of the answer. */
static void ask_device(const char *interface, read_message *read, void *data)
{
	char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	struct nlmsghdr *request;
	uint16_t family;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		log_debug("cannot ask WireGuard: %s", strerror(errno));
	} else if ((family = ask_family(socket))) {
		request =
			request_new(buffer, family, NLM_F_DUMP, WG_CMD_GET_DEVICE, WG_GENL_VERSION);
		mnl_attr_put_strz(request, WGDEVICE_A_IFNAME, interface);
		ask(socket, request, read, data);
	}
	if (socket)
		mnl_socket_close(socket);
}

uint16_t wireguard_port(const char *interface)
{
	struct device device = { 0 };

	ask_device(interface, take_device, &device);
	return device.client ? 0 : device.port;
}

struct rules_peers wireguard_peers(const char *interface)
{
	struct rules_peers peers;

	memset(&peers, 0, sizeof(peers));
	peers.ago = -1;
	memcpy(peers.interface, interface, strnlen(interface, sizeof(peers.interface) - 1));
	ask_device(interface, take_peers, &peers);
	peers.known = peers.peers != 0 || rules_userspace_peers(interface, &peers);
	return peers;
}
