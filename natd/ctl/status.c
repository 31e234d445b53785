/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/status.h"

#include <string.h>

#include "natd/address.h"
#include "natd/ctl/client.h"
#include "natd/ctl/facts.h"
#include "natd/ctl/print.h"
#include "natd/ctl/words.h"

static struct row start(FILE *out, const char *label)
{
	return row_start(out, label, PRINT_INDENT);
}

/* With these the phone does reach the VPN, but nothing beyond it. */
static bool stops_behind_vpn(const char *code)
{
	static const char *const codes[] = { "E41", "E42", "E43" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

static void show_headline(FILE *out, const char *works, const char *code)
{
	if (strcmp(works, "yes") == 0) {
		fputs("Home VPN reachable: ", out);
		print_coloured(out, PRINT_GREEN, "YES");
	} else if (strcmp(works, "no") == 0 && stops_behind_vpn(code)) {
		print_coloured(out, PRINT_RED, "Clients connect, but have no Internet");
	} else if (strcmp(works, "no") == 0) {
		fputs("Home VPN reachable: ", out);
		print_coloured(out, PRINT_RED, "NO");
	} else {
		fputs("Home VPN reachable: ", out);
		print_coloured(out, PRINT_YELLOW, *code ? "UNKNOWN" : "NOT KNOWN YET");
	}
}

/* The verdict's code and text: behind the headline if they fit, else under it. */
static void show_verdict(FILE *out, const json_t *verdict)
{
	const char *code = text_of(verdict, "code");
	const char *text = text_of(verdict, "text");
	const char *works = text_of(verdict, "works");
	struct row row = row_start(out, "", 1);
	/* "Clients connect, but have no Internet" and the gap */
	size_t headline = 40;

	if (strcmp(code, "OK") == 0)
		code = "";
	show_headline(out, works, strcmp(text_of(verdict, "code"), "OK") == 0 ? "OK" : code);
	if (headline + strlen(code) + 1 + print_width(text) <= PRINT_COLUMNS) {
		fprintf(out, "%s%s%s%s\n", *code || *text ? "   " : "", code,
			*code && *text ? " " : "", text);
		return;
	}
	fputc('\n', out);
	row_add(&row, "%s%s%s", code, *code ? " " : "", text);
	row_end(&row);
}

static const char *reachable_at(const json_t *status, const json_t *forward)
{
	const char *address = text_of(forward, "external_address");

	return *address ? address : text_of(json_object_get(status, "router"), "wan_address");
}

static json_int_t external_port(const json_t *forward)
{
	json_int_t port = 0;

	if (!number_of(forward, "external_port", &port))
		number_of(forward, "port", &port);
	return port;
}

static void show_clients_use(FILE *out, const json_t *status)
{
	const json_t *name = json_object_get(status, "name");
	struct row row = start(out, " Clients use");
	const json_t *forward;
	size_t i;

	json_array_foreach(json_object_get(status, "forwards"), i, forward)
	{
		const char *address = reachable_at(status, forward);
		const char *dns = text_of(name, "name");

		row_break(&row);
		row_add(&row, "%s%s%s port %lld", dns, *dns ? "  " : "",
			word_transport(text_of(forward, "protocol")),
			(long long)external_port(forward));
		row_add(&row, "-> %s", *address ? address : "address not known yet");
		if (json_is_true(json_object_get(name, "matches")))
			row_add(&row, "DNS ok");
		else if (json_is_false(json_object_get(name, "matches")))
			row_add(&row, "DNS points elsewhere");
	}
	row_end(&row);
}

/* "UDP 51820 opened by PCP, renewed in 29 min" */
static void add_mapping(struct row *row, const json_t *forward)
{
	const char *state = text_of(forward, "state");
	const char *transport = word_transport(text_of(forward, "protocol"));
	const char *via = text_of(forward, "via");
	const char *reason = text_of(forward, "reason");
	long long external = external_port(forward);
	char time[DURATION_TEXT_MAX];
	json_int_t seconds;

	row_break(row);
	if (strcmp(state, "open") == 0) {
		row_add(row, "%s %lld opened%s%s", transport, external, *via ? " by " : "",
			word_protocol(via));
		if (number_of(forward, "renew_in", &seconds))
			row_add(row, "renewed in %s", print_duration(seconds, time));
		if (number_of(forward, "expires_in", &seconds) && seconds > 0)
			row_add(row, "lasts %s", print_duration(seconds, time));
	} else if (strcmp(state, "opening") == 0) {
		row_add(row, "%s %lld: asking the router to open it", transport, external);
	} else if (strcmp(state, "failed") == 0) {
		row_add(row, "%s %lld not opened%s%s", transport, external, *reason ? ": " : "",
			reason);
	} else if (strcmp(state, "off") == 0) {
		row_add(row, "%s %lld: the router is not asked%s%s", transport, external,
			*reason ? ": " : "", reason);
	}
}

/* What the router speaks; where it speaks nothing, what came of each question. */
static void add_protocols(struct row *row, const json_t *router)
{
	const json_t *protocols = json_object_get(router, "protocols");
	bool any = false;

	for (size_t i = 0; i < WORDS_PROTOCOLS; i++) {
		if (strcmp(text_of(protocols, words_protocols[i]), "ok") != 0)
			continue;
		row_add(row, "%s", word_protocol(words_protocols[i]));
		any = true;
	}
	for (size_t i = 0; i < WORDS_PROTOCOLS && !any; i++) {
		const char *state = text_of(protocols, words_protocols[i]);

		if (*state)
			row_add(row, "%s: %s", word_protocol(words_protocols[i]),
				word_state(state));
	}
}

static void show_router(FILE *out, const json_t *status)
{
	const json_t *router = json_object_get(status, "router");
	const char *address = text_of(router, "address");
	const char *model = text_of(router, "model");
	struct row row = start(out, " Router");
	const json_t *forward;
	size_t i;

	row_add(&row, "%s", *address ? address : "none found");
	if (*model)
		row_add(&row, "\"%s\"", model);
	if (*address)
		add_protocols(&row, router);
	json_array_foreach(json_object_get(status, "forwards"), i, forward)
		add_mapping(&row, forward);
	row_end(&row);
}

static bool still_asking(const json_t *status)
{
	const json_t *protocols = json_object_get(json_object_get(status, "router"), "protocols");

	for (size_t i = 0; i < WORDS_PROTOCOLS; i++)
		if (strcmp(text_of(protocols, words_protocols[i]), "asking") == 0)
			return true;
	return false;
}

static void show_wan(FILE *out, const json_t *status)
{
	const json_t *router = json_object_get(status, "router");
	const char *address = text_of(router, "wan_address");
	const char *kind = text_of(router, "wan_kind");
	struct row row = start(out, " WAN address");

	if (*address)
		row_add(&row, "%s", address);
	if (*kind && strcmp(kind, "unknown") != 0)
		row_add(&row, "%s", word_wan_kind(kind));
	else if (!*address)
		row_add(&row, still_asking(status) ? "not known yet" : "not known");
	row_end(&row);
}

static void show_host(FILE *out, const json_t *status)
{
	const json_t *host = json_object_get(status, "host");
	const json_t *dynamic = json_object_get(host, "dynamic");
	const char *address = text_of(host, "address");
	struct row row = start(out, " This host");

	row_add(&row, "%s", *address ? address : "no IPv4 address towards a router");
	if (*text_of(host, "interface"))
		row_add(&row, "%s", text_of(host, "interface"));
	if (json_is_boolean(dynamic))
		row_add(&row,
			json_is_true(dynamic) ? "(given by the router, DHCP)" : "(fixed address)");
	if (*text_of(host, "mac"))
		row_add(&row, "MAC %s", text_of(host, "mac"));
	row_end(&row);
}

static void add_listening(struct row *row, const json_t *forward)
{
	const json_t *listening = json_object_get(forward, "listening");
	const char *transport = word_transport(text_of(forward, "protocol"));
	char time[DURATION_TEXT_MAX];
	json_int_t port = 0;
	json_int_t number;

	number_of(forward, "port", &port);
	row_break(row);
	if (json_is_true(listening))
		row_add(row, "listens on %s %lld", transport, (long long)port);
	else if (json_is_false(listening))
		row_add(row, "nothing listens on %s %lld", transport, (long long)port);
	if (number_of(forward, "last_packet_ago", &number))
		row_add(row, "last packet %s ago", print_duration(number, time));
	else if (number_of(forward, "packets", &number))
		row_add(row, number == 0 ? "no packet yet" : "%lld packets", (long long)number);
}

/* "wg0 (10.8.0.0/24, fd42::/64)" */
static void add_tunnel(struct row *row, const json_t *tunnel)
{
	const json_t *network;
	char list[512] = "";
	size_t used = 0;
	size_t i;

	json_array_foreach(json_object_get(tunnel, "networks"), i, network)
	{
		const char *text = json_string_value(network);

		if (text && used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 used ? ", " : "", text);
	}
	row_break(row);
	row_add(row, "%s", text_of(tunnel, "interface"));
	row_add(row, used ? "clients in %s" : "without client networks", list);
}

static void show_vpn(FILE *out, const json_t *status)
{
	const json_t *tunnels = json_object_get(status, "tunnels");
	struct row row = start(out, " VPN");
	const json_t *item;
	size_t i;

	if (json_is_array(tunnels) && json_array_size(tunnels) == 0)
		row_add(&row, "no tunnel interface yet (WireGuard, tun or tap)");
	json_array_foreach(tunnels, i, item) add_tunnel(&row, item);
	json_array_foreach(json_object_get(status, "forwards"), i, item) add_listening(&row, item);
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
		row_add(row, "%s -> with the clients' own addresses", network);
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
	const char *wan = text_of(json_object_get(status, "router"), "wan_address");
	struct row row = start(out, " Exit IP");
	const json_t *network;
	const json_t *tunnel;
	size_t i;
	size_t j;

	json_array_foreach(json_object_get(status, "tunnels"), i, tunnel)
	{
		json_int_t packets;

		json_array_foreach(json_object_get(tunnel, "networks"), j,
				   network) if (json_is_string(network))
			add_egress(&row, tunnel, json_string_value(network), wan);
		if (number_of(tunnel, "packets", &packets) && row.column > 0)
			row_add(&row, "%lld packets", (long long)packets);
	}
	row_end(&row);
}

static void show_rules(FILE *out, const json_t *status)
{
	const json_t *rules = json_object_get(status, "rules");
	const json_t *last = json_object_get(rules, "last_repair");
	struct row row = start(out, " Rules");
	char time[DURATION_TEXT_MAX];
	json_int_t number;

	if (json_is_false(json_object_get(rules, "in_sync")))
		row_add(&row, "the kernel does not hold natd's rules");
	if (number_of(rules, "repairs", &number) && number > 0)
		row_add(&row, "repaired %lld times", (long long)number);
	if (number_of(last, "ago", &number))
		row_add(&row, "last %s ago", print_duration(number, time));
	if (*text_of(last, "program"))
		row_add(&row, "after a change by %s", text_of(last, "program"));
	row_end(&row);
}

static void show_evidence(FILE *out, const json_t *verdict)
{
	struct row row = start(out, " Because");
	const json_t *line;
	size_t i;

	json_array_foreach(json_object_get(verdict, "evidence"), i, line)
	{
		if (!json_is_string(line))
			continue;
		row_break(&row);
		row_add(&row, "%s", json_string_value(line));
	}
	row_end(&row);
}

static void show_advice(FILE *out, const json_t *verdict)
{
	const char *line = text_of(verdict, "advice");
	struct row row = row_start(out, "Do this:", 9);

	if (!*line)
		return;
	fputc('\n', out);
	while (*line) {
		size_t length = strcspn(line, "\n");

		row_break(&row);
		if (length)
			row_add(&row, "%.*s", (int)length, line);
		line += length + (line[length] == '\n');
	}
	row_end(&row);
}

void status_show(FILE *out, const json_t *status)
{
	const json_t *verdict = json_object_get(status, "verdict");

	show_verdict(out, verdict);
	fputc('\n', out);
	show_clients_use(out, status);
	show_router(out, status);
	show_wan(out, status);
	show_host(out, status);
	show_vpn(out, status);
	show_exit(out, status);
	show_rules(out, status);
	show_evidence(out, verdict);
	show_advice(out, verdict);
}

int status_exit(const json_t *status)
{
	const json_t *verdict = json_object_get(status, "verdict");
	const char *works = text_of(verdict, "works");

	if (strcmp(works, "yes") == 0)
		return strcmp(text_of(verdict, "code"), "OK") == 0 ? NATCTL_WELL : NATCTL_WARNING;
	return strcmp(works, "no") == 0 ? NATCTL_BROKEN : NATCTL_NOT_KNOWN;
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
	exit_status = status_exit(status);
	json_decref(status);
	return exit_status;
}
