/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/neighbour.h"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

/* States in which the kernel holds an address that was once confirmed (linux/neighbour.h). */
#define HAS_MAC (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

struct search {
	struct in_addr address;
	char *text;
	bool found;
};

static void print_mac(const struct nlattr *attribute, char *text)
{
	const uint8_t *mac = mnl_attr_get_payload(attribute);

	snprintf(text, NEIGHBOUR_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
}

static int on_neighbour(const struct nlmsghdr *header, void *data)
{
	const struct ndmsg *message = mnl_nlmsg_get_payload(header);
	const struct nlattr *attribute;
	const struct nlattr *mac = NULL;
	struct search *search = data;
	bool same = false;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*message) || !(message->ndm_state & HAS_MAC))
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, header, sizeof(*message)) {
		uint16_t type = mnl_attr_get_type(attribute);
		uint16_t size = mnl_attr_get_payload_len(attribute);

		if (type == NDA_LLADDR && size == 6)
			mac = attribute;
		if (type == NDA_DST && size == sizeof(search->address))
			same = memcmp(mnl_attr_get_payload(attribute), &search->address, size) == 0;
	}
	if (same && mac) {
		print_mac(mac, search->text);
		search->found = true;
	}
	return MNL_CB_OK;
}

static bool dump(struct mnl_socket *socket, struct search *search)
{
	char buffer[32768];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct ndmsg *message;
	int status;

	header->nlmsg_type = RTM_GETNEIGH;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = 1;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->ndm_family = AF_INET;
	if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
		return false;
	do {
		ssize_t got = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		if (got < 0)
			return false;
		status = mnl_cb_run(buffer, (size_t)got, 1, mnl_socket_get_portid(socket),
				    on_neighbour, search);
	} while (status == MNL_CB_OK);
	return search->found;
}

bool neighbour_mac(struct in_addr address, char text[NEIGHBOUR_MAC_TEXT])
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct search search = { .address = address, .text = text };
	bool found;

	if (!socket)
		return false;
	found = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 && dump(socket, &search);
	mnl_socket_close(socket);
	return found;
}
