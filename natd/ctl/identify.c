/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/identify.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "natd/address.h"
#include "natd/clock.h"
#include "natd/ctl/members.h"
#include "natd/ctl/print.h"
#include "natd/ctl/router.h"
#include "natd/process.h"

/* A DNS that says nothing to the first question is not there; a quick one is asked for all names. */
#define FIRST_NAME_MS 1000
#define ALL_NAMES_MS  5000
#define PAGE_MS       1500

struct asked {
	int upnp; /* its socket */
	struct in_addr router;
	int64_t deadline; /* natd_now() */
	uint32_t id;
};

/* Waits for this kind of report; false: it did not come. */
static bool await(const struct asked *asked, enum upnp_report_what what, struct upnp_report *report)
{
	struct pollfd wait = { .fd = asked->upnp, .events = POLLIN };

	for (;;) {
		int64_t left = asked->deadline - natd_now();
		int got = process_receive(asked->upnp, report, sizeof(*report), false);

		if (got < 0 || left <= 0)
			return false;
		if (got > 0 && report->what == what)
			return true;
		if (got == 0 && poll(&wait, 1, (int)left) < 0 && errno != EINTR)
			return false;
	}
}

/* upnp needs to know the router, and asks it nothing of its own. */
static bool use_router(struct asked *asked)
{
	struct upnp_request request = { .what = UPNP_USE, .network = { .gateway = asked->router } };

	return process_send(asked->upnp, &request, sizeof(request));
}

enum own_name { NAME_IS_ITS, NAME_IS_NOT, DNS_IS_SILENT };

/* Does the router's own DNS say that this name is the router? */
static enum own_name has_name(struct asked *asked, const char *name)
{
	struct upnp_request request = { .what = UPNP_LOOKUP,
					.lookup = { .id = ++asked->id, .count = 1 } };
	struct in6_addr *address = &request.lookup.resolvers[0].address;
	struct upnp_report report;

	if (strlen(name) >= UPNP_HOST_MAX)
		return NAME_IS_NOT;
	memcpy(request.lookup.name, name, strlen(name) + 1);
	*address = upnp_v4_mapped(asked->router);
	if (!process_send(asked->upnp, &request, sizeof(request)) ||
	    !await(asked, UPNP_RESOLVED, &report) || report.resolved.result == UPNP_NAME_UNANSWERED)
		return DNS_IS_SILENT;
	for (uint8_t i = 0; i < report.resolved.count && i < UPNP_ADDRESSES_MAX; i++)
		if (memcmp(&report.resolved.addresses[i], address, sizeof(*address)) == 0)
			return NAME_IS_ITS;
	return NAME_IS_NOT;
}

static void add_name(struct asked *asked, json_t *router, const json_t *routers)
{
	const json_t *known;
	const json_t *name;
	size_t i;
	size_t j;

	json_array_foreach(routers, i, known) {
		json_array_foreach(json_object_get(known, "dns"), j, name) {
			enum own_name is = has_name(asked, json_string_value(name));

			if (is == NAME_IS_ITS)
				json_object_set_new(router, "dns", json_deep_copy(name));
			if (is != NAME_IS_NOT)
				return;
			if (asked->id == 1)
				asked->deadline += ALL_NAMES_MS;
		}
	}
}

static void add_title(struct asked *asked, json_t *router)
{
	struct upnp_request request = { .what = UPNP_PAGE };
	struct upnp_report report;

	asked->deadline = natd_now() + PAGE_MS;
	if (!process_send(asked->upnp, &request, sizeof(request)) ||
	    !await(asked, UPNP_PAGE_IS, &report))
		return;
	report.title[UPNP_TEXT_MAX - 1] = '\0';
	print_clean(report.title);
	if (report.title[0])
		json_object_set_new(router, "title", json_string(report.title));
}

void identify_router(json_t *facts, const json_t *routers)
{
	json_t *router = json_object_get(facts, "router");
	struct asked asked = { .deadline = natd_now() + FIRST_NAME_MS };
	struct address address;
	struct process upnp;

	if (!address_parse(&address, text_of(router, "address")) || address.family != AF_INET)
		return;
	router_start(&upnp);
	asked.upnp = upnp.socket;
	asked.router = address.v4;
	if (use_router(&asked)) {
		add_name(&asked, router, routers);
		add_title(&asked, router);
	}
	router_end(&upnp);
}
