/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/status.h"

#include <string.h>

#include "natd/address.h"
#include "natd/ctl/client.h"
#include "natd/ctl/firewalls.h"
#include "natd/ctl/members.h"
#include "natd/ctl/headline.h"
#include "natd/ctl/print.h"
#include "natd/ctl/sentences.h"
#include "natd/ctl/status_ipv6.h"
#include "natd/ctl/status_router.h"
#include "natd/ctl/shared.h"
#include "natd/ctl/words.h"
#include "natd/ctl/text.h"

static struct row start(FILE *out, const char *label)
{
	return row_start(out, label, PRINT_INDENT);
}

static bool wan_is_public(const json_t *status)
{
	return strcmp(text_of(json_object_get(status, "router"), "wan_kind"), "public") == 0;
}

static bool still_asking(const json_t *status)
{
	const json_t *protocols = json_object_get(json_object_get(status, "router"), "protocols");

	for (size_t i = 0; i < WORDS_PROTOCOLS; i++)
		if (strcmp(text_of(protocols, words_protocols[i]), "asking") == 0)
			return true;
	return false;
}

/* Where a phone outside finds the forward, as far as that is known. */
static const char *reachable_at(const json_t *status, const json_t *forward)
{
	const json_t *router = json_object_get(status, "router");
	const char *address = text_of(forward, "external_address");
	const char *kind = text_of(router, "wan_kind");

	if (*kind && strcmp(kind, "unknown") != 0 && !wan_is_public(status))
		return _("no address that the internet can reach");
	if (!*address)
		address = text_of(router, "wan_address");
	if (*address)
		return address;
	return still_asking(status) ? _("address not known yet") : _("address not known");
}

/* What natctl opened is worth naming where it is open; the VPN's port also before. */
static bool is_closed_to_guests(const json_t *forward)
{
	return json_is_true(json_object_get(forward, "temporary")) &&
	       strcmp(text_of(forward, "state"), "open") != 0;
}

static void show_clients_use(FILE *out, const json_t *status)
{
	const json_t *name = json_object_get(status, "name");
	struct row row = start(out, _(" Clients use"));
	const json_t *forward;
	size_t i;

	json_array_foreach(json_object_get(status, "forwards"), i, forward) {
		const char *dns = text_of(name, "name");
		char time[DURATION_TEXT_MAX];
		json_int_t seconds;
		json_int_t port;

		if (!status_external_port(forward, &port) || is_closed_to_guests(forward))
			continue;
		row_break(&row);
		row_add(&row, _("%s%s%s port %lld"), dns, *dns ? "  " : "",
			word_transport(text_of(forward, "protocol")), (long long)port);
		row_add(&row, "-> %s", reachable_at(status, forward));
		if (json_is_true(json_object_get(name, "matches")))
			row_add(&row, _("DNS ok"));
		else if (number_of(name, "wrong_for", &seconds))
			row_add(&row, _("DNS points elsewhere for %s"),
				print_duration(seconds, time));
		else if (json_is_false(json_object_get(name, "matches")))
			row_add(&row, _("DNS points elsewhere"));
		status_ipv6_add(&row, forward);
	}
	row_end(&row);
}

static void show_wan(FILE *out, const json_t *status)
{
	const json_t *router = json_object_get(status, "router");
	const char *address = text_of(router, "wan_address");
	const char *kind = text_of(router, "wan_kind");
	const char *seen_as = text_of(router, "seen_as");
	struct row row = start(out, _(" WAN address"));

	if (*address)
		row_add(&row, "%s", address);
	if (*address && status_wan_is_past(status))
		row_add(&row, "%s", _("last known"));
	if (*kind && strcmp(kind, "unknown") != 0)
		row_add(&row, "%s", word_wan_kind(kind));
	else if (!*address)
		row_add(&row, "%s", still_asking(status) ? _("not known yet") : _("not known"));
	if (*seen_as && strcmp(seen_as, address) == 0)
		row_add(&row, "%s", _("the same as seen from the internet"));
	else if (*seen_as)
		row_add(&row, _("seen from the internet as %s"), seen_as);
	status_shared_add(&row, json_object_get(router, "shared"));
	row_end(&row);
}

static void show_host(FILE *out, const json_t *status)
{
	const json_t *host = json_object_get(status, "host");
	const json_t *dynamic = json_object_get(host, "dynamic");
	const char *address = text_of(host, "address");
	struct row row = start(out, _(" This host"));

	row_add(&row, "%s", *address ? address : _("no IPv4 address towards a router"));
	if (*text_of(host, "interface"))
		row_add(&row, "%s", text_of(host, "interface"));
	if (json_is_boolean(dynamic))
		row_add(&row, "%s",
			json_is_true(dynamic) ? _("(given by the router, DHCP)")
					      : _("(fixed address)"));
	if (*text_of(host, "mac"))
		row_add(&row, "MAC %s", text_of(host, "mac"));
	row_end(&row);
}

static void add_count(struct row *row, json_int_t packets)
{
	row_add(row, ngettext("%lld packet", "%lld packets", (unsigned long)packets),
		(long long)packets);
}

static void add_packets(struct row *row, const json_t *forward)
{
	char time[DURATION_TEXT_MAX];
	json_int_t packets;
	json_int_t ago;

	if (!number_of(forward, "packets", &packets))
		return;
	if (packets == 0) {
		row_add(row, _("no packet yet"));
		return;
	}
	add_count(row, packets);
	if (number_of(forward, "last_packet_ago", &ago))
		row_add(row, _("last packet %s ago, from outside"), print_duration(ago, time));
	else if (number_of(forward, "last_lan_packet_ago", &ago))
		row_add(row, _("last packet %s ago, from the home network"),
			print_duration(ago, time));
}

static void add_listening(struct row *row, const json_t *forward)
{
	const json_t *listening = json_object_get(forward, "listening");
	const char *transport = word_transport(text_of(forward, "protocol"));
	json_int_t port;

	if (!number_of(forward, "port", &port))
		return;
	row_break(row);
	if (json_is_boolean(listening))
		row_add(row,
			json_is_true(listening) ? _("a program listens on %s %lld")
						: _("nothing listens on %s %lld"),
			transport, (long long)port);
	else
		row_add(row, "%s %lld", transport, (long long)port);
	add_packets(row, forward);
}

/* "wg0  clients in 10.8.0.0/24, fd42::/64" */
static void add_tunnel(struct row *row, const json_t *tunnel)
{
	const json_t *network;
	char list[512] = "";
	size_t used = 0;
	json_int_t packets;
	size_t i;

	if (!*text_of(tunnel, "interface"))
		return;
	json_array_foreach(json_object_get(tunnel, "networks"), i, network) {
		const char *text = json_string_value(network);

		if (text && used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 used ? ", " : "", text);
	}
	row_break(row);
	row_add(row, "%s", text_of(tunnel, "interface"));
	if (json_is_false(json_object_get(tunnel, "present")))
		row_add(row, _("does not exist yet"));
	else
		row_add(row, used ? _("clients in %s") : _("without client networks"), list);
	if (number_of(tunnel, "packets", &packets))
		add_count(row, packets);
}

static void show_vpn(FILE *out, const json_t *status)
{
	const json_t *tunnels = json_object_get(status, "tunnels");
	struct row row = start(out, _(" VPN"));
	char translated[SENTENCE_MAX];
	const json_t *item;
	size_t i;

	if (json_is_array(tunnels) && json_array_size(tunnels) == 0)
		row_add(&row, _("no tunnel interface yet (WireGuard, tun or tap)"));
	json_array_foreach(tunnels, i, item)
		add_tunnel(&row, item);
	json_array_foreach(json_object_get(status, "forwards"), i, item)
		add_listening(&row, item);
	if (*text_of(status, "forwards_from"))
		row_add(&row, _("(port: %s)"),
			sentence(text_of(status, "forwards_from"), translated));
	row_end(&row);
}

static bool is_private(const char *text)
{
	struct address address;

	return address_parse(&address, text) && address_kind(&address) != ADDRESS_PUBLIC;
}

/* One network's way out: "10.8.0.0/24 -> eth0 as 192.168.1.31 -> 203.0.113.45". */
static void add_egress(struct row *row, const json_t *tunnel, const char *network, const char *wan)
{
	const json_t *egress = json_object_get(tunnel, "egress");
	const char *kind = text_of(egress, "kind");
	const char *address = text_of(egress, "address");
	const char *interface = text_of(egress, "interface");
	bool ipv6 = strchr(network, ':') != NULL;

	row_break(row);
	if (strcmp(kind, "none") == 0) {
		row_add(row, _("%s -> with the clients' own addresses"), network);
		return;
	}
	if (ipv6 != (strchr(address, ':') != NULL))
		address = "";
	row_add(row, "%s", network);
	if (*interface)
		row_add(row, "-> %s", interface);
	if (*address)
		row_add(row, "-> %s", address);
	/* The router translates a private address once more. */
	if (!ipv6 && *wan && (!*address || is_private(address)))
		row_add(row, "-> %s", wan);
}

static void show_exit(FILE *out, const json_t *status)
{
	const char *wan = wan_is_public(status) && !status_wan_is_past(status)
				  ? text_of(json_object_get(status, "router"), "wan_address")
				  : "";
	struct row row = start(out, _(" Exit IP"));
	const json_t *network;
	const json_t *tunnel;
	size_t i;
	size_t j;

	json_array_foreach(json_object_get(status, "tunnels"), i, tunnel) {
		json_array_foreach(json_object_get(tunnel, "networks"), j, network)
			if (json_is_string(network))
				add_egress(&row, tunnel, json_string_value(network), wan);
	}
	row_end(&row);
}

static void show_rules(FILE *out, const json_t *status)
{
	const json_t *rules = json_object_get(status, "rules");
	const json_t *last = json_object_get(rules, "last_repair");
	struct row row = start(out, _(" Rules"));
	char time[DURATION_TEXT_MAX];
	json_int_t number;

	if (json_is_false(json_object_get(rules, "in_sync")))
		row_add(&row, _("the kernel does not hold natd's rules"));
	if (number_of(rules, "repairs", &number) && number > 0)
		row_add(&row,
			ngettext("repaired %lld time", "repaired %lld times",
				 (unsigned long)number),
			(long long)number);
	if (number_of(last, "ago", &number))
		row_add(&row, _("last %s ago"), print_duration(number, time));
	if (*text_of(last, "program"))
		row_add(&row, _("after a change by %s"), text_of(last, "program"));
	row_end(&row);
}

static void show_notes(FILE *out, const json_t *status)
{
	struct row row = start(out, _(" Note"));
	char translated[SENTENCE_MAX];
	const json_t *note;
	size_t i;

	json_array_foreach(json_object_get(status, "notes"), i, note) {
		if (!json_is_string(note))
			continue;
		row_break(&row);
		row_add(&row, "%s", sentence(json_string_value(note), translated));
	}
	row_end(&row);
}

void status_show(FILE *out, const json_t *status)
{
	const json_t *verdict = json_object_get(status, "verdict");

	headline_show(out, verdict);
	fputc('\n', out);
	show_clients_use(out, status);
	status_show_routers(out, status);
	show_wan(out, status);
	status_ipv6_show(out, status);
	show_host(out, status);
	show_vpn(out, status);
	show_exit(out, status);
	show_rules(out, status);
	firewalls_show(out, status);
	show_notes(out, status);
	headline_show_evidence(out, verdict);
	headline_show_advice(out, verdict);
}

int command_status(const struct invocation *typed)
{
	const struct control_request request = { .command = CONTROL_STATUS };
	int exit_status;
	json_t *status = must_ask_natd(typed, &request, &exit_status);

	if (!status)
		return exit_status;
	if (typed->json)
		say_json(status);
	else
		status_show(stdout, status);
	exit_status = headline_exit(json_object_get(status, "verdict"));
	json_decref(status);
	return exit_status;
}
