/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that change something: open, close, reload. */
#include <stdio.h>
#include <string.h>

#include "natd/config.h"
#include "natd/ctl/arguments.h"
#include "natd/ctl/client.h"
#include "natd/ctl/members.h"
#include "natd/ctl/print.h"
#include "natd/ctl/sentences.h"
#include "natd/ctl/text.h"

static int refuse(const struct invocation *typed, const char *text, const char *allowed)
{
	return say_error(typed->json, NATCTL_USAGE, _("'%.80s' is not allowed; allowed: %s"), text,
			 _(allowed));
}

/* Asks natd and, with -j, shows its answer. NULL if there is none, else for the caller to release. */
static json_t *change(const struct invocation *typed, const struct control_request *request,
		      int *status)
{
	json_t *answer = must_ask_natd(typed, request, status);

	if (answer && typed->json)
		say_json(answer);
	return answer;
}

static json_int_t wanted_port(const struct control_request *request)
{
	return request->external ? request->external : request->port;
}

static json_int_t granted_port(const struct control_request *request, const json_t *forward)
{
	json_int_t port = wanted_port(request);

	number_of(forward, "external_port", &port);
	return port;
}

/* "open at 203.0.113.45 port 1024, for 2 h; the router gave this port instead of 443" */
static void say_granted(const struct control_request *request, const json_t *forward)
{
	const char *address = text_of(forward, "external_address");
	char time[DURATION_TEXT_MAX];

	printf(_("open at %s%sport %lld, "), address, *address ? " " : "",
	       (long long)granted_port(request, forward));
	if (request->seconds)
		printf(_("for %s"), print_duration(request->seconds, time));
	else
		fputs(_("until natd restarts"), stdout);
	if (granted_port(request, forward) != wanted_port(request))
		printf(_("; the router gave this port instead of %lld"),
		       (long long)wanted_port(request));
	putchar('\n');
}

/* It is not forgotten: a router that is busy, or was told to allow it, opens it later. */
static void say_not_open(const struct control_request *request, const char *reason)
{
	printf(_("not open%s%s\n"), *reason ? ": " : "", reason);
	printf(_("natd keeps trying; natctl close %u/%s gives it up\n"), request->port,
	       request->protocol == IPPROTO_TCP ? "tcp" : "udp");
}

static void say_open(const struct control_request *request, const json_t *forward)
{
	const char *state = text_of(forward, "state");
	char translated[SENTENCE_MAX];
	const char *reason = sentence(text_of(forward, "reason"), translated);

	printf("%s %u: ", request->protocol == IPPROTO_TCP ? "tcp" : "udp", request->port);
	if (strcmp(state, "open") == 0)
		say_granted(request, forward);
	else if (strcmp(state, "opening") == 0)
		puts(_("asking the router; natctl status says what came of it"));
	else
		say_not_open(request, reason);
}

static int open_status(const struct control_request *request, const json_t *forward)
{
	const char *state = text_of(forward, "state");

	if (strcmp(state, "open") == 0)
		return granted_port(request, forward) == wanted_port(request) ? NATCTL_WELL
									      : NATCTL_WARNING;
	return strcmp(state, "opening") == 0 ? NATCTL_NOT_KNOWN : NATCTL_BROKEN;
}

int command_open(const struct invocation *typed)
{
	struct control_request request = { .command = CONTROL_OPEN };
	const json_t *forward;
	json_t *answer;
	int status;

	if (!argument_port_protocol(typed->arguments[0], &request.port, &request.protocol))
		return refuse(typed, typed->arguments[0], ARGUMENT_PORT_PROTOCOL);
	if (typed->count > 1 && !config_parse_port(typed->arguments[1], &request.external))
		return refuse(typed, typed->arguments[1], ARGUMENT_PORT);
	if (typed->time && !argument_time(typed->time, &request.seconds))
		return refuse(typed, typed->time, ARGUMENT_TIME);
	answer = change(typed, &request, &status);
	if (!answer)
		return status;
	forward = json_object_get(answer, "forward");
	if (!typed->json)
		say_open(&request, forward);
	status = open_status(&request, forward);
	json_decref(answer);
	return status;
}

int command_close(const struct invocation *typed)
{
	struct control_request request = { .command = CONTROL_CLOSE };
	json_t *answer;
	int status;

	if (!argument_port_protocol(typed->arguments[0], &request.port, &request.protocol))
		return refuse(typed, typed->arguments[0], ARGUMENT_PORT_PROTOCOL);
	answer = change(typed, &request, &status);
	if (answer && !typed->json)
		printf(_("%s: closed\n"), text_of(answer, "closed"));
	json_decref(answer);
	return status;
}

int command_reload(const struct invocation *typed)
{
	const struct control_request request = { .command = CONTROL_RELOAD };
	int status;
	json_t *answer = change(typed, &request, &status);

	if (answer && !typed->json)
		printf(json_is_false(json_object_get(answer, "exists"))
			       ? _("%s does not exist: natd uses its defaults\n")
			       : _("%s: read again\n"),
		       text_of(answer, "reloaded"));
	json_decref(answer);
	return status;
}
