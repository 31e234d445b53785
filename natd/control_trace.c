/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/control_trace.h"

#include <errno.h>
#include <string.h>

#include "natd/clock.h"
#include "natd/firewalls.h"
#include "natd/route.h"

static struct client *tracing(struct control *control)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].socket >= 0 && control->clients[i].waiting == WAITING_TRACE)
			return &control->clients[i];
	return NULL;
}

static bool is_test(const struct client *client)
{
	return client->request.command == CONTROL_TEST;
}

/* ---- one packet, as JSON ---- */

static json_t *address_json(const struct rules_prefix *prefix)
{
	struct address address = kernel_address(prefix);
	char text[ADDRESS_TEXT_MAX];

	return json_string(address_print(&address, text));
}

static json_t *interface_json(const struct natd *natd, uint32_t index)
{
	const struct network_link *link = network_link_by_index(&natd->network, index);

	return link ? json_string(link->name) : json_null();
}

static json_t *protocol_json(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_UDP: return json_string("udp");
	case IPPROTO_TCP: return json_string("tcp");
	case IPPROTO_ICMP: return json_string("icmp");
	case IPPROTO_ICMPV6: return json_string("icmpv6");
	default: return json_sprintf("%u", protocol);
	}
}

/* From which side it came. A router that leads a packet from home back home may give it the address that
 * it has outside. */
static const char *side_of(const struct natd *natd, const struct rules_traced *traced)
{
	const struct network_link *link = network_link_by_index(&natd->network, traced->in);
	struct address from = kernel_address(&traced->from);

	if (link && network_is_tunnel(link))
		return "tunnel";
	if (traced->home || (from.family == AF_INET && natd->engine.wan_known &&
			     from.v4.s_addr == natd->engine.wan.address.s_addr))
		return "home";
	return "outside";
}

static json_t *packet_json(const struct natd *natd, const struct rules_traced *traced)
{
	static const char *const fates[RULES_FATES] = {
		[RULES_FATE_LEFT] = "left",
		[RULES_FATE_DELIVERED] = "delivered",
		[RULES_FATE_DROPPED] = "dropped",
		[RULES_FATE_VANISHED] = "vanished",
	};
	json_t *packet = json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "fate", fates[traced->fate],
		"side", side_of(natd, traced), "protocol", protocol_json(traced->protocol), "from",
		address_json(&traced->from), "to", address_json(&traced->to), "port",
		traced->port ? json_integer(traced->port) : json_null(), "in",
		interface_json(natd, traced->in), "out", interface_json(natd, traced->out),
		"source",
		traced->fate == RULES_FATE_LEFT ? address_json(&traced->source) : json_null());
	bool stopped = traced->fate == RULES_FATE_DROPPED || traced->fate == RULES_FATE_VANISHED;

	if (packet && stopped && traced->table[0])
		json_object_update_new(
			packet,
			json_pack("{s:s, s:s, s:s, s:o, s:o}", "family",
				  firewalls_family(traced->family), "table", traced->table, "chain",
				  traced->chain, "handle",
				  traced->handle ? json_integer((json_int_t)traced->handle)
						 : json_null(),
				  "comment",
				  traced->comment[0] ? json_string(traced->comment) : json_null()));
	return packet;
}

/* ---- the conversation ---- */

static int64_t seconds_left(const struct client *client)
{
	int64_t left = client->deadline - natd_now();

	return left > 0 ? (left + 500) / 1000 : 0;
}

/* Behind which tunnel natctl why's client is; NULL: none that natd knows. */
static const struct tunnel *tunnel_of(const struct natd *natd, const struct address *from)
{
	struct prefix client = { *from, address_bits(from) };

	return tunnels_around(natd->kernel.tunnels, natd->kernel.tunnel_count, &client);
}

static struct address address_asked(uint32_t family, const uint8_t bytes[16])
{
	struct address address = { .family = (uint8_t)family };

	memcpy(&address.v6, bytes, sizeof(address.v6));
	return address;
}

static void answer(struct client *client, const char *result, json_t *packet)
{
	const struct control_request *request = &client->request;
	json_t *reply = json_pack("{s:s, s:o, s:I}", "result", result, "packet",
				  packet ? packet : json_null(), "from_home",
				  (json_int_t)client->from_home);
	struct address from = address_asked(request->family, request->from);
	const struct tunnel *tunnel = tunnel_of(client->control->natd, &from);

	if (!is_test(client))
		json_object_set_new(reply, "tunnel",
				    tunnel ? json_string(tunnel->interface) : json_null());
	client_answer(client, reply);
}

/* Rules follows for one at a time. */
static bool start(struct client *client, const struct rules_trace *trace)
{
	struct control *control = client->control;
	uint32_t seconds = client->request.seconds ? client->request.seconds : TRACE_SECONDS;
	struct timeval second = { .tv_sec = 1 };

	if (tracing(control)) {
		client_refuse(client, "%s", CONTROL_BUSY);
		return false;
	}
	if (seconds > CONTROL_WAIT_SECONDS_MAX) {
		client_refuse(client, "%u s is too long to wait; allowed: at most %d s", seconds,
			      CONTROL_WAIT_SECONDS_MAX);
		return false;
	}
	client->waiting = WAITING_TRACE;
	client->deadline = natd_now() + (int64_t)seconds * 1000;
	client->from_home = 0;
	event_add(client->event, &second);
	kernel_trace(&control->natd->kernel, trace);
	return true;
}

void control_do_test(struct client *client)
{
	static const struct rules_trace our_ports;

	start(client, &our_ports);
}

/* The kernel's answer to where it would lead the client's packet; 0 where it would, or does not say. */
static int route_error(const struct natd *natd, const struct address *from,
		       const struct address *to)
{
	const struct tunnel *tunnel = tunnel_of(natd, from);
	const struct network_link *link =
		tunnel ? network_link_by_name(&natd->network, tunnel->interface) : NULL;

	return link && link->up ? route_through(to, from, link->index).error : 0;
}

static const char *route_result(int error)
{
	switch (error) {
	case EHOSTUNREACH: return "forwarding-off";
	case ENETUNREACH: return "no-route";
	case EINVAL:
	case EXDEV: return "source-refused";
	default: return NULL;
	}
}

void control_do_why(struct client *client)
{
	const struct control_request *request = &client->request;
	struct rules_trace trace;
	struct address from;
	struct address to;
	const char *result;

	if (request->family != AF_INET && request->family != AF_INET6) {
		client_refuse(client, "why needs two addresses of IPv4, or two of IPv6");
		return;
	}
	memset(&trace, 0, sizeof(trace));
	trace.from.family = trace.to.family = (uint8_t)request->family;
	trace.from.length = trace.to.length = request->family == AF_INET ? 32 : 128;
	memcpy(&trace.from.v6, request->from, trace.from.length / 8);
	memcpy(&trace.to.v6, request->to, trace.to.length / 8);
	from = kernel_address(&trace.from);
	to = kernel_address(&trace.to);
	if (!address_is_set(&from) || !address_is_set(&to)) {
		client_refuse(client, "why needs two addresses; one of these is none");
		return;
	}
	result = route_result(route_error(client->control->natd, &from, &to));
	if (result)
		answer(client, result, NULL);
	else
		start(client, &trace);
}

void control_tracing(struct control *control, int error)
{
	struct client *client = tracing(control);

	if (client && error)
		client_refuse(client, "the kernel does not follow packets: %s", strerror(error));
	else if (client)
		client_tell(client, json_pack("{s:I}", "left", (json_int_t)seconds_left(client)));
}

void control_traced(struct control *control, const struct rules_traced *traced)
{
	struct client *client = tracing(control);
	const char *side = side_of(control->natd, traced);
	json_t *packet;

	if (!client)
		return;
	packet = packet_json(control->natd, traced);
	if (!is_test(client)) {
		answer(client, "packet", packet);
	} else if (strcmp(side, "outside") == 0) {
		answer(client, "outside", packet);
	} else {
		client->from_home++;
		client_tell(client, json_pack("{s:o}", "packet", packet));
	}
}

void control_trace_tick(struct client *client)
{
	if (natd_now() >= client->deadline)
		answer(client, "none", NULL);
	else
		client_tell(client, json_pack("{s:I}", "left", (json_int_t)seconds_left(client)));
}

void control_trace_over(struct control *control)
{
	kernel_trace_end(&control->natd->kernel);
}
