/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/upnp.h"

#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "natd/log.h"
#include "natd/process.h"
#include "natd/sandbox.h"
#include "upnp/announce.h"
#include "upnp/client.h"
#include "upnp/igd.h"

/* A router that sends an endless answer meets this bound of private memory instead of the machine's:
 * libminiupnpc then gives up. natd's own few libraries take less than a tenth of it. */
#ifdef __SANITIZE_ADDRESS__
#define UPNP_DATA_MAX RLIM_INFINITY /* the sanitizer's shadow is data as well */
#else
#define UPNP_DATA_MAX (32 * 1024 * 1024)
#endif

const struct protocol *const protocols[UPNP_PROTOCOLS] = {
	[UPNP_PCP] = &pcp_protocol,
	[UPNP_NATPMP] = &natpmp_protocol,
	[UPNP_IGD] = &igd_protocol,
};

int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void tries_start(struct tries *tries)
{
	*tries = (struct tries){ .active = true };
}

void tries_step(struct tries *tries, int64_t now)
{
	tries->next_us = now + (TRY_FIRST_US << tries->count);
	tries->count++;
}

static void sandbox(void)
{
	static const int calls[] = {
		/* sockets of our own; libminiupnpc waits with select() in one version, poll() in
		 * another */
		SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
		SCMP_SYS(select), SCMP_SYS(_newselect), SCMP_SYS(pselect6),
		SCMP_SYS(pselect6_time64),
		/* deadline.c */
		SCMP_SYS(setitimer), SANDBOX_END
	};
	static const int families[] = { AF_INET, SANDBOX_END };
	static const struct sandbox_path none[] = { { NULL, false } };
	static const struct sandbox own = { calls, families, none };

	sandbox_enter(&own);
}

/* libminiupnpc and libnatpmp print what troubles them; that belongs into the debug log, a line each. */
static ssize_t library_says(void *cookie, const char *text, size_t size)
{
	int saved = errno;
	size_t length = strcspn(text, "\n") < size ? strcspn(text, "\n") : size;

	(void)cookie;
	log_debug("library: %.*s", (int)length, text);
	errno = saved;
	return (ssize_t)size;
}

static void redirect_libraries(void)
{
	FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = library_says });

	if (!stream || setvbuf(stream, NULL, _IOLBF, BUFSIZ) != 0)
		fatal("no memory for a stream");
	stderr = stream;
}

/* ---- requests of natd ---- */

static void use(struct client *client, const struct upnp_request *request)
{
	for (uint8_t p = 0; p < UPNP_PROTOCOLS; p++)
		protocols[p]->close(client);
	tasks_forget(client);
	client->in_use = true;
	client->generation = request->generation;
	client->network = request->network;
	asking_reset(&client->asking, request->network.order, request->network.count);
	memset(client->probes, 0, sizeof(client->probes));
	memset(client->asked_us, 0, sizeof(client->asked_us));
	memset(client->proven, 0, sizeof(client->proven));
	memset(client->wan_known, 0, sizeof(client->wan_known));
	memset(client->epochs, 0, sizeof(client->epochs));
	client->probing = false;
	client->check_us = ASKING_NEVER;
	announce_close(client);
	announce_open(client);
	igd_remember(client);
}

static void run_probes(struct client *client, int64_t now)
{
	for (uint8_t p = 0; p < UPNP_PROTOCOLS; p++) {
		struct tries *tries = &client->probes[p];
		struct tries before = *tries;

		if (!tries->active || tries->next_us > now)
			continue;
		if (tries->count == TRIES) {
			tries->active = false;
			protocols[p]->probe_over(client);
			continue;
		}
		tries_step(tries, now);
		if (protocols[p]->probe(client, before.count) == ATTEMPT_BUSY) {
			*tries = before;
			tries->next_us = ASKING_NEVER;
		}
	}
}

static void report_asking(struct client *client, const struct asking *before)
{
	for (uint8_t p = 0; p < UPNP_PROTOCOLS; p++) {
		struct upnp_report report = {
			.what = UPNP_PROTOCOL,
			.protocol = { .protocol = p, .state = UPNP_ASKING },
		};

		if (client->asking.state[p] == UPNP_ASKING && before->state[p] != UPNP_ASKING)
			report_send(client, &report);
	}
}

/* Starts the questions to one that is asked from now on. */
static void ask_protocol(struct client *client, uint8_t protocol, int64_t now)
{
	bool at_work = (protocol == UPNP_PCP || (protocol == UPNP_IGD && client->igd.remembered)) &&
		       tasks_under_way(client, protocol);

	client->asked_us[protocol] = now;
	/* A MAP of PCP is its own probe, and so is a request to a service that is known; a MAP of NAT-PMP does not tell the WAN address. */
	if (!at_work)
		tries_start(&client->probes[protocol]);
}

/* The first burst leaves before anything else is done. */
static void ask(struct client *client, bool all)
{
	int64_t now = now_us();
	struct asking before = client->asking;
	struct task *first = tasks_asked(client);
	uint8_t presumed;

	asking_begin(&client->asking, all, now);
	presumed = asking_presumed(&client->asking);
	if (client->igd.remembered)
		presumed = UPNP_IGD;
	if (first && !all && presumed != UPNP_ANY && !tasks_under_way(client, presumed))
		task_start(first, TASK_MAP, presumed);
	for (uint8_t p = 0; p < UPNP_PROTOCOLS; p++)
		if (client->asking.state[p] == UPNP_ASKING &&
		    (all || before.state[p] != UPNP_ASKING))
			ask_protocol(client, p, now);
	if (client->igd.remembered)
		run_probes(client, now); /* a request of UPnP blocks; what is quick goes first */
	tasks_run(client, now);
	run_probes(client, now);
	report_asking(client, &before);
}

static void probe(struct client *client)
{
	client->probing = true;
	memset(client->wan_known, 0, sizeof(client->wan_known));
	client->igd.wants_wan = true;
	ask(client, true);
}

static void list(struct client *client)
{
	client->igd.listing = true;
	client->igd.list_next = 0;
	if (!memchr(client->network.order, UPNP_IGD, client->network.count))
		igd_listed(client, false, "UPnP is not to be asked (router protocols)");
	else if (!client->igd.ready)
		igd_find(client);
}

static bool network_is_valid(const struct upnp_network *network)
{
	if (network->count > UPNP_PROTOCOLS || network->prefix > 32)
		return false;
	for (uint8_t i = 0; i < network->count; i++)
		if (network->order[i] >= UPNP_PROTOCOLS)
			return false;
	return true;
}

static bool mapping_is_valid(const struct upnp_mapping *mapping)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";

	return (mapping->protocol == IPPROTO_UDP || mapping->protocol == IPPROTO_TCP) &&
	       mapping->via <= UPNP_ANY && mapping->port != 0 &&
	       memchr(mapping->name, '\0', sizeof(mapping->name)) &&
	       mapping->name[strspn(mapping->name, allowed)] == '\0';
}

static bool request_is_valid(const struct client *client, const struct upnp_request *request)
{
	switch (request->what) {
	case UPNP_USE: return network_is_valid(&request->network);
	case UPNP_MAP:
	case UPNP_UNMAP: return client->in_use && mapping_is_valid(&request->mapping);
	case UPNP_ASK:
	case UPNP_PROBE:
	case UPNP_LIST: return client->in_use;
	case UPNP_REQUESTS: break;
	}
	return false;
}

static void serve(struct client *client, const struct upnp_request *request)
{
	if (!request_is_valid(client, request))
		fatal("natd asks what makes no sense (request %d)", request->what);
	switch (request->what) {
	case UPNP_USE: use(client, request); break;
	case UPNP_MAP: task_map(client, &request->mapping); break;
	case UPNP_UNMAP: task_unmap(client, &request->mapping); break;
	case UPNP_ASK: ask(client, false); break;
	case UPNP_PROBE: probe(client); break;
	case UPNP_LIST: list(client); break;
	case UPNP_REQUESTS: break;
	}
}

/* ---- the loop ---- */

static void receive_requests(struct client *client)
{
	struct upnp_request request;
	int received;

	while ((received = process_receive(client->natd, &request, sizeof(request), false)) > 0)
		serve(client, &request);
	if (received < 0)
		_exit(EXIT_SUCCESS);
}

/* In the order of the enum: an answer of PCP is seen before one of NAT-PMP that came with it. */
static void receive_answers(struct client *client)
{
	for (uint8_t p = 0; p < UPNP_PROTOCOLS; p++)
		if (protocols[p]->socket(client) >= 0)
			protocols[p]->receive(client);
	announce_receive(client);
}

static void finish_probing(struct client *client)
{
	struct upnp_report report = { .what = UPNP_PROBED };

	if (!client->probing || !asking_over(&client->asking) ||
	    (client->igd.ready && client->igd.wants_wan))
		return;
	client->probing = false;
	report_send(client, &report);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_deadline(const struct client *client)
{
	int64_t next = asking_wakes_us(&client->asking);

	for (uint8_t p = 0; p < UPNP_PROTOCOLS; p++)
		if (client->probes[p].active)
			next = earlier(next, client->probes[p].next_us);
	return earlier(earlier(next, client->check_us), tasks_deadline(client));
}

static void wait_until(const struct client *client, int64_t deadline)
{
	struct pollfd descriptors[1 + UPNP_PROTOCOLS + ANNOUNCE_SOCKETS] = { { client->natd, POLLIN,
									       0 } };
	int64_t left = deadline - now_us();
	struct timespec timeout;

	for (uint8_t p = 0; p < UPNP_PROTOCOLS; p++)
		descriptors[1 + p] = (struct pollfd){ protocols[p]->socket(client), POLLIN, 0 };
	for (size_t i = 0; i < ANNOUNCE_SOCKETS; i++)
		descriptors[1 + UPNP_PROTOCOLS + i] =
			(struct pollfd){ client->announcements[i], POLLIN, 0 };
	if (left < 0)
		left = 0;
	timeout = (struct timespec){ left / 1000000, (long)(left % 1000000) * 1000 };
	ppoll(descriptors, sizeof(descriptors) / sizeof(descriptors[0]),
	      deadline == ASKING_NEVER ? NULL : &timeout, NULL);
}

/* Nothing was heard of the router for a while: does it still know us? The answer costs two packets of
 * PCP or NAT-PMP, or one request of UPnP. */
static void check(struct client *client, int64_t now)
{
	uint8_t writer = client->asking.writer;

	if (client->check_us > now)
		return;
	router_heard(client);
	if (writer == UPNP_IGD)
		client->igd.wants_check = client->igd.wants_wan = true;
	else if (writer != UPNP_ANY && !tasks_under_way(client, writer))
		tries_start(&client->probes[writer]);
}

static void serve_forever(struct client *client)
{
	for (;;) {
		int64_t now;

		receive_requests(client);
		receive_answers(client);
		now = now_us();
		tasks_assign(client, now);
		check(client, now);
		tasks_run(client, now);
		run_probes(client, now);
		if (igd_step(client))
			continue; /* that took a while: see who has answered meanwhile */
		finish_probing(client);
		tasks_assign(client, now);
		wait_until(client, next_deadline(client));
	}
}

void upnp_main(int socket)
{
	static struct client client;
	static const struct rlimit bound = { UPNP_DATA_MAX, UPNP_DATA_MAX };

	client.natd = socket;
	client.pcp = -1;
	client.igd.socket = -1;
	client.asking.writer = UPNP_ANY;
	client.check_us = ASKING_NEVER;
	for (size_t i = 0; i < ANNOUNCE_SOCKETS; i++)
		client.announcements[i] = -1;
	redirect_libraries();
	if (setrlimit(RLIMIT_DATA, &bound) < 0)
		log_warning("memory is not bounded: %s", strerror(errno));
	sandbox();
	serve_forever(&client);
	_exit(EXIT_FAILURE);
}
