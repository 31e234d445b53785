/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/nftables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "natd/log.h"

#define COMMIT_TRIES    10 /* against other programs that commit at the same time */
#define DUMP_TRIES      5
#define SEND_SLACK      (64 * 1024)
#define SEND_BUFFER_MAX (1U << 30) /* the kernel doubles it, as an int */
#define RECEIVE_SIZE    (32 * 1024)

void nftables_open(struct nftables *nftables)
{
	int on = 1;

	*nftables =
		(struct nftables){ .socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC) };
	if (!nftables->socket || mnl_socket_bind(nftables->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		fatal("cannot speak to nftables: %s", strerror(errno));
	nftables->portid = mnl_socket_get_portid(nftables->socket);
	/* Errors without the message they refuse, but with the place in it. Both are since 4.12. */
	mnl_socket_setsockopt(nftables->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nftables->socket, NETLINK_EXT_ACK, &on, sizeof(on));
}

void nftables_close(struct nftables *nftables)
{
	mnl_socket_close(nftables->socket);
	nftables->socket = NULL;
}

/* -1 with EAGAIN when all answers are read. */
static ssize_t receive(const struct nftables *nftables, void *buffer, size_t size)
{
	ssize_t got;

	do
		got = recv(mnl_socket_get_fd(nftables->socket), buffer, size, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	return got;
}

/* One send, which grows the socket's buffer to hold it: EMSGSIZE otherwise. */
static int send_whole(struct nftables *nftables, const void *data, size_t size)
{
	int fd = mnl_socket_get_fd(nftables->socket);

	if (size + SEND_SLACK > SEND_BUFFER_MAX)
		return EMSGSIZE;
	if (size + SEND_SLACK > nftables->send_buffer) {
		int wanted = (int)(size + SEND_SLACK);

		if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof(wanted)) < 0)
			setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof(wanted));
		nftables->send_buffer = size + SEND_SLACK;
	}
	return mnl_socket_sendto(nftables->socket, data, size) < 0 ? errno : 0;
}

enum answer { ANSWER_MORE, ANSWER_END };

/* What one message of an answer means; `error` keeps the first that went wrong. */
static enum answer take_message(const struct nlmsghdr *message, mnl_cb_t callback, void *data,
				int *error)
{
	const struct nlmsgerr *refused = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		*error = EINTR;
	if (message->nlmsg_type == NLMSG_DONE)
		return ANSWER_END;
	if (message->nlmsg_type == NLMSG_ERROR) {
		if (mnl_nlmsg_get_payload_len(message) >= sizeof(*refused))
			*error = -refused->error;
		return ANSWER_END;
	}
	if (!*error)
		callback(message, data);
	return message->nlmsg_flags & NLM_F_MULTI ? ANSWER_MORE : ANSWER_END;
}

/* Reads the answer to `sequence` to its end, also after an error: a dump that is not read to its
 * end would block the next one. Passes over what belongs to another request. 0 or an errno. */
static int read_answer(const struct nftables *nftables, uint32_t sequence, mnl_cb_t callback,
		       void *data)
{
	char buffer[RECEIVE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	enum answer answer = ANSWER_MORE;
	int error = 0;

	while (answer == ANSWER_MORE) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)buffer;
		ssize_t got = receive(nftables, buffer, sizeof(buffer));
		int left = (int)got;

		if (got < 0)
			return error ? error : errno;
		for (; answer == ANSWER_MORE && mnl_nlmsg_ok(message, left);
		     message = mnl_nlmsg_next(message, &left))
			if (message->nlmsg_seq == sequence)
				answer = take_message(message, callback, data, &error);
	}
	return error;
}

static int take_generation(const struct nlmsghdr *message, void *data)
{
	struct nlattr *attribute;
	uint32_t *generation = data;

	mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attribute) == NFTA_GEN_ID &&
		    mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
			*generation = ntohl(mnl_attr_get_u32(attribute));
	return MNL_CB_OK;
}

int nftables_read_generation(struct nftables *nftables, uint32_t *generation)
{
	char buffer[NLMSG_ALIGN(sizeof(struct nlmsghdr)) + NLMSG_ALIGN(sizeof(struct nfgenmsg))]
		__attribute__((aligned(NLMSG_ALIGNTO)));
	uint32_t sequence = ++nftables->sequence;
	const struct nlmsghdr *message =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETGEN, AF_UNSPEC, 0, sequence);
	int error = send_whole(nftables, message, message->nlmsg_len);

	if (error)
		return error;
	return read_answer(nftables, sequence, take_generation, generation);
}

/* The first refusal of the batch among the answers that wait; ENOBUFS where they did not fit. */
static struct batch_error read_errors(const struct nftables *nftables, const struct batch *batch)
{
	char buffer[RECEIVE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct batch_error first = { 0 };
	struct batch_error lost = { 0 };
	ssize_t got;

	while ((got = receive(nftables, buffer, sizeof(buffer))) >= 0 || errno != EAGAIN) {
		const struct nlmsghdr *reply = (const struct nlmsghdr *)(const void *)buffer;
		int left = (int)got;

		if (got < 0) {
			lost.error = errno;
			if (errno != ENOBUFS)
				break;
			continue;
		}
		for (; mnl_nlmsg_ok(reply, left); reply = mnl_nlmsg_next(reply, &left))
			if (!first.error)
				batch_read_error(batch, reply, &first);
	}
	return first.error ? first : lost;
}

/* The kernel counts transactions and passes over 0. */
static uint32_t generation_after(uint32_t generation)
{
	return generation + 1 ? generation + 1 : 1;
}

/* One try. Whether it was committed is read from the generation, not guessed from silence. */
static struct batch_error try_commit(struct nftables *nftables, struct batch *batch,
				     uint32_t before)
{
	struct batch_error error = { 0 };
	uint32_t after = 0;

	batch_set_generation(batch, before);
	error.error = send_whole(nftables, batch->data, batch->size);
	if (error.error)
		return error;
	error = read_errors(nftables, batch);
	if (error.error && error.error != ENOBUFS)
		return error;
	if (nftables_read_generation(nftables, &after) == 0 && after != before) {
		nftables->generation = generation_after(before);
		error.error = 0;
	} else if (!error.error) {
		error.error = EIO;
	}
	return error;
}

bool nftables_commit_upon(struct nftables *nftables, struct batch *batch, uint32_t generation,
			  struct batch_error *error)
{
	*error = try_commit(nftables, batch, generation);
	return error->error == 0;
}

bool nftables_commit(struct nftables *nftables, struct batch *batch, struct batch_error *error)
{
	uint32_t before = 0;

	for (int tries = 0; tries < COMMIT_TRIES; tries++) {
		*error = (struct batch_error){ .error = nftables_read_generation(nftables,
										 &before) };
		if (error->error)
			break;
		*error = try_commit(nftables, batch, before);
		if (error->error != ERESTART && error->error != EINTR && error->error != EAGAIN)
			break;
	}
	return error->error == 0;
}

int nftables_dump(struct nftables *nftables, struct nlmsghdr *request, mnl_cb_t callback,
		  void *data)
{
	int error = EINTR;

	for (int tries = 0; tries < DUMP_TRIES && error == EINTR; tries++) {
		request->nlmsg_seq = ++nftables->sequence;
		error = send_whole(nftables, request, request->nlmsg_len);
		if (!error)
			error = read_answer(nftables, request->nlmsg_seq, callback, data);
	}
	return error;
}
