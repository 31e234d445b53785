/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's nftables, played for unit tests: its two ends, sending and receiving, are the functions
 * below. To be included after cmocka.h. */
#ifndef TESTS_UNIT_TEST_RULES_KERNEL_H
#define TESTS_UNIT_TEST_RULES_KERNEL_H

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define GENERATION 41
#define REPLIES    8

/* What becomes of one transaction. */
struct outcome {
	int send_error;    /* of sendto(2) */
	int error;         /* with which it refuses */
	uint32_t sequence; /* a message of the transaction; 0: the first */
	uint32_t offset;   /* in it; 0: nowhere */
	bool overtaken;    /* another program commits just before: with ERESTART */
	bool lost;         /* the answers do not fit the socket's buffer */
	bool committed;
};

static struct {
	const struct outcome *outcomes;
	uint32_t generation;
	int transactions;
	uint32_t upon[16]; /* the generations that they built upon */
	void (*look)(const void *transaction, size_t size); /* at each; NULL: nobody does */
	void (*answer)(const struct nlmsghdr *question);    /* to all but the generation */
	char replies[REPLIES][256] __attribute__((aligned(NLMSG_ALIGNTO)));
	size_t sizes[REPLIES]; /* 0: ENOBUFS */
	size_t first;
	size_t count;
} fake;

static char *next_reply(size_t size)
{
	if (fake.first == fake.count)
		fake.first = fake.count = 0;
	assert_true(fake.count < REPLIES);
	fake.sizes[fake.count] = size;
	return memset(fake.replies[fake.count++], 0, sizeof(fake.replies[0]));
}

static void reply_generation(const struct nlmsghdr *question)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(next_reply(1));

	message->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN;
	message->nlmsg_seq = question->nlmsg_seq;
	mnl_nlmsg_put_extra_header(message, sizeof(struct nfgenmsg));
	mnl_attr_put_u32(message, NFTA_GEN_ID, htonl(fake.generation));
	fake.sizes[fake.count - 1] = message->nlmsg_len;
}

static void reply_refusal(const struct outcome *outcome)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(next_reply(1));
	struct nlmsgerr *refused = mnl_nlmsg_put_extra_header(message, sizeof(*refused));

	message->nlmsg_type = NLMSG_ERROR;
	message->nlmsg_flags = NLM_F_CAPPED;
	refused->error = -outcome->error;
	refused->msg.nlmsg_seq = outcome->sequence ? outcome->sequence : 1;
	if (outcome->offset) {
		message->nlmsg_flags |= NLM_F_ACK_TLVS;
		mnl_attr_put_u32(message, NLMSGERR_ATTR_OFFS, outcome->offset);
	}
	fake.sizes[fake.count - 1] = message->nlmsg_len;
}

static void reply_error(const struct nlmsghdr *question, int error)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(next_reply(1));
	struct nlmsgerr *refused = mnl_nlmsg_put_extra_header(message, sizeof(*refused));

	message->nlmsg_type = NLMSG_ERROR;
	message->nlmsg_seq = question->nlmsg_seq;
	refused->error = -error;
	fake.sizes[fake.count - 1] = message->nlmsg_len;
}

/* A part of a dump; reply_part_end() is told when all is in it. */
static inline struct nlmsghdr *reply_part(const struct nlmsghdr *question, uint16_t type,
					  uint8_t family)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(next_reply(1));
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	message->nlmsg_flags = NLM_F_MULTI;
	message->nlmsg_seq = question->nlmsg_seq;
	header->nfgen_family = family;
	return message;
}

static inline void reply_part_end(const struct nlmsghdr *message)
{
	assert_true(message->nlmsg_len <= sizeof(fake.replies[0]));
	fake.sizes[fake.count - 1] = message->nlmsg_len;
}

static inline void reply_end(const struct nlmsghdr *question)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(next_reply(1));

	message->nlmsg_type = NLMSG_DONE;
	message->nlmsg_flags = NLM_F_MULTI;
	message->nlmsg_seq = question->nlmsg_seq;
	mnl_nlmsg_put_extra_header(message, sizeof(int));
	reply_part_end(message);
}

static void reply(const struct nlmsghdr *question)
{
	if (question->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN))
		reply_generation(question);
	else if (fake.answer)
		fake.answer(question);
	else
		reply_error(question, ENOENT);
}

static int take_transaction(const struct nlmsghdr *begin, size_t size)
{
	const struct outcome *outcome = &fake.outcomes[fake.transactions];
	const struct nlattr *upon = mnl_nlmsg_get_payload_offset(begin, sizeof(struct nfgenmsg));

	assert_true(fake.transactions < 16);
	fake.upon[fake.transactions++] = ntohl(mnl_attr_get_u32(upon));
	if (fake.look)
		fake.look(begin, size);
	if (outcome->send_error) {
		errno = outcome->send_error;
		return -1;
	}
	fake.generation += outcome->overtaken || outcome->committed;
	if (outcome->error)
		reply_refusal(outcome);
	if (outcome->lost)
		next_reply(0);
	return 0;
}

static void fake_begin(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.generation = GENERATION;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t size)
{
	const struct nlmsghdr *message = bytes;

	(void)socket;
	if (message->nlmsg_type == NFNL_MSG_BATCH_BEGIN)
		return take_transaction(message, size) < 0 ? -1 : (ssize_t)size;
	reply(message);
	return (ssize_t)size;
}

ssize_t fake_recv(int fd, void *buffer, size_t size, int flags) __asm__("recv");

ssize_t fake_recv(int fd, void *buffer, size_t size, int flags)
{
	(void)fd;
	(void)flags;
	if (fake.first == fake.count) {
		fake.first = fake.count = 0;
		errno = EAGAIN;
		return -1;
	}
	if (!fake.sizes[fake.first]) {
		fake.first++;
		errno = ENOBUFS;
		return -1;
	}
	assert_true(fake.sizes[fake.first] <= size);
	memcpy(buffer, fake.replies[fake.first], fake.sizes[fake.first]);
	return (ssize_t)fake.sizes[fake.first++];
}

#endif
