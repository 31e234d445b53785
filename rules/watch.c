/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "natd/log.h"
#include "rules/guard.h"
#include "rules/table.h"

/* Some 10 000 events; they are told while the other program's call runs, before we can read. */
#define RECEIVE_BUFFER (2 * 1024 * 1024)
#define RECEIVE_SIZE   (32 * 1024)

static int listen_to(const struct watch *watch, int change)
{
	int group = NFNLGRP_NFTABLES;

	return mnl_socket_setsockopt(watch->socket, change, &group, sizeof(group));
}

void watch_open(struct watch *watch)
{
	int size = RECEIVE_BUFFER;

	*watch = (struct watch){ .socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC) };
	if (!watch->socket || mnl_socket_bind(watch->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    listen_to(watch, NETLINK_ADD_MEMBERSHIP) < 0)
		fatal("cannot watch nftables: %s", strerror(errno));
	setsockopt(watch_descriptor(watch), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
}

int watch_descriptor(const struct watch *watch)
{
	return mnl_socket_get_fd(watch->socket);
}

void watch_pause(struct watch *watch)
{
	if (listen_to(watch, NETLINK_DROP_MEMBERSHIP) < 0)
		log_debug("events of nftables cannot be paused: %s", strerror(errno));
}

void watch_resume(struct watch *watch, struct nftables *nftables)
{
	uint32_t generation = 0;

	if (listen_to(watch, NETLINK_ADD_MEMBERSHIP) < 0)
		fatal("cannot watch nftables: %s", strerror(errno));
	watch->missed |= nftables_read_generation(nftables, &generation) != 0 ||
			 generation != nftables->generation;
	watch->others = true;
}

bool watch_has_news(const struct watch *watch)
{
	return watch->missed || watch->others;
}

bool watch_knows(const struct watch *watch, const struct nftables *nftables, uint32_t generation)
{
	return !watch->missed && (generation == watch->heard || generation == nftables->generation);
}

/* Every object of nftables names its table in its first attribute: NFTA_TABLE_NAME,
 * NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, NFTA_SET_TABLE and so on are all 1. */
static const char *table_of(const struct nlmsghdr *event)
{
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(event);
	struct nlattr *attribute;

	if (header->nfgen_family != NFPROTO_INET)
		return "";
	mnl_attr_for_each(attribute, event, sizeof(*header))
		if (mnl_attr_get_type(attribute) == NFTA_TABLE_NAME &&
		    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
			return mnl_attr_get_str(attribute);
	return "";
}

/* Not an element: some programs add one every second, and none closes the way. */
static bool is_structure(const struct nlmsghdr *event)
{
	uint16_t type = NFNL_MSG_TYPE(event->nlmsg_type);

	return type == NFT_MSG_NEWTABLE || type == NFT_MSG_DELTABLE || type == NFT_MSG_NEWCHAIN ||
	       type == NFT_MSG_DELCHAIN || type == NFT_MSG_NEWRULE || type == NFT_MSG_DELRULE;
}

static void note_change(struct watch *watch, const struct nlmsghdr *event, unsigned int portid)
{
	const char *table = table_of(event);

	if (event->nlmsg_pid == portid)
		return;
	if (table_is_ours(table))
		watch->ours = true;
	else if (is_structure(event))
		watch->others = true;
	if (strcmp(table, GUARD_NAME) == 0)
		watch->guard = true;
}

static void read_end(const struct nlmsghdr *event, uint32_t *generation, struct culprit *culprit)
{
	struct nlattr *attribute;

	*culprit = (struct culprit){ 0 };
	mnl_attr_for_each(attribute, event, sizeof(struct nfgenmsg)) {
		uint16_t type = mnl_attr_get_type(attribute);

		if (type == NFTA_GEN_ID && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
			*generation = ntohl(mnl_attr_get_u32(attribute));
		else if (type == NFTA_GEN_PROC_PID &&
			 mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
			culprit->pid = ntohl(mnl_attr_get_u32(attribute));
		else if (type == NFTA_GEN_PROC_NAME &&
			 mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
			strncpy(culprit->program, mnl_attr_get_str(attribute),
				sizeof(culprit->program) - 1);
	}
}

bool watch_event(struct watch *watch, const struct nlmsghdr *event, unsigned int portid,
		 uint32_t generation, struct culprit *culprit)
{
	struct culprit who;
	uint32_t now = generation + 1;
	bool touched;

	if (NFNL_SUBSYS_ID(event->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
	    mnl_nlmsg_get_payload_len(event) < sizeof(struct nfgenmsg))
		return false;
	if (NFNL_MSG_TYPE(event->nlmsg_type) != NFT_MSG_NEWGEN) {
		note_change(watch, event, portid);
		return false;
	}
	touched = watch->ours;
	watch->ours = false;
	read_end(event, &now, &who);
	watch->heard = now;
	/* What was before is overwritten already. The number wraps. */
	if (!touched || (int32_t)(now - generation) <= 0)
		return false;
	*culprit = who;
	return true;
}

/* Events were lost. Only if the ruleset is as our own last transaction left it, no other did. */
static bool lost(struct watch *watch, struct nftables *nftables, struct culprit *culprit)
{
	uint32_t generation = 0;

	watch->ours = false;
	watch->others = true;
	if (nftables_read_generation(nftables, &generation) == 0 &&
	    generation == nftables->generation)
		return false;
	watch->guard = true;
	*culprit = (struct culprit){ .program = "?" };
	return true;
}

bool watch_read(struct watch *watch, struct nftables *nftables, struct culprit *culprit)
{
	char buffer[RECEIVE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool touched = watch->missed && lost(watch, nftables, culprit);

	watch->missed = false;
	for (;;) {
		const struct nlmsghdr *event = (const struct nlmsghdr *)(const void *)buffer;
		ssize_t got = recv(watch_descriptor(watch), buffer, sizeof(buffer), MSG_DONTWAIT);
		int left = (int)got;

		if (got < 0 && errno == ENOBUFS)
			touched = lost(watch, nftables, culprit) || touched;
		else if (got < 0 && errno != EINTR)
			return touched;
		for (; got > 0 && mnl_nlmsg_ok(event, left); event = mnl_nlmsg_next(event, &left))
			touched = watch_event(watch, event, nftables->portid, watch->whole,
					      culprit) ||
				  touched;
	}
}
