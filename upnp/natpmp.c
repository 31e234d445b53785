/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NAT-PMP (RFC 6886) by libnatpmp, which holds one request at a time.
 *
 * Its own timer follows the wall clock, so it is never asked to wait or to repeat: a request is sent
 * again by asking anew, and the library reads only when a datagram is there that is long enough and
 * answers that request (it looks at neither). */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "upnp/bytes.h"
#include "upnp/client.h"

#define NATPMP_DATAGRAM_MAX 16
#define NATPMP_RESPONSE     128
#define NATPMP_ERROR_SIZE   8  /* version, opcode, result, epoch */
#define NATPMP_ADDRESS_SIZE 12 /* and the external address */
#define NATPMP_MAP_SIZE     16 /* and two ports and a lifetime */

static const struct natpmp_error {
	int code; /* of natpmp.h */
	enum upnp_failure failure;
	enum upnp_state state; /* of the protocol, if this answers the probe */
	const char *said;
} errors[] = {
	{ NATPMP_ERR_UNSUPPORTEDVERSION, UPNP_OTHER_FAILURE, UPNP_UNSUPPORTED,
	  "NAT-PMP 1 unsupported version" },
	{ NATPMP_ERR_NOTAUTHORIZED, UPNP_HOST_REFUSED, UPNP_ERROR, "NAT-PMP 2 not authorized" },
	{ NATPMP_ERR_NETWORKFAILURE, UPNP_NETWORK_FAILURE, UPNP_OK, "NAT-PMP 3 network failure" },
	{ NATPMP_ERR_OUTOFRESOURCES, UPNP_NO_RESOURCES, UPNP_OK, "NAT-PMP 4 out of resources" },
	{ NATPMP_ERR_UNSUPPORTEDOPCODE, UPNP_OTHER_FAILURE, UPNP_UNSUPPORTED,
	  "NAT-PMP 5 unsupported opcode" },
	{ 0, UPNP_OTHER_FAILURE, UPNP_ERROR, "NAT-PMP: an answer that cannot be read" },
};

static void natpmp_close(struct client *client)
{
	if (client->natpmp_open)
		closenatpmp(&client->natpmp);
	client->natpmp_open = false;
	client->natpmp_busy = false;
	client->natpmp_task = NULL;
}

/* A socket that initnatpmp() opens leaves from whichever address the kernel prefers, an old one of ours
 * perhaps; the mapping is for the address that asks. -1 with errno set. */
static int open_socket(const struct upnp_network *network)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr = upnp_source(network) };
	struct sockaddr_in server = { .sin_family = AF_INET,
				      .sin_port = htons(NATPMP_PORT),
				      .sin_addr = network->gateway };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0 &&
	    connect(fd, (struct sockaddr *)&server, sizeof(server)) == 0)
		return fd;
	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

static bool natpmp_open(struct client *client)
{
	if (client->natpmp_open)
		return true;
	client->natpmp = (natpmp_t){ .s = open_socket(&client->network),
				     .gateway = client->network.gateway.s_addr };
	client->natpmp_open = client->natpmp.s >= 0;
	if (!client->natpmp_open)
		protocol_is(client, UPNP_NATPMP, UPNP_ERROR, strerror(errno));
	return client->natpmp_open;
}

static int natpmp_socket(const struct client *client)
{
	return client->natpmp_open ? client->natpmp.s : -1;
}

/* The request is answered or given up: the next may go out. */
static void release(struct client *client)
{
	client->natpmp_busy = false;
	client->natpmp_task = NULL;
	tasks_wake(client, UPNP_NATPMP);
}

static void on_refused(struct client *client)
{
	client->probes[UPNP_NATPMP].active = false;
	release(client);
	went_away(client, UPNP_NATPMP, UPNP_REFUSED, "NAT-PMP: the router refuses the port");
}

/* `sent` is what libnatpmp says about sending. */
static void check_sent(struct client *client, int sent)
{
	if (sent >= 0)
		return;
	log_debug("NAT-PMP: %s", strerror(errno));
	if (errno == ECONNREFUSED)
		on_refused(client);
}

static enum attempt natpmp_probe(struct client *client, unsigned int try)
{
	(void)try;
	if (!natpmp_open(client))
		return ATTEMPT_SENT;
	if (client->natpmp_busy && client->natpmp_task)
		return ATTEMPT_BUSY;
	client->natpmp_busy = true;
	check_sent(client, sendpublicaddressrequest(&client->natpmp));
	return ATTEMPT_SENT;
}

static void natpmp_probe_over(struct client *client)
{
	if (client->natpmp_busy && !client->natpmp_task)
		release(client);
	if (client->asking.state[UPNP_NATPMP] == UPNP_ASKING ||
	    client->asking.writer == UPNP_NATPMP)
		went_away(client, UPNP_NATPMP, UPNP_SILENT, "NAT-PMP does not answer");
}

/* A mapping goes before the probe and before what was abandoned. */
static void displace(struct client *client, struct task *task)
{
	if (!client->natpmp_task && client->probes[UPNP_NATPMP].active)
		client->probes[UPNP_NATPMP].next_us = ASKING_NEVER;
	client->natpmp_busy = true;
	client->natpmp_task = task;
}

static enum attempt natpmp_attempt(struct client *client, struct task *task)
{
	const struct upnp_mapping *mapping = &task->mapping;
	bool remove = task->what == TASK_UNMAP;
	const struct task *holder = client->natpmp_task;

	if (!natpmp_open(client))
		return ATTEMPT_SENT;
	if (client->natpmp_busy && holder && holder != task && holder->what != TASK_ABANDONED)
		return ATTEMPT_BUSY;
	displace(client, task);
	/* RFC 6886 3.4: a removal asks for lifetime 0 and external port 0. */
	check_sent(client,
		   sendnewportmappingrequest(&client->natpmp,
					     mapping->protocol == IPPROTO_TCP ? NATPMP_PROTOCOL_TCP
									      : NATPMP_PROTOCOL_UDP,
					     mapping->port, remove ? 0 : mapping->external_port,
					     remove ? 0 : mapping->lifetime));
	return ATTEMPT_SENT;
}

static uint8_t opcode_of(const struct task *task)
{
	if (!task)
		return 0;
	return task->mapping.protocol == IPPROTO_TCP ? NATPMP_PROTOCOL_TCP : NATPMP_PROTOCOL_UDP;
}

/* Of a success: is it what was asked for last? One that was on its way when natd asked for a removal is the
 * grant before it; the answer to a removal has a lifetime of 0 (RFC 6886 3.4). */
static bool is_about(const struct task *task, const uint8_t *bytes)
{
	uint16_t port = get16(bytes + 8);

	if (task->what == TASK_UNMAP && get32(bytes + 12) != 0)
		return false;
	return port == task->mapping.port || port == (task->mapping.port & 0xff);
}

/* May libnatpmp read this datagram: is it long enough, and the answer to the pending request? */
static bool is_answer(const struct client *client, const uint8_t *bytes, size_t size)
{
	const struct task *task = client->natpmp_task;

	if (!client->natpmp_busy || size < NATPMP_ERROR_SIZE)
		return false;
	if (bytes[0] != 0)
		return true; /* another version, a PCP server's: the library says so */
	if (bytes[1] != (NATPMP_RESPONSE | opcode_of(task)))
		return false;
	if (task && task->tries.count == 0)
		return false; /* natd wants something else since, which was not sent yet */
	if (get16(bytes + 2) != 0)
		return true;
	if (!task)
		return size >= NATPMP_ADDRESS_SIZE;
	return size >= NATPMP_MAP_SIZE && is_about(task, bytes);
}

static const struct natpmp_error *error_of(int code)
{
	const struct natpmp_error *error = errors;

	while (error->code != code && error->code != 0)
		error++;
	return error;
}

static void natpmp_is_ok(struct client *client, const natpmpresp_t *response)
{
	char said[UPNP_TEXT_MAX];

	say(said, "NAT-PMP version 0, epoch %u", response->epoch);
	protocol_is(client, UPNP_NATPMP, UPNP_OK, said);
}

static void on_address(struct client *client, int result, const natpmpresp_t *response)
{
	const struct natpmp_error *error = error_of(result);

	client->probes[UPNP_NATPMP].active = false;
	release(client);
	if (result == 0) {
		natpmp_is_ok(client, response);
		wan_is(client, UPNP_NATPMP, response->pnu.publicaddress.addr);
	} else {
		protocol_is(client, UPNP_NATPMP, error->state, error->said);
		if (error->failure == UPNP_NETWORK_FAILURE)
			wan_is(client, UPNP_NATPMP, (struct in_addr){ INADDR_ANY });
	}
}

/* Old miniupnpd says only the lower half of each port (field/routers.md 48): what was asked for is
 * recognised in it, another port is not. 0: not known. */
static uint16_t external_port_of(const struct task *task, const natpmpresp_t *response)
{
	uint16_t asked = task->mapping.external_port;
	uint16_t said = response->pnu.newportmapping.mappedpublicport;

	if (response->pnu.newportmapping.privateport == task->mapping.port)
		return said;
	return said == (asked & 0xff) ? asked : 0;
}

static void on_mapping(struct client *client, struct task *task, const natpmpresp_t *response)
{
	struct upnp_granted granted = {
		.external_port = external_port_of(task, response),
		.lifetime = response->pnu.newportmapping.lifetime,
	};

	if (client->wan_known[UPNP_NATPMP])
		granted.external_address = client->wan[UPNP_NATPMP];
	if (task->what != TASK_ABANDONED)
		natpmp_is_ok(client, response);
	if (task->what == TASK_UNMAP)
		task_removed(client, task);
	else if (granted.lifetime > 0 && granted.external_port > 0)
		task_granted(client, task, granted);
	else
		task_failed(client, task, UPNP_OTHER_FAILURE,
			    "NAT-PMP grants a lifetime or a port of 0");
}

static void read_answer(struct client *client)
{
	struct task *task = client->natpmp_task;
	natpmpresp_t response;
	int result = readnatpmpresponseorretry(&client->natpmp, &response);

	if (result == NATPMP_TRYAGAIN)
		return;
	if (!task) {
		on_address(client, result, &response);
		return;
	}
	release(client);
	if (result == 0)
		on_mapping(client, task, &response);
	else if (error_of(result)->state == UPNP_UNSUPPORTED)
		protocol_is(client, UPNP_NATPMP, UPNP_UNSUPPORTED, error_of(result)->said);
	else
		task_failed(client, task, error_of(result)->failure, error_of(result)->said);
}

/* Does it name another port than asked for, which is the lower half of that (field/routers.md 48)? A later
 * libnatpmp (seen: 20230423) passes over such an answer. */
static bool is_cut(const struct task *task, const uint8_t *bytes)
{
	return task && bytes[0] == 0 && get16(bytes + 2) == 0 &&
	       get16(bytes + 8) != task->mapping.port;
}

static void read_cut_answer(struct client *client, const uint8_t *bytes)
{
	struct task *task = client->natpmp_task;
	natpmpresp_t response = { .type = bytes[1] & ~NATPMP_RESPONSE, .epoch = get32(bytes + 4) };
	uint8_t read[NATPMP_DATAGRAM_MAX];

	response.pnu.newportmapping.privateport = get16(bytes + 8);
	response.pnu.newportmapping.mappedpublicport = get16(bytes + 10);
	response.pnu.newportmapping.lifetime = get32(bytes + 12);
	if (recv(client->natpmp.s, read, sizeof(read), MSG_DONTWAIT) < 0)
		log_debug("NAT-PMP: the answer is gone: %s", strerror(errno));
	release(client);
	on_mapping(client, task, &response);
}

static void natpmp_receive(struct client *client)
{
	uint8_t bytes[NATPMP_DATAGRAM_MAX];
	ssize_t size;

	while (client->natpmp_open && (size = recv(client->natpmp.s, bytes, sizeof(bytes),
						   MSG_PEEK | MSG_DONTWAIT)) >= 0) {
		if (is_answer(client, bytes, (size_t)size)) {
			if (bytes[0] == 0)
				epoch_is(client, UPNP_NATPMP, get32(bytes + 4), false);
			if (is_cut(client->natpmp_task, bytes))
				read_cut_answer(client, bytes);
			else
				read_answer(client);
			continue;
		}
		log_debug("NAT-PMP: %zd bytes that answer nothing", size);
		if (recv(client->natpmp.s, bytes, sizeof(bytes), MSG_DONTWAIT) < 0)
			break;
	}
	if (client->natpmp_open && errno == ECONNREFUSED)
		on_refused(client);
}

const struct protocol natpmp_protocol = {
	.name = "NAT-PMP",
	.close = natpmp_close,
	.socket = natpmp_socket,
	.probe = natpmp_probe,
	.probe_over = natpmp_probe_over,
	.attempt = natpmp_attempt,
	.receive = natpmp_receive,
};
