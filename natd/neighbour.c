/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/neighbour.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "natd/netlink.h"

/* States in which the kernel holds an address that was once confirmed (linux/neighbour.h). */
#define HAS_MAC (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

static const uint8_t unknown[MAC_SIZE];

struct search {
	const void *address;
	uint16_t size; /* of the address, octets */
	unsigned int ifindex;
	uint8_t *mac;
	bool found;
};

static int on_neighbour(const struct nlmsghdr *header, void *data)
{
	const struct ndmsg *message = mnl_nlmsg_get_payload(header);
	const struct nlattr *attribute;
	const struct nlattr *mac = NULL;
	struct search *search = data;
	bool same = false;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*message) ||
	    !(message->ndm_state & HAS_MAC) ||
	    (search->ifindex && search->ifindex != (unsigned int)message->ndm_ifindex))
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, header, sizeof(*message)) {
		uint16_t type = mnl_attr_get_type(attribute);
		uint16_t size = mnl_attr_get_payload_len(attribute);

		if (type == NDA_LLADDR && size == MAC_SIZE)
			mac = attribute;
		if (type == NDA_DST && size == search->size)
			same = memcmp(mnl_attr_get_payload(attribute), search->address, size) == 0;
	}
	if (same && mac) {
		memcpy(search->mac, mnl_attr_get_payload(mac), MAC_SIZE);
		search->found = true;
	}
	return MNL_CB_OK;
}

static bool find(int family, struct search *search)
{
	struct mnl_socket *socket = netlink_open(NETLINK_ROUTE);
	const struct ndmsg question = { .ndm_family = (uint8_t)family };

	memset(search->mac, 0, MAC_SIZE);
	if (!socket)
		return false;
	netlink_dump(socket, RTM_GETNEIGH, &question, sizeof(question), on_neighbour, search);
	mnl_socket_close(socket);
	return search->found;
}

bool neighbour_find(struct in_addr address, unsigned int ifindex, uint8_t mac[MAC_SIZE])
{
	struct search search = { &address, sizeof(address), ifindex, mac, false };

	return find(AF_INET, &search);
}

bool neighbour_find6(const struct in6_addr *address, unsigned int ifindex, uint8_t mac[MAC_SIZE])
{
	struct search search = { address, sizeof(*address), ifindex, mac, false };

	return find(AF_INET6, &search);
}

const char *mac_print(const uint8_t mac[MAC_SIZE], char text[MAC_TEXT_MAX])
{
	snprintf(text, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return text;
}

bool mac_parse(uint8_t mac[MAC_SIZE], const char *text)
{
	char again[MAC_TEXT_MAX];

	/* What prints as it was read has neither less nor more. */
	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &mac[0], &mac[1], &mac[2],
		      &mac[3], &mac[4], &mac[5]) == MAC_SIZE &&
	       strcmp(mac_print(mac, again), text) == 0;
}

bool mac_is_known(const uint8_t mac[MAC_SIZE])
{
	return memcmp(mac, unknown, MAC_SIZE) != 0;
}

bool mac_differs(const uint8_t a[MAC_SIZE], const uint8_t b[MAC_SIZE])
{
	return mac_is_known(a) && mac_is_known(b) && memcmp(a, b, MAC_SIZE) != 0;
}
