/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/probe6.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "upnp/client.h"
#include "upnp/pcp.h"

void probe6_init(struct probe6 *probe)
{
	*probe = (struct probe6){ .socket = -1 };
}

static void hang_up(struct probe6 *probe)
{
	if (probe->socket >= 0)
		close(probe->socket);
	probe->socket = -1;
	probe->tries.active = false;
}

static void pcp_is(struct probe6 *probe, enum upnp_state state, const char *said)
{
	hang_up(probe);
	probe->found.pcp.state = (uint8_t)state;
	probe->found.pcp.took_us = (uint32_t)(now_us() - probe->began_us);
	say(probe->found.pcp.said, "%s", said);
}

void probe6_start(struct client *client, const struct upnp_pinhole *at)
{
	struct probe6 *probe = &client->probe6;

	hang_up(probe);
	*probe = (struct probe6){
		.active = true,
		.began_us = now_us(),
		.at = *at,
		.found = { .pcp = { .protocol = UPNP_PCP, .state = UPNP_ASKING },
			   .firewall = { .protocol = UPNP_IGD, .state = UPNP_ASKING } },
	};
	probe->socket = pinhole_connect(at, SOCK_DGRAM | SOCK_NONBLOCK, PCP_PORT);
	if (probe->socket < 0)
		pcp_is(probe, UPNP_ERROR, strerror(errno));
	else
		tries_start(&probe->tries);
}

static void on_datagram(struct probe6 *probe, const uint8_t *bytes, size_t size)
{
	struct pcp_response response;
	char said[UPNP_TEXT_MAX];

	if (!pcp_decode(&response, bytes, size))
		return;
	if (response.result == PCP_UNSUPP_VERSION) {
		pcp_is(probe, UPNP_UNSUPPORTED, "PCP 1 UNSUPP_VERSION");
		return;
	}
	if (response.opcode != PCP_ANNOUNCE)
		return;
	/* A server that does not know that opcode still speaks PCP. */
	if (response.result == PCP_SUCCESS || response.result == PCP_UNSUPP_OPCODE) {
		say(said, "PCP version 2, epoch %u", response.epoch);
		pcp_is(probe, UPNP_OK, said);
	} else {
		say(said, "PCP %u %s", response.result, pcp_result_name(response.result));
		pcp_is(probe, UPNP_ERROR, said);
	}
}

static void receive(struct probe6 *probe)
{
	uint8_t bytes[PCP_MESSAGE_MAX + 1];
	ssize_t size;

	while (probe->socket >= 0 && (size = recv(probe->socket, bytes, sizeof(bytes), 0)) >= 0)
		on_datagram(probe, bytes, (size_t)size);
	if (probe->socket >= 0 && errno == ECONNREFUSED)
		pcp_is(probe, UPNP_REFUSED, "PCP over IPv6: the router refuses the port");
}

static void send_due(struct probe6 *probe, int64_t now)
{
	uint8_t bytes[PCP_REQUEST_SIZE];
	size_t size;

	if (!probe->tries.active || probe->tries.next_us > now)
		return;
	if (probe->tries.count == TRIES) {
		pcp_is(probe, UPNP_SILENT, "PCP over IPv6 does not answer");
		return;
	}
	tries_step(&probe->tries, now);
	size = pcp_encode_announce6(bytes, &probe->at.address);
	if (send(probe->socket, bytes, size, 0) < 0 && errno != ECONNREFUSED)
		pcp_is(probe, UPNP_ERROR, strerror(errno));
}

void probe6_run(struct client *client, int64_t now)
{
	struct probe6 *probe = &client->probe6;
	struct upnp_report report = { .what = UPNP_PROBED6 };

	if (!probe->active)
		return;
	receive(probe);
	send_due(probe, now);
	if (probe->found.pcp.state == UPNP_ASKING || probe->found.firewall.state == UPNP_ASKING)
		return;
	probe->active = false;
	report.probed6 = probe->found;
	report_send(client, &report);
}

int64_t probe6_deadline(const struct probe6 *probe)
{
	return probe->tries.active ? probe->tries.next_us : ASKING_NEVER;
}

bool probe6_step(struct client *client)
{
	struct probe6 *probe = &client->probe6;
	struct upnp_protocol_report *firewall = &probe->found.firewall;
	const char *said;
	enum igd6_is is;
	int64_t began;

	if (!probe->active || firewall->state != UPNP_ASKING || tasks_pending(client))
		return false;
	is = igd6_state(client, &said);
	if (is == IGD6_UNKNOWN)
		return false;
	began = now_us();
	if (is == IGD6_READY) {
		firewall->state = (uint8_t)igd6_status(client, &probe->at, &probe->found.enabled,
						       &probe->found.allowed, firewall->said);
		firewall->took_us = (uint32_t)(now_us() - began);
	} else {
		firewall->state = client->igd.ready ? UPNP_UNSUPPORTED : UPNP_SILENT;
		say(firewall->said, "%s", said);
	}
	return true;
}
