/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/network.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_tun.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "natd/netlink.h"

/* IFLA_TUN_TYPE of linux/if_link.h, which clashes with net/if.h. */
#include <linux/if_link.h>

#define DUMP_TRIES 5

static uint32_t get_u32(const struct nlattr *attribute)
{
	return mnl_attr_validate(attribute, MNL_TYPE_U32) < 0 ? 0 : mnl_attr_get_u32(attribute);
}

/* Copies an address attribute of `family`; false if its size is another. */
static bool get_address(const struct nlattr *attribute, int family, struct address *address)
{
	size_t size = family == AF_INET ? 4 : 16;

	if (mnl_attr_get_payload_len(attribute) != size)
		return false;
	memset(address, 0, sizeof(*address));
	address->family = (uint8_t)family;
	memcpy(&address->v6, mnl_attr_get_payload(attribute), size);
	return true;
}

static void read_kind(const struct nlattr *info, struct network_link *link)
{
	const struct nlattr *attribute;
	const struct nlattr *data = NULL;
	const char *kind = "";

	mnl_attr_for_each_nested(attribute, info) {
		if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND &&
		    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
			kind = mnl_attr_get_str(attribute);
		if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA)
			data = attribute;
	}
	if (strcmp(kind, "wireguard") == 0)
		link->kind = LINK_WIREGUARD;
	if (strcmp(kind, "tun") != 0)
		return;
	link->kind = LINK_TUN;
	if (!data)
		return;
	mnl_attr_for_each_nested(attribute, data)
		if (mnl_attr_get_type(attribute) == IFLA_TUN_TYPE &&
		    mnl_attr_get_payload_len(attribute) == 1 &&
		    mnl_attr_get_u8(attribute) == IFF_TAP)
			link->kind = LINK_TAP;
}

/* What natd writes into rules and into words: rules takes no other (rules/check.c). */
static bool name_is_plain(const char *name)
{
	for (; *name; name++)
		if (*name < '!' || *name > '~' || strchr("\"*\\", *name))
			return false;
	return true;
}

/* A link of another name is there, but is no tunnel of natd's and is not called by its name. */
static void tame(struct network_link *link)
{
	if (name_is_plain(link->name))
		return;
	link->kind = LINK_OTHER;
	snprintf(link->name, sizeof(link->name), "?%u", link->index);
}

static void read_link_attribute(const struct nlattr *attribute, struct network_link *link)
{
	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
			strncpy(link->name, mnl_attr_get_str(attribute), sizeof(link->name) - 1);
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(attribute) == sizeof(link->mac)) {
			memcpy(link->mac, mnl_attr_get_payload(attribute), sizeof(link->mac));
			link->has_mac = true;
		}
		break;
	case IFLA_MTU: link->mtu = get_u32(attribute); break;
	case IFLA_MASTER: link->bridged = true; break;
	case IFLA_LINKINFO: read_kind(attribute, link); break;
	}
}

static int on_link(const struct nlmsghdr *header, void *data)
{
	struct network *network = data;
	const struct ifinfomsg *message = mnl_nlmsg_get_payload(header);
	const struct nlattr *attribute;
	struct network_link link = { .index = (unsigned int)message->ifi_index };

	link.up = message->ifi_flags & IFF_UP;
	link.running = message->ifi_flags & IFF_RUNNING;
	link.loopback = message->ifi_flags & IFF_LOOPBACK;
	mnl_attr_for_each(attribute, header, sizeof(*message))
		read_link_attribute(attribute, &link);
	tame(&link);
	if (network->link_count == NETWORK_LINKS_MAX)
		network->full = true;
	else
		network->links[network->link_count++] = link;
	return MNL_CB_OK;
}

static int on_address(const struct nlmsghdr *header, void *data)
{
	struct network *network = data;
	const struct ifaddrmsg *message = mnl_nlmsg_get_payload(header);
	const struct nlattr *attribute;
	uint32_t flags = message->ifa_flags;
	struct network_address address = { .index = message->ifa_index };
	bool local = false;

	mnl_attr_for_each(attribute, header, sizeof(*message)) {
		int type = mnl_attr_get_type(attribute);

		if (type == IFA_FLAGS)
			flags = get_u32(attribute);
		/* On a point-to-point link IFA_ADDRESS is the peer's, IFA_LOCAL ours (if_addr.h). */
		if (type == IFA_LOCAL)
			local = get_address(attribute, message->ifa_family,
					    &address.prefix.address);
		if (type == IFA_ADDRESS && !local)
			get_address(attribute, message->ifa_family, &address.prefix.address);
	}
	address.prefix.length = message->ifa_prefixlen;
	address.dynamic = !(flags & IFA_F_PERMANENT);
	address.temporary = flags & IFA_F_TEMPORARY && message->ifa_family == AF_INET6;
	address.usable = !(flags & (IFA_F_TENTATIVE | IFA_F_DEPRECATED | IFA_F_DADFAILED));
	if (!address.prefix.address.family ||
	    address.prefix.length > address_bits(&address.prefix.address))
		return MNL_CB_OK;
	if (network->address_count == NETWORK_ADDRESSES_MAX)
		network->full = true;
	else
		network->addresses[network->address_count++] = address;
	return MNL_CB_OK;
}

/* The first hop of an ECMP route is as good as any other. */
static void read_multipath(const struct nlattr *attribute, int family, struct network_route *route)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attribute);
	const struct nlattr *attr;
	size_t room = mnl_attr_get_payload_len(attribute);

	if (room < sizeof(*hop) || hop->rtnh_len > room || hop->rtnh_len < sizeof(*hop))
		return;
	route->index = (unsigned int)hop->rtnh_ifindex;
	mnl_attr_for_each_payload((const void *)(hop + 1), hop->rtnh_len - sizeof(*hop))
		if (mnl_attr_get_type(attr) == RTA_GATEWAY)
			get_address(attr, family, &route->gateway);
}

static void read_route_attribute(const struct nlattr *attribute, int family,
				 struct network_route *route)
{
	switch (mnl_attr_get_type(attribute)) {
	case RTA_DST: get_address(attribute, family, &route->destination.address); break;
	case RTA_GATEWAY: get_address(attribute, family, &route->gateway); break;
	case RTA_OIF: route->index = get_u32(attribute); break;
	case RTA_PRIORITY: route->metric = get_u32(attribute); break;
	case RTA_MULTIPATH: read_multipath(attribute, family, route); break;
	}
}

static int on_route(const struct nlmsghdr *header, void *data)
{
	struct network *network = data;
	const struct rtmsg *message = mnl_nlmsg_get_payload(header);
	const struct nlattr *attribute;
	struct network_route route = { .destination.length = message->rtm_dst_len };
	/* A full table must not cost us the default route. */
	size_t room = NETWORK_ROUTES_MAX - (message->rtm_dst_len ? 16 : 0);

	if (message->rtm_table != RT_TABLE_MAIN || message->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	route.destination.address.family = message->rtm_family;
	mnl_attr_for_each(attribute, header, sizeof(*message))
		read_route_attribute(attribute, message->rtm_family, &route);
	if (network->route_count >= room)
		network->full = true;
	else
		network->routes[network->route_count++] = route;
	return MNL_CB_OK;
}

static const struct {
	uint16_t type;
	int family;
	mnl_cb_t on_message;
} dumps[] = {
	{ RTM_GETLINK, AF_UNSPEC, on_link },
	{ RTM_GETADDR, AF_UNSPEC, on_address },
	{ RTM_GETROUTE, AF_INET, on_route },
	{ RTM_GETROUTE, AF_INET6, on_route },
};

static int read_all(struct mnl_socket *socket, struct network *network)
{
	memset(network, 0, sizeof(*network));
	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]); i++) {
		struct rtgenmsg family = { .rtgen_family = (unsigned char)dumps[i].family };
		int error = netlink_dump(socket, dumps[i].type, &family, sizeof(family),
					 dumps[i].on_message, network);

		if (error)
			return error;
	}
	return 0;
}

bool network_read(struct network *network)
{
	static struct network fresh;
	struct mnl_socket *socket = netlink_open(NETLINK_ROUTE);
	int error = EINTR;

	if (!socket)
		return false;
	for (int i = 0; i < DUMP_TRIES && error == EINTR; i++)
		error = read_all(socket, &fresh);
	mnl_socket_close(socket);
	if (error) {
		errno = error;
		return false;
	}
	*network = fresh;
	return true;
}

int network_watch(void)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
			     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	int watch = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (watch < 0)
		return -1;
	if (bind(watch, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(watch);
		return -1;
	}
	return watch;
}

bool network_changed(int watch)
{
	char buffer[8192];
	bool changed = false;

	for (;;) {
		ssize_t got = recv(watch, buffer, sizeof(buffer), MSG_TRUNC);

		if (got < 0 && errno == EINTR)
			continue;
		/* ENOBUFS: events were lost, so something did happen. */
		if (got < 0)
			return changed || errno == ENOBUFS;
		changed = true;
	}
}

const struct network_link *network_link_by_index(const struct network *network, unsigned int index)
{
	for (size_t i = 0; i < network->link_count; i++)
		if (network->links[i].index == index)
			return &network->links[i];
	return NULL;
}

const struct network_link *network_link_by_name(const struct network *network, const char *name)
{
	for (size_t i = 0; i < network->link_count; i++)
		if (strcmp(network->links[i].name, name) == 0)
			return &network->links[i];
	return NULL;
}

bool network_is_tunnel(const struct network_link *link)
{
	return link->kind != LINK_OTHER && !link->bridged;
}

bool network_is_local(const struct network *network, const struct address *address)
{
	for (size_t i = 0; i < network->address_count; i++)
		if (address_equal(&network->addresses[i].prefix.address, address))
			return true;
	return false;
}
