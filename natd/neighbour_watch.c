/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/neighbour_watch.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "natd/log.h"

/* RTM_NEWNEIGH, as neigh_fill_info() of net/core/neighbour.c writes it: two headers, then NDA_DST, and
 * NDA_LLADDR where the address is valid. */
#define TYPE      offsetof(struct nlmsghdr, nlmsg_type)
#define BODY      NLMSG_HDRLEN
#define FAMILY    (BODY + offsetof(struct ndmsg, ndm_family))
#define LINK      (BODY + offsetof(struct ndmsg, ndm_ifindex))
#define DST       (BODY + NLMSG_ALIGN(sizeof(struct ndmsg)) + NLA_HDRLEN)
#define NEXT      (DST + sizeof(struct in_addr))
#define NEXT_TYPE (NEXT + offsetof(struct nlattr, nla_type))
#define LLADDR    (NEXT + NLA_HDRLEN)

static uint32_t get32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

void neighbour_watch(int watch, struct in_addr gateway, unsigned int ifindex,
		     const uint8_t mac[MAC_SIZE])
{
	/* BPF reads in network byte order; the numbers of netlink are in the host's. Steps to pass count
	 * to KEEP or DROP at the end. */
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELNEIGH), 13, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWNEIGH), 0, 13),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FAMILY),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 0, 10),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, LINK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(ifindex), 0, 8),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DST),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(gateway.s_addr), 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, NEXT_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(NDA_LLADDR), 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, LLADDR),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, get32(mac), 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, LLADDR + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)mac[4] << 8 | mac[5], 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),          /* DROP */
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX), /* KEEP */
	};
	const struct sock_fprog program = { sizeof(steps) / sizeof(steps[0]), steps };
	int group = RTNLGRP_NEIGH;

	/* The filter first: without it, every neighbour would be heard. */
	if (setsockopt(watch, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ||
	    setsockopt(watch, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		log_debug("events of neighbours: %s", strerror(errno));
}
