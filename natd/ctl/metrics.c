/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/metrics.h"

#include <stdbool.h>
#include <string.h>

#include "natd/ctl/client.h"
#include "natd/ctl/members.h"
#include "natd/ctl/print.h"
#include "natd/ctl/words.h"

/* Only types that Prometheus' older text format has as well: the node exporter reads that one, and to
 * it "# UNIT" and "# EOF" are comments. Counters' samples end in _total (OpenMetrics 1.0). */
static void family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# TYPE natd_%s %s\n# HELP natd_%s %s\n", name, type, name, help);
}

/* OpenMetrics 1.0: backslash, quote and newline are escaped; print_clean() has taken the rest. */
static void label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			fputc('\\', out);
		fputc(*value, out);
	}
	fputc('"', out);
}

static void forward_labels(FILE *out, const json_t *forward)
{
	json_int_t port = 0;

	number_of(forward, "port", &port);
	fputc('{', out);
	label(out, "name", text_of(forward, "name"));
	fputc(',', out);
	label(out, "protocol", text_of(forward, "protocol"));
	fprintf(out, ",port=\"%lld\"}", (long long)port);
}

static void show_forward_number(FILE *out, const json_t *status, const char *member,
				const char *metric)
{
	const json_t *forward;
	json_int_t number;
	size_t i;

	json_array_foreach(json_object_get(status, "forwards"), i, forward) {
		if (!*text_of(forward, "name") || !number_of(forward, member, &number))
			continue;
		fprintf(out, "natd_forward_%s", metric);
		forward_labels(out, forward);
		fprintf(out, " %lld\n", (long long)number);
	}
}

static void show_open(FILE *out, const json_t *status)
{
	const json_t *forward;
	size_t i;

	family(out, "forward_open", "gauge", "Whether the router passes the port on.");
	json_array_foreach(json_object_get(status, "forwards"), i, forward) {
		if (!*text_of(forward, "name"))
			continue;
		fputs("natd_forward_open", out);
		forward_labels(out, forward);
		fprintf(out, " %d\n", strcmp(text_of(forward, "state"), "open") == 0);
	}
}

static void show_forwards(FILE *out, const json_t *status)
{
	show_open(out, status);
	family(out, "forward_external_port", "gauge", "The port that clients outside use.");
	show_forward_number(out, status, "external_port", "external_port");
	family(out, "forward_expires_seconds", "gauge", "How long the router keeps the port open.");
	show_forward_number(out, status, "expires_in", "expires_seconds");
	family(out, "forward_packets", "counter", "Packets that have arrived for the port.");
	show_forward_number(out, status, "packets", "packets_total");
}

static void show_tunnels(FILE *out, const json_t *status)
{
	const json_t *tunnel;
	json_int_t number;
	size_t i;

	family(out, "tunnel_packets", "counter", "Packets that came in from the tunnel's clients.");
	json_array_foreach(json_object_get(status, "tunnels"), i, tunnel) {
		if (!*text_of(tunnel, "interface") || !number_of(tunnel, "packets", &number))
			continue;
		fputs("natd_tunnel_packets_total{", out);
		label(out, "interface", text_of(tunnel, "interface"));
		fprintf(out, "} %lld\n", (long long)number);
	}
}

static void show_protocols(FILE *out, const json_t *status)
{
	const json_t *protocols = json_object_get(json_object_get(status, "router"), "protocols");

	family(out, "router_protocol", "gauge", "Whether the router does what it is asked by it.");
	for (size_t i = 0; i < WORDS_PROTOCOLS; i++) {
		const char *state = text_of(protocols, words_protocols[i]);

		if (*state)
			fprintf(out, "natd_router_protocol{protocol=\"%s\"} %d\n",
				words_protocols[i], strcmp(state, "ok") == 0);
	}
}

static void show_name(FILE *out, const json_t *status)
{
	const json_t *matches = json_object_get(json_object_get(status, "name"), "matches");

	family(out, "name_matches", "gauge", "Whether the DNS name leads to this home.");
	if (json_is_boolean(matches))
		fprintf(out, "natd_name_matches %d\n", json_is_true(matches));
}

static void show_connections(FILE *out, const json_t *connections)
{
	json_int_t number;

	if (!json_is_object(connections))
		return;
	family(out, "connections", "gauge", "Connections that the kernel follows.");
	if (number_of(connections, "count", &number))
		fprintf(out, "natd_connections %lld\n", (long long)number);
	family(out, "connections_max", "gauge", "How many it can follow.");
	if (number_of(connections, "max", &number))
		fprintf(out, "natd_connections_max %lld\n", (long long)number);
}

static void show_rules(FILE *out, const json_t *status)
{
	const json_t *rules = json_object_get(status, "rules");
	const json_t *in_sync = json_object_get(rules, "in_sync");
	json_int_t repairs;

	family(out, "rules_in_sync", "gauge", "Whether the kernel holds natd's rules.");
	if (json_is_boolean(in_sync))
		fprintf(out, "natd_rules_in_sync %d\n", json_is_true(in_sync));
	family(out, "rules_repairs", "counter", "How often natd has put its rules back.");
	if (number_of(rules, "repairs", &repairs))
		fprintf(out, "natd_rules_repairs_total %lld\n", (long long)repairs);
	show_connections(out, json_object_get(rules, "connections"));
}

static void show_verdict(FILE *out, const json_t *status)
{
	const json_t *verdict = json_object_get(status, "verdict");
	const char *works = text_of(verdict, "works");
	const char *code = text_of(verdict, "code");

	family(out, "reachable", "gauge", "Whether the VPN can be reached; absent if not known.");
	if (strcmp(works, "yes") == 0 || strcmp(works, "no") == 0)
		fprintf(out, "natd_reachable %d\n", strcmp(works, "yes") == 0);
	family(out, "verdict", "gauge", "The verdict, natctl(8); always 1.");
	if (*code) {
		fputs("natd_verdict{", out);
		label(out, "code", code);
		fputs("} 1\n", out);
	}
}

void metrics_show(FILE *out, const json_t *status)
{
	json_int_t seconds;

	family(out, "up", "gauge", "Whether natd answers.");
	fprintf(out, "natd_up %d\n", status != NULL);
	if (status) {
		family(out, "uptime_seconds", "gauge", "For how long natd has been running.");
		if (number_of(status, "since", &seconds))
			fprintf(out, "natd_uptime_seconds %lld\n", (long long)seconds);
		show_verdict(out, status);
		show_protocols(out, status);
		show_name(out, status);
		show_forwards(out, status);
		show_tunnels(out, status);
		show_rules(out, status);
	}
	fputs("# EOF\n", out);
}

int command_metrics(const struct invocation *typed)
{
	const struct control_request request = { .command = CONTROL_STATUS };
	struct answer answer = ask_natd(typed->socket, request);

	/* natd_up is 0, whether nobody listens or somebody does who says nothing. */
	if (!answer.json && answer.status == NATCTL_BROKEN)
		answer.status = NATCTL_NOT_RUNNING;
	if (!answer.json)
		say_error(typed->json, answer.status, "%s", answer.error);
	else if (typed->json)
		say_json(answer.json);
	if (!typed->json)
		metrics_show(stdout, answer.json);
	json_decref(answer.json);
	return answer.status;
}
