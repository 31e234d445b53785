/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/neighbour.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "natd/netlink.h"

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

bool neighbour_mac(struct in_addr address, char text[NEIGHBOUR_MAC_TEXT])
{
	struct mnl_socket *socket = netlink_open(NETLINK_ROUTE);
	const struct ndmsg question = { .ndm_family = AF_INET };
	struct search search = { .address = address, .text = text };

	if (!socket)
		return false;
	netlink_dump(socket, RTM_GETNEIGH, &question, sizeof(question), on_neighbour, &search);
	mnl_socket_close(socket);
	return search.found;
}
