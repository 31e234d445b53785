/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCP on the wire: one connected socket, so that ICMP "port unreachable" ends it at once. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "upnp/client.h"
#include "upnp/pcp.h"

static void pcp_close(struct client *client)
{
	if (client->pcp >= 0)
		close(client->pcp);
	client->pcp = -1;
}

/* PCP compares the address that the requests name with the one they come from (RFC 6887 8.2,
 * ADDRESS_MISMATCH). Through the home router they come from its WAN address, and that is what they name:
 * to the router before it, the home router is the client. */
static bool pcp_open(struct client *client)
{
	struct sockaddr_in own = { .sin_family = AF_INET,
				   .sin_addr = upnp_source(&client->network) };
	struct sockaddr_in server = { .sin_family = AF_INET,
				      .sin_port = htons(PCP_PORT),
				      .sin_addr = client->network.gateway };

	if (client->pcp >= 0)
		return true;
	client->pcp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (client->pcp >= 0 && bind(client->pcp, (struct sockaddr *)&own, sizeof(own)) == 0 &&
	    connect(client->pcp, (struct sockaddr *)&server, sizeof(server)) == 0)
		return true;
	protocol_is(client, UPNP_PCP, UPNP_ERROR, strerror(errno));
	pcp_close(client);
	return false;
}

static int pcp_socket(const struct client *client)
{
	return client->pcp;
}

static void on_error(struct client *client, int error)
{
	log_debug("PCP: %s", strerror(error));
	if (error == ECONNREFUSED) {
		client->probes[UPNP_PCP].active = false;
		went_away(client, UPNP_PCP, UPNP_REFUSED, "PCP: the router refuses the port");
	}
}

static void transmit(struct client *client, const uint8_t *bytes, size_t size)
{
	if (send(client->pcp, bytes, size, 0) < 0)
		on_error(client, errno);
}

static enum attempt pcp_probe(struct client *client, unsigned int try)
{
	uint8_t bytes[PCP_REQUEST_SIZE];

	(void)try;
	if (pcp_open(client))
		transmit(client, bytes, pcp_encode_announce(bytes, client->network.address));
	return ATTEMPT_SENT;
}

static void pcp_probe_over(struct client *client)
{
	if (client->asking.state[UPNP_PCP] == UPNP_ASKING || client->asking.writer == UPNP_PCP)
		went_away(client, UPNP_PCP, UPNP_SILENT, "PCP does not answer");
}

static struct pcp_map request_of(const struct client *client, const struct task *task)
{
	struct pcp_map map = {
		.protocol = task->mapping.protocol,
		.internal_port = task->mapping.port,
		.external_port = task->mapping.external_port,
	};

	memcpy(map.nonce, task->mapping.nonce, sizeof(map.nonce));
	/* RFC 6887 11.2.1: a renewal suggests what was assigned. */
	if (task->mapping.via == UPNP_PCP && client->wan_known[UPNP_PCP])
		map.external_address = client->wan[UPNP_PCP];
	return map;
}

static enum attempt pcp_attempt(struct client *client, struct task *task)
{
	uint8_t bytes[PCP_REQUEST_SIZE];
	struct pcp_map map = request_of(client, task);
	uint32_t lifetime = task->what == TASK_UNMAP ? 0 : task->mapping.lifetime;

	if (pcp_open(client))
		transmit(client, bytes,
			 pcp_encode_map(bytes, client->network.address, lifetime, &map));
	return ATTEMPT_SENT;
}

/* Whose answer is it? What is under way goes before what was abandoned with the same nonce. */
static struct task *task_of_response(struct client *client, const struct pcp_response *response)
{
	struct task *late = NULL;

	for (struct task *task = client->tasks; task < client->tasks + TASKS_MAX; task++) {
		struct pcp_map map = request_of(client, task);

		if (task->what == TASK_FREE || task->what == TASK_WAITING ||
		    task->via != UPNP_PCP || !pcp_answers(response, &map))
			continue;
		if (task->what != TASK_ABANDONED)
			return task;
		late = task;
	}
	return late;
}

static void pcp_is_ok(struct client *client, const struct pcp_response *response)
{
	char said[UPNP_TEXT_MAX];

	say(said, "PCP version 2, epoch %u", response->epoch);
	protocol_is(client, UPNP_PCP, UPNP_OK, said);
}

static void on_success(struct client *client, struct task *task,
		       const struct pcp_response *response)
{
	struct upnp_granted granted = {
		.external_port = response->map.external_port,
		.external_address = response->map.external_address,
		.lifetime = response->lifetime,
	};

	if (task->what == TASK_UNMAP) {
		/* RFC 6887 15.1: the answer to a deletion grants no lifetime; another is an earlier
		 * grant, sent twice. */
		if (response->lifetime == 0)
			task_removed(client, task);
		return;
	}
	if (response->lifetime == 0 || response->map.external_port == 0)
		return;
	if (task->what != TASK_ABANDONED) {
		pcp_is_ok(client, response);
		wan_is(client, UPNP_PCP, granted.external_address);
	}
	task_granted(client, task, granted);
}

/* A removal needs no resources: miniupnpd says so where it has no such mapping, which RFC 6887 15.1 wants
 * to be a success. */
static bool had_nothing(const struct task *task, const struct pcp_response *response)
{
	return task->what == TASK_UNMAP && response->result == PCP_NO_RESOURCES;
}

static void on_map(struct client *client, const struct pcp_response *response)
{
	struct task *task = task_of_response(client, response);
	char said[UPNP_TEXT_MAX];

	/* Whatever it says to a removal, it speaks PCP, and no other question may be under way. */
	if (task && task->what == TASK_UNMAP && client->asking.state[UPNP_PCP] == UPNP_ASKING)
		pcp_is_ok(client, response);
	if (task && response->result == PCP_SUCCESS) {
		on_success(client, task, response);
		return;
	}
	if (task && had_nothing(task, response)) {
		task_removed(client, task);
		return;
	}
	say(said, "PCP %u %s", response->result, pcp_result_name(response->result));
	if (!task) {
		log_debug("%s, to no question of ours", said);
		/* An error may leave out what it answers; it is then about every question. */
		if (!response->has_map)
			protocol_is(client, UPNP_PCP, UPNP_ERROR, said);
		return;
	}
	/* It speaks PCP and the cause is the line or the table, not the protocol. */
	if (pcp_failure(response->result) != UPNP_OTHER_FAILURE &&
	    pcp_failure(response->result) != UPNP_HOST_REFUSED && task->what == TASK_MAP)
		pcp_is_ok(client, response);
	task_failed(client, task, pcp_failure(response->result), said);
}

/* RFC 6887 14.1: ANNOUNCE. A server that does not know that opcode still speaks PCP. */
static void on_announce(struct client *client, const struct pcp_response *response)
{
	client->probes[UPNP_PCP].active = false;
	if (client->asking.state[UPNP_PCP] != UPNP_ASKING) {
		/* The home router before this one has another address there than it had. */
		if (response->result == PCP_ADDRESS_MISMATCH)
			mappings_lost(client, UPNP_PCP, false, "PCP 12 ADDRESS_MISMATCH");
		return;
	}
	if (response->result == PCP_SUCCESS || response->result == PCP_UNSUPP_OPCODE) {
		pcp_is_ok(client, response);
	} else {
		char said[UPNP_TEXT_MAX];

		say(said, "PCP %u %s", response->result, pcp_result_name(response->result));
		protocol_is(client, UPNP_PCP, UPNP_ERROR, said);
	}
}

static void on_datagram(struct client *client, const uint8_t *bytes, size_t size)
{
	struct pcp_response response;

	if (!pcp_decode(&response, bytes, size)) {
		log_debug("PCP: %zu bytes that are no answer", size);
		return;
	}
	if (response.result == PCP_UNSUPP_VERSION) {
		client->probes[UPNP_PCP].active = false;
		protocol_is(client, UPNP_PCP, UPNP_UNSUPPORTED, "PCP 1 UNSUPP_VERSION");
		return;
	}
	epoch_is(client, UPNP_PCP, response.epoch, false);
	if (response.opcode == PCP_ANNOUNCE) {
		on_announce(client, &response);
	} else if (response.opcode == PCP_MAP) {
		on_map(client, &response);
	}
}

static void pcp_receive(struct client *client)
{
	uint8_t bytes[PCP_MESSAGE_MAX + 1]; /* one more than allowed, to see what is too long */
	ssize_t size;

	while (client->pcp >= 0 && (size = recv(client->pcp, bytes, sizeof(bytes), 0)) >= 0)
		on_datagram(client, bytes, (size_t)size);
	if (client->pcp >= 0 && errno != EAGAIN && errno != EWOULDBLOCK)
		on_error(client, errno);
}

const struct protocol pcp_protocol = {
	.name = "PCP",
	.close = pcp_close,
	.socket = pcp_socket,
	.probe = pcp_probe,
	.probe_over = pcp_probe_over,
	.attempt = pcp_attempt,
	.receive = pcp_receive,
};
