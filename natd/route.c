/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "natd/netlink.h"

#define CLIENTS_TRIED 8

static void put_address(struct nlmsghdr *message, uint16_t type, const struct address *address)
{
	if (address->family == AF_INET)
		mnl_attr_put(message, type, sizeof(address->v4), &address->v4);
	else
		mnl_attr_put(message, type, sizeof(address->v6), &address->v6);
}

static int read_metric(const struct nlattr *attribute, void *data)
{
	struct route_answer *answer = data;

	if (mnl_attr_get_type(attribute) == RTAX_MTU &&
	    mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
		answer->mtu = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

static int read_attribute(const struct nlattr *attribute, void *data)
{
	struct route_answer *answer = data;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type == RTA_OIF && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
		answer->interface = mnl_attr_get_u32(attribute);
	else if (type == RTA_METRICS && mnl_attr_validate(attribute, MNL_TYPE_NESTED) == 0)
		mnl_attr_parse_nested(attribute, read_metric, data);
	return MNL_CB_OK;
}

static int read_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	struct route_answer *answer = data;

	if (message->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*route))
		return MNL_CB_OK;
	answer->error = 0;
	mnl_attr_parse(message, sizeof(*route), read_attribute, answer);
	return MNL_CB_STOP;
}

static struct route_answer ask(struct mnl_socket *socket, struct nlmsghdr *message)
{
	struct route_answer answer = { .error = EIO };
	char buffer[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t got;

	/* Netlink answers within the call that asks: nothing is waited for. */
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0 ||
	    (got = recv(mnl_socket_get_fd(socket), buffer, sizeof(buffer), MSG_DONTWAIT)) < 0)
		answer.error = errno;
	else if (mnl_cb_run(buffer, (size_t)got, message->nlmsg_seq, mnl_socket_get_portid(socket),
			    read_route, &answer) < 0)
		answer.error = errno;
	return answer;
}

static struct route_answer query(const struct address *to, const struct address *from,
				 unsigned int in)
{
	char buffer[512] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(message, sizeof(*route));
	struct mnl_socket *socket = netlink_open(NETLINK_ROUTE);
	struct route_answer answer;

	if (!socket)
		return (struct route_answer){ .error = errno };
	message->nlmsg_type = RTM_GETROUTE;
	message->nlmsg_flags = NLM_F_REQUEST;
	message->nlmsg_seq = 1;
	route->rtm_family = to->family;
	route->rtm_dst_len = address_bits(to);
	put_address(message, RTA_DST, to);
	if (from) {
		route->rtm_src_len = address_bits(from);
		put_address(message, RTA_SRC, from);
		mnl_attr_put_u32(message, RTA_IIF, in);
	}
	answer = ask(socket, message);
	mnl_socket_close(socket);
	return answer;
}

struct route_answer route_to(const struct address *to)
{
	return query(to, NULL, 0);
}

struct route_answer route_through(const struct address *to, const struct address *from,
				  unsigned int in)
{
	return query(to, from, in);
}

struct address route_internet(int family)
{
	struct address address = { 0 };

	address_parse(&address, family == AF_INET ? "8.8.8.8" : "2001:4860:4860::8888");
	return address;
}

struct address route_client_of(const struct network *network, const struct prefix *clients)
{
	struct prefix whole = prefix_network(clients);
	struct address address = whole.address;
	uint8_t *last =
		address.family == AF_INET ? (uint8_t *)&address.v4 + 3 : &address.v6.s6_addr[15];

	if (clients->length == address_bits(&address))
		return network_is_local(network, &address) ? (struct address){ 0 } : address;
	for (int i = 0; i < CLIENTS_TRIED; i++) {
		(*last)++;
		if (!prefix_contains(&whole, &address))
			break;
		if (!network_is_local(network, &address))
			return address;
	}
	return (struct address){ 0 };
}
