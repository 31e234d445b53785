/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCP over IPv6 (RFC 6887): a MAP that translates nothing opens the firewall. Asked from the address
 * that it is for, because the server compares them (8.2), at the default route's gateway (8.1.1). */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "upnp/client.h"
#include "upnp/pcp.h"

static bool is_end_of(const struct pcp6_end *end, const struct upnp_pinhole *pinhole)
{
	return end->socket >= 0 && end->ifindex == pinhole->ifindex &&
	       memcmp(&end->address, &pinhole->address, sizeof(end->address)) == 0 &&
	       memcmp(&end->gateway, &pinhole->gateway, sizeof(end->gateway)) == 0;
}

static void end_close(struct pcp6_end *end)
{
	if (end->socket >= 0)
		close(end->socket);
	end->socket = -1;
}

/* The one that this pinhole needs; NULL with errno set. */
static struct pcp6_end *end_for(struct client *client, const struct upnp_pinhole *pinhole)
{
	struct pcp6_end *ends = client->pinholes.ends;
	struct pcp6_end *spare = &ends[0];
	int fd;

	for (size_t i = 0; i < PCP6_ENDS; i++) {
		if (is_end_of(&ends[i], pinhole))
			return &ends[i];
		if (ends[i].socket < 0)
			spare = &ends[i];
	}
	fd = pinhole_connect(pinhole, SOCK_DGRAM | SOCK_NONBLOCK, PCP_PORT);
	if (fd < 0)
		return NULL;
	end_close(spare);
	*spare = (struct pcp6_end){
		.socket = fd,
		.address = pinhole->address,
		.gateway = pinhole->gateway,
		.ifindex = pinhole->ifindex,
	};
	return spare;
}

/* Everything that was asked there goes to the next protocol. */
static void fail_all(struct client *client, const struct pcp6_end *end, enum upnp_failure failure,
		     const char *said)
{
	for (size_t i = 0; i < PINHOLES_MAX; i++) {
		struct pinhole_task *task = &client->pinholes.tasks[i];

		if (task->what != PINHOLE_FREE && task->via == UPNP_PCP &&
		    is_end_of(end, &task->pinhole))
			pinhole_failed(client, task, failure, said);
	}
}

static void on_error(struct client *client, const struct pcp6_end *end, int error)
{
	log_debug("PCP over IPv6: %s", strerror(error));
	if (error == ECONNREFUSED)
		fail_all(client, end, UPNP_NO_PROTOCOL, "PCP over IPv6: refused");
}

static struct pcp_map request_of(const struct pinhole_task *task)
{
	struct pcp_map map = {
		.protocol = task->pinhole.protocol,
		.internal_port = task->pinhole.port,
		.external_port = task->pinhole.port,
	};

	memcpy(map.nonce, task->pinhole.nonce, sizeof(map.nonce));
	return map;
}

static bool is_to_be_closed(const struct pinhole_task *task)
{
	return task->what == PINHOLE_CLOSE || task->anew == ANEW_CLOSING;
}

void pcp6_attempt(struct client *client, struct pinhole_task *task)
{
	uint8_t bytes[PCP_REQUEST_SIZE];
	struct pcp_map map = request_of(task);
	uint32_t lifetime = is_to_be_closed(task) ? 0 : task->pinhole.lifetime;
	struct pcp6_end *end = end_for(client, &task->pinhole);
	char said[UPNP_TEXT_MAX];
	size_t size;

	if (!end) {
		say(said, "PCP over IPv6: %s", strerror(errno));
		pinhole_failed(client, task, UPNP_NO_PROTOCOL, said);
		return;
	}
	size = pcp_encode_map6(bytes, &task->pinhole.address, lifetime, &map);
	if (send(end->socket, bytes, size, 0) < 0)
		on_error(client, end, errno);
}

static void on_granted(struct client *client, struct pinhole_task *task,
		       const struct pcp_response *response)
{
	struct upnp_pinned granted = {
		.external_port = response->map.external_port,
		.external_address = response->map.external6,
		.lifetime = response->lifetime,
	};

	/* RFC 6887 15.1: only the answer to a deletion has no lifetime. */
	if (is_to_be_closed(task) != (response->lifetime == 0))
		return;
	if (is_to_be_closed(task))
		pinhole_removed(client, task);
	else if (response->map.external_port)
		pinhole_granted(client, task, granted);
}

static void on_map(struct client *client, const struct pcp6_end *end,
		   const struct pcp_response *response)
{
	char said[UPNP_TEXT_MAX];

	say(said, "PCP %u %s", response->result, pcp_result_name(response->result));
	/* An error may leave out what it answers; it is then about every question. */
	if (!response->has_map) {
		fail_all(client, end, pcp_failure(response->result), said);
		return;
	}
	for (size_t i = 0; i < PINHOLES_MAX; i++) {
		struct pinhole_task *task = &client->pinholes.tasks[i];
		struct pcp_map map = request_of(task);

		if (task->what == PINHOLE_FREE || task->via != UPNP_PCP ||
		    !is_end_of(end, &task->pinhole) || !pcp_answers(response, &map))
			continue;
		if (response->result == PCP_SUCCESS)
			on_granted(client, task, response);
		else
			pinhole_failed(client, task, pcp_failure(response->result), said);
		return;
	}
}

static void on_epoch(struct client *client, struct pcp6_end *end, uint32_t epoch)
{
	struct upnp_report report = { .what = UPNP_PINS_LOST, .lost = { .via = UPNP_PCP } };

	int64_t now = epoch_now_us();

	if (epoch_take_pcp(&end->epoch, epoch, now))
		return;
	report.lost.delay_ms = epoch_loss_delay(&end->losses, now);
	say(report.lost.said, "PCP over IPv6: the router has restarted");
	report_send(client, &report);
}

static void on_datagram(struct client *client, struct pcp6_end *end, const uint8_t *bytes,
			size_t size)
{
	struct pcp_response response;

	if (!pcp_decode(&response, bytes, size)) {
		log_debug("PCP over IPv6: %zu bytes that are no answer", size);
		return;
	}
	if (response.result == PCP_UNSUPP_VERSION) {
		fail_all(client, end, UPNP_NO_PROTOCOL, "PCP 1 UNSUPP_VERSION");
		return;
	}
	if (response.opcode == PCP_MAP)
		on_map(client, end, &response);
	on_epoch(client, end, response.epoch);
}

void pcp6_receive(struct client *client)
{
	uint8_t bytes[PCP_MESSAGE_MAX + 1];

	for (size_t i = 0; i < PCP6_ENDS; i++) {
		struct pcp6_end *end = &client->pinholes.ends[i];
		ssize_t size;

		if (end->socket < 0)
			continue;
		while ((size = recv(end->socket, bytes, sizeof(bytes), 0)) >= 0)
			on_datagram(client, end, bytes, (size_t)size);
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			on_error(client, end, errno);
	}
}
