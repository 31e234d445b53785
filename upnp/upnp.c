/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/upnp.h"

#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "natd/log.h"
#include "natd/sandbox.h"
#include "upnp/announce.h"
#include "upnp/client.h"
#include "upnp/igd.h"
#include "upnp/requests.h"

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

static void sandbox(void)
{
	static const int calls[] = {
		/* sockets of our own; libminiupnpc waits with select() in one version, poll() in
		 * another */
		SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
		SCMP_SYS(select), SCMP_SYS(_newselect), SCMP_SYS(pselect6),
		SCMP_SYS(pselect6_time64),
		/* deadline.c */
		SCMP_SYS(setitimer),
		/* gena.c, the one that waits to be called */
		SCMP_SYS(listen), SCMP_SYS(accept4), SANDBOX_END
	};
	static const int families[] = { AF_INET, AF_INET6, SANDBOX_END };
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

/* In the order of the enum: an answer of PCP is seen before one of NAT-PMP that came with it. */
static void receive_answers(struct client *client)
{
	for (uint8_t p = 0; p < UPNP_PROTOCOLS; p++)
		if (protocols[p]->socket(client) >= 0)
			protocols[p]->receive(client);
	announce_receive(client);
	if (client->nap_us && client->nap_us <= now_us())
		client->nap_us = 0;
	lookup_receive(&client->lookup, now_us());
	pcp6_receive(client);
	former_receive(client);
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

/* What is asked beside the router: who is on the way out, and what the internet sees. */
static void look_out(struct client *client, int64_t now)
{
	struct upnp_report report = { .what = UPNP_FOUND_HOPS };

	if (hops_step(&client->hops, now, &report.hops))
		report_send(client, &report);
	report = (struct upnp_report){ .what = UPNP_MAPPED_AS };
	if (stun_name_run(client, now) || stun_step(&client->stun, now, &report.mapped_as))
		report_send(client, &report);
}

static void look_up(struct client *client, int64_t now)
{
	struct upnp_report report = { .what = UPNP_RESOLVED };

	lookup_run(&client->lookup, now);
	if (lookup_take(&client->lookup, &report.resolved))
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
	next = earlier(next, earlier(client->hops.next_us, client->stun.next_us));
	next = earlier(next, lookup_deadline(&client->lookup));
	next = earlier(next, lookup_deadline(&client->stun_name.lookup));
	if (client->nap_us)
		next = earlier(next, client->nap_us);
	next = earlier(next, pinhole_tasks_deadline(client));
	next = earlier(next, former_deadline(&client->former));
	next = earlier(next, gena_deadline(&client->gena));
	next = earlier(next, probe6_deadline(&client->probe6));
	return earlier(earlier(next, client->check_us), tasks_deadline(client));
}

/* protocols, announcements, hops, STUN, DNS and the former address, pinholes, IPv6, events */
#define CLIENT_SOCKETS (UPNP_PROTOCOLS + ANNOUNCE_SOCKETS + 4 + PCP6_ENDS + 4)

static void sockets_of(const struct client *client, struct pollfd descriptors[CLIENT_SOCKETS])
{
	size_t count = 0;

	for (uint8_t p = 0; p < UPNP_PROTOCOLS; p++)
		descriptors[count++].fd = protocols[p]->socket(client);
	for (size_t i = 0; i < ANNOUNCE_SOCKETS; i++)
		descriptors[count++].fd =
			i == ANNOUNCE_1900 && client->nap_us ? -1 : client->announcements[i];
	descriptors[count++].fd = client->hops.socket;
	descriptors[count++].fd = client->stun.socket;
	descriptors[count++].fd = client->lookup.socket;
	descriptors[count++].fd = client->stun_name.lookup.socket;
	descriptors[count++].fd = client->former.socket;
	for (size_t i = 0; i < PCP6_ENDS; i++)
		descriptors[count++].fd = client->pinholes.ends[i].socket;
	descriptors[count++].fd = client->probe6.socket;
	descriptors[count++].fd = gena_listener(&client->gena);
	for (size_t i = 0; i < count; i++)
		descriptors[i].events = POLLIN;
	descriptors[count].fd = gena_talk(&client->gena, &descriptors[count].events);
}

static void wait_for_all(const struct client clients[UPNP_ROUTERS])
{
	struct pollfd descriptors[1 + UPNP_ROUTERS * CLIENT_SOCKETS] = { { clients->natd, POLLIN,
									   0 } };
	int64_t deadline = ASKING_NEVER;
	struct timespec timeout;
	int64_t left;

	for (size_t i = 0; i < UPNP_ROUTERS; i++) {
		sockets_of(&clients[i], descriptors + 1 + i * CLIENT_SOCKETS);
		deadline = earlier(deadline, next_deadline(&clients[i]));
	}
	left = deadline - now_us();
	if (left < 0)
		left = 0;
	timeout = (struct timespec){ left / 1000000, (long)(left % 1000000) * 1000 };
	ppoll(descriptors, sizeof(descriptors) / sizeof(descriptors[0]),
	      deadline == ASKING_NEVER ? NULL : &timeout, NULL);
}

/* Nothing was heard of the router for a while: does it still know us? The answer costs two packets of
 * PCP or NAT-PMP, or one request of UPnP. */
static void check(struct client *client)
{
	uint8_t writer = client->asking.writer;

	router_heard(client);
	if (writer != UPNP_ANY && tasks_under_way(client, writer))
		return; /* its answer says the same */
	if (writer == UPNP_IGD)
		client->igd.wants_check = client->igd.wants_wan = true;
	else if (writer != UPNP_ANY)
		tries_start(&client->probes[writer]);
}

/* One wake-up for both routers, and for what natd asks (`awake`): what would be due before half of its
 * time has gone is done as well. */
static void check_all(struct client clients[UPNP_ROUTERS], bool awake, int64_t now)
{
	bool due = awake;

	for (size_t i = 0; i < UPNP_ROUTERS; i++)
		due |= clients[i].check_us <= now;
	for (size_t i = 0; i < UPNP_ROUTERS && due; i++)
		if (clients[i].check_us != ASKING_NEVER &&
		    clients[i].check_us - now <= (int64_t)clients[i].network.check * 500000)
			check(&clients[i]);
}

/* True: a step was made that took a while. */
static bool work(struct client *client, int64_t now)
{
	tasks_assign(client, now);
	tasks_run(client, now);
	probes_run(client, now);
	look_out(client, now);
	look_up(client, now);
	pinhole_tasks_run(client, now);
	former_run(&client->former, now);
	gena_run(client, now);
	probe6_run(client, now);
	if (igd_step(client) || pinhole_tasks_step(client) || probe6_step(client))
		return true;
	finish_probing(client);
	tasks_assign(client, now);
	return false;
}

static void serve_forever(struct client clients[UPNP_ROUTERS])
{
	for (;;) {
		bool took_a_while = false;
		bool awake;
		int64_t now;

		awake = requests_receive(clients);
		for (size_t i = 0; i < UPNP_ROUTERS; i++)
			receive_answers(&clients[i]);
		now = now_us();
		check_all(clients, awake, now);
		for (size_t i = 0; i < UPNP_ROUTERS; i++)
			took_a_while |= work(&clients[i], now);
		if (!took_a_while) /* else see who has answered meanwhile */
			wait_for_all(clients);
	}
}

static void client_init(struct client *client, int natd, uint8_t hop)
{
	client->natd = natd;
	client->hop = hop;
	client->pcp = -1;
	client->igd.socket = -1;
	client->asking.writer = UPNP_ANY;
	client->check_us = ASKING_NEVER;
	for (size_t i = 0; i < ANNOUNCE_SOCKETS; i++)
		client->announcements[i] = -1;
	hops_init(&client->hops);
	stun_init(&client->stun);
	stun_name_init(&client->stun_name);
	client->lookup.socket = -1;
	gena_init(&client->gena);
	probe6_init(&client->probe6);
	pinhole_tasks_init(&client->pinholes);
	former_init(&client->former);
}

void upnp_main(int socket)
{
	static struct client clients[UPNP_ROUTERS];
	static const struct rlimit bound = { UPNP_DATA_MAX, UPNP_DATA_MAX };

	for (uint8_t i = 0; i < UPNP_ROUTERS; i++)
		client_init(&clients[i], socket, i);
	redirect_libraries();
	/* libminiupnpc writes to routers that have hung up; natctl's upnp has inherited nothing of natd. */
	signal(SIGPIPE, SIG_IGN);
	if (setrlimit(RLIMIT_DATA, &bound) < 0)
		log_warning("memory is not bounded: %s", strerror(errno));
	sandbox();
	serve_forever(clients);
	_exit(EXIT_FAILURE);
}
