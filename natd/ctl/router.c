/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/router.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "natd/clock.h"
#include "natd/process.h"

/* A router that is asked in vain by all three protocols is given up well before. */
#define PROBE_SECONDS 15

/* natctl asks about one network only. */
#define GENERATION 1

/* Debian's "nobody", where natd's own user does not exist. */
#define NOBODY 65534

/* Root becomes natd's user before it listens to a stranger; anybody else stays who they are. */
static struct identity who_asks(void)
{
	const struct passwd *user = getpwnam("natd");

	if (geteuid() != 0)
		return (struct identity){ 0 };
	if (!user || user->pw_uid == 0)
		return (struct identity){ .uid = NOBODY, .gid = NOBODY };
	return (struct identity){ .uid = user->pw_uid, .gid = user->pw_gid };
}

static bool send_plain(int socket, enum upnp_request_what what)
{
	struct upnp_request request = { .what = what, .generation = GENERATION };

	return process_send(socket, &request, sizeof(request));
}

static bool send_questions(int socket, const struct uplink *uplink, const struct router6 *six)
{
	struct upnp_request request = {
		.what = UPNP_USE,
		.generation = GENERATION,
		.network = {
			.gateway = uplink->gateway.v4,
			.address = uplink->address.address.v4,
			.ifindex = uplink->index,
			.prefix = uplink->address.length,
			.count = UPNP_PROTOCOLS,
			.order = { UPNP_PCP, UPNP_NATPMP, UPNP_IGD },
		},
	};

	if (!process_send(socket, &request, sizeof(request)) || !send_plain(socket, UPNP_PROBE) ||
	    !send_plain(socket, UPNP_LOOK_OUT))
		return false;
	request = (struct upnp_request){ .what = UPNP_PROBE6,
					 .generation = GENERATION,
					 .pinhole = six ? six->at : (struct upnp_pinhole){ 0 } };
	return !six || !six->known || process_send(socket, &request, sizeof(request));
}

/* Copies what a report says, where it can be true. upnp has checked what the router said; this
 * checks upnp. */
static void note(struct router_answers *answers, struct upnp_report *report)
{
	if (report->generation != GENERATION)
		return;
	if (report->what == UPNP_PROTOCOL && report->protocol.protocol < UPNP_PROTOCOLS &&
	    report->protocol.state < UPNP_STATES) {
		report->protocol.said[UPNP_TEXT_MAX - 1] = '\0';
		answers->protocols[report->protocol.protocol] = report->protocol;
	} else if (report->what == UPNP_WAN && report->wan.via < UPNP_PROTOCOLS) {
		answers->wans[report->wan.via] = report->wan;
	} else if (report->what == UPNP_FOUND_HOPS) {
		answers->hops = report->hops;
	} else if (report->what == UPNP_LISTED) {
		report->listed.said[UPNP_TEXT_MAX - 1] = '\0';
		answers->table = report->listed;
	} else if (report->what == UPNP_ENTRY) {
		answers->table.count++;
	} else if (report->what == UPNP_PROBED6 && report->probed6.pcp.state < UPNP_STATES &&
		   report->probed6.firewall.state < UPNP_STATES) {
		report->probed6.pcp.said[UPNP_TEXT_MAX - 1] = '\0';
		report->probed6.firewall.said[UPNP_TEXT_MAX - 1] = '\0';
		answers->six = report->probed6;
		answers->six_told = true;
	} else if (report->what == UPNP_ROUTER) {
		report->router.model[UPNP_TEXT_MAX - 1] = '\0';
		report->router.url[UPNP_TEXT_MAX - 1] = '\0';
		report->router.server[UPNP_TEXT_MAX - 1] = '\0';
		answers->router = report->router;
	}
}

/* How large is the table? UPnP alone tells, an entry a time. True: it is asked for. */
static bool ask_table(int socket, struct router_answers *answers)
{
	answers->table_asked = answers->protocols[UPNP_IGD].state == UPNP_OK;
	answers->table_ms = natd_now();
	return answers->table_asked && send_plain(socket, UPNP_LIST);
}

/* Until all have come to their end. False if upnp ended early. */
static bool receive_answers(int socket, struct router_answers *answers, const struct router6 *six,
			    struct identify *beside)
{
	struct pollfd wait[1 + IDENTIFY_SOCKETS] = { { .fd = socket, .events = POLLIN } };
	int64_t deadline = natd_now() + PROBE_SECONDS * 1000;
	/* Bits 1 << enum upnp_report_what, of the last words that are awaited. */
	uint32_t awaited = 1U << UPNP_PROBED | 1U << UPNP_FOUND_HOPS |
			   (six && six->known ? 1U << UPNP_PROBED6 : 0);

	while (awaited) {
		int64_t left = deadline - natd_now();
		struct upnp_report report;
		int got = process_receive(socket, &report, sizeof(report), false);

		if (got < 0)
			return false;
		if (got > 0) {
			note(answers, &report);
			if (report.what < UPNP_REPORTS)
				awaited &= ~(1U << report.what);
			if (report.what == UPNP_PROBED && six && ask_table(socket, answers))
				awaited |= 1U << UPNP_LISTED;
			if (report.what == UPNP_LISTED)
				answers->table_ms = natd_now() - answers->table_ms;
			continue;
		}
		identify_sockets(beside, wait + 1);
		if (left <= 0 ||
		    (poll(wait, 1 + IDENTIFY_SOCKETS, (int)left) < 0 && errno != EINTR))
			return true;
		identify_step(beside);
	}
	return true;
}

/* The catalogues of the C library's messages are out of reach in the sandbox, and what upnp says in its
 * reports is English for programs anyway. */
static void speak_to_router(int socket)
{
	setlocale(LC_ALL, "C");
	upnp_main(socket);
}

void router_start(struct process *upnp)
{
	struct identity identity = who_asks();

	fflush(NULL); /* the child must not print what waits in our buffers */
	process_start(upnp, "upnp", PROCESS_NO_CAPABILITY, &identity, speak_to_router);
}

void router_end(struct process *upnp)
{
	close(upnp->socket);
	/* A probe leaves nothing on the router: there is nothing to wait for. */
	kill(upnp->pid, SIGKILL);
	waitpid(upnp->pid, NULL, 0);
}

bool router_ask(const struct uplink *uplink, const struct router6 *six,
		struct router_answers *answers, struct identify *beside)
{
	struct process upnp;
	bool asked;

	memset(answers, 0, sizeof(*answers));
	for (uint8_t i = 0; i < UPNP_PROTOCOLS; i++) {
		answers->protocols[i] =
			(struct upnp_protocol_report){ .protocol = i, .state = UPNP_ASKING };
		answers->wans[i].via = UPNP_ANY;
	}
	router_start(&upnp);
	asked = send_questions(upnp.socket, uplink, six) &&
		receive_answers(upnp.socket, answers, six, beside);
	router_end(&upnp);
	return asked;
}

bool router_wan(const struct router_answers *answers, struct in_addr *wan)
{
	bool told = false;

	for (int i = 0; i < UPNP_PROTOCOLS; i++) {
		if (answers->wans[i].via == UPNP_ANY)
			continue;
		/* A protocol that knows an address counts for more than one that knows of none. */
		if (!told || wan->s_addr == INADDR_ANY)
			*wan = answers->wans[i].address;
		told = true;
	}
	return told;
}
