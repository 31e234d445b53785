/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "natd/log.h"

#define REQUEST_MAX 1024

void conntrack_open(struct conntrack *conntrack)
{
	conntrack->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!conntrack->socket || mnl_socket_bind(conntrack->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		fatal("no netlink socket for connections: %s", strerror(errno));
}

void conntrack_close(struct conntrack *conntrack)
{
	mnl_socket_close(conntrack->socket);
	conntrack->socket = NULL;
}

int conntrack_descriptor(const struct conntrack *conntrack)
{
	return mnl_socket_get_fd(conntrack->socket);
}

static struct nlmsghdr *start(void *buffer, uint16_t type, uint16_t flags, uint8_t family,
			      uint32_t sequence)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	message->nlmsg_seq = sequence;
	header->nfgen_family = family;
	header->version = NFNETLINK_V0;
	return message;
}

/* A socket has one dump at a time: one that is not read to its end goes with its socket. */
void conntrack_stop(struct conntrack *conntrack)
{
	if (conntrack->dumping) {
		mnl_socket_close(conntrack->socket);
		conntrack_open(conntrack);
	}
	conntrack->dumping = false;
	conntrack->sequence += 2; /* this one's, and that of its deletions */
}

/* What the kernel compares of a tuple, by bits that its own headers keep to themselves
 * (net/netfilter/nf_internals.h, CTA_FILTER_F_*; Linux 5.8). */
#define COMPARE_SOURCE      (1U << 0)
#define COMPARE_DESTINATION (1U << 1)
#define COMPARE_PROTOCOL    (1U << 3)
#define COMPARE_PORT        (1U << 5)

static void put_address(struct nlmsghdr *message, uint16_t attribute, struct in_addr address)
{
	struct nlattr *nest = mnl_attr_nest_start(message, CTA_TUPLE_IP);

	mnl_attr_put(message, attribute, sizeof(address), &address);
	mnl_attr_nest_end(message, nest);
}

static void put_protocol(struct nlmsghdr *message, const struct conntrack_filter *filter)
{
	struct nlattr *nest = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);

	mnl_attr_put_u8(message, CTA_PROTO_NUM, filter->protocol);
	if (filter->port)
		mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(filter->port));
	mnl_attr_nest_end(message, nest);
}

/* The tuple of the first packet and that of the answers, and what of each is compared. */
static void put_tuples(struct nlmsghdr *message, const struct conntrack_filter *filter)
{
	uint32_t compare = (filter->from.s_addr ? COMPARE_SOURCE : 0) |
			   (filter->protocol ? COMPARE_PROTOCOL : 0) |
			   (filter->port ? COMPARE_PORT : 0);
	struct nlattr *nest = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);

	if (filter->from.s_addr)
		put_address(message, CTA_IP_V4_SRC, filter->from);
	if (filter->protocol)
		put_protocol(message, filter);
	mnl_attr_nest_end(message, nest);
	nest = mnl_attr_nest_start(message, CTA_TUPLE_REPLY);
	if (filter->as.s_addr)
		put_address(message, CTA_IP_V4_DST, filter->as);
	mnl_attr_nest_end(message, nest);
	nest = mnl_attr_nest_start(message, CTA_FILTER);
	mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS, compare);
	mnl_attr_put_u32(message, CTA_FILTER_REPLY_FLAGS,
			 filter->as.s_addr ? COMPARE_DESTINATION : 0);
	mnl_attr_nest_end(message, nest);
}

static void put_filter(struct nlmsghdr *message, const struct conntrack_filter *filter)
{
	if (filter->status_mask) {
		mnl_attr_put_u32(message, CTA_STATUS, htonl(filter->status));
		mnl_attr_put_u32(message, CTA_STATUS_MASK, htonl(filter->status_mask));
	}
	if (filter->from.s_addr || filter->as.s_addr || filter->protocol)
		put_tuples(message, filter);
}

void conntrack_dump(struct conntrack *conntrack, const struct conntrack_filter *filter)
{
	char buffer[REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message;

	conntrack_stop(conntrack);
	conntrack->told = 0;
	message = start(buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP, filter->family, conntrack->sequence);
	put_filter(message, filter);
	if (mnl_socket_sendto(conntrack->socket, message, message->nlmsg_len) < 0)
		log_warning("cannot read the connections: %s", strerror(errno));
	else
		conntrack->dumping = true;
}

static void take_address(uint8_t *to, const struct nf_conntrack *ct, uint8_t family,
			 enum nf_conntrack_attr v4, enum nf_conntrack_attr v6)
{
	const void *address = nfct_get_attr(ct, family == AF_INET ? v4 : v6);

	if (address)
		memcpy(to, address, range_bytes(family));
}

static struct flow flow_of(const struct nf_conntrack *ct)
{
	struct flow flow = { .family = nfct_get_attr_u8(ct, ATTR_ORIG_L3PROTO),
			     .protocol = nfct_get_attr_u8(ct, ATTR_ORIG_L4PROTO) };

	take_address(flow.from, ct, flow.family, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC);
	take_address(flow.to, ct, flow.family, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST);
	take_address(flow.as, ct, flow.family, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST);
	take_address(flow.server, ct, flow.family, ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC);
	if (nfct_attr_is_set(ct, ATTR_ORIG_PORT_DST) > 0) {
		flow.port = ntohs(nfct_get_attr_u16(ct, ATTR_ORIG_PORT_DST));
		flow.server_port = ntohs(nfct_get_attr_u16(ct, ATTR_REPL_PORT_SRC));
	}
	return flow;
}

/* CTA_ID makes sure that it is this one and not a newer one with the same addresses. */
static void delete (struct conntrack *conntrack, const struct nf_conntrack *ct, uint8_t family)
{
	char buffer[REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message =
		start(buffer, IPCTNL_MSG_CT_DELETE, 0, family, conntrack->sequence + 1);
	struct nf_conntrack *which = nfct_new();

	if (!which)
		fatal("no memory for a connection");
	nfct_copy(which, ct, NFCT_CP_ORIG);
	nfct_set_attr_u32(which, ATTR_ID, nfct_get_attr_u32(ct, ATTR_ID));
	if (nfct_attr_is_set(ct, ATTR_ZONE) > 0)
		nfct_set_attr_u16(which, ATTR_ZONE, nfct_get_attr_u16(ct, ATTR_ZONE));
	nfct_nlmsg_build(message, which);
	nfct_destroy(which);
	if (mnl_socket_sendto(conntrack->socket, message, message->nlmsg_len) < 0)
		log_debug("cannot delete a connection: %s", strerror(errno));
}

static bool take(struct conntrack *conntrack, const struct nlmsghdr *message,
		 bool (*wrong)(const struct flow *flow, void *context), void *context)
{
	struct nf_conntrack *ct = nfct_new();
	bool deleted = false;
	struct flow flow;

	if (!ct)
		fatal("no memory for a connection");
	if (nfct_nlmsg_parse(message, ct) == 0) {
		flow = flow_of(ct);
		conntrack->told++;
		deleted = (flow.family == AF_INET || flow.family == AF_INET6) &&
			  wrong(&flow, context);
	}
	if (deleted)
		delete (conntrack, ct, flow.family);
	nfct_destroy(ct);
	return deleted;
}

/* The end of the dump; by an error where the kernel refuses to tell. */
static void take_end(struct conntrack *conntrack, const struct nlmsghdr *message)
{
	const struct nlmsgerr *refused = mnl_nlmsg_get_payload(message);

	conntrack->dumping = false;
	if (message->nlmsg_type == NLMSG_ERROR &&
	    mnl_nlmsg_get_payload_len(message) >= sizeof(*refused) && refused->error)
		log_warning("the kernel does not tell the connections: %s",
			    strerror(-refused->error));
}

uint32_t conntrack_read(struct conntrack *conntrack,
			bool (*wrong)(const struct flow *flow, void *context), void *context)
{
	char buffer[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t got = mnl_socket_recvfrom(conntrack->socket, buffer, sizeof(buffer));
	int left = (int)got;
	uint32_t deleted = 0;

	if (got < 0) {
		log_debug("connections: %s", strerror(errno));
		conntrack->dumping = false;
	}
	for (const struct nlmsghdr *message = (const void *)buffer;
	     left > 0 && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_seq != conntrack->sequence)
			continue; /* one that was to be deleted had gone by itself */
		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
			take_end(conntrack, message);
		else
			deleted += take(conntrack, message, wrong, context);
	}
	return deleted;
}
