/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/identify.h"

#include <string.h>

#include "natd/clock.h"
#include "natd/ctl/print.h"
#include "natd/ctl/router.h"

/* A DNS that says nothing to the first question is not there; a quick one is asked for all names. */
#define FIRST_NAME_MS 1000
#define ALL_NAMES_MS  3000
#define PAGE_MS       1500

static json_t *names_of(const json_t *routers)
{
	json_t *names = json_array();
	const json_t *known;
	size_t i;

	json_array_foreach(routers, i, known)
		if (json_is_array(json_object_get(known, "dns")))
			json_array_extend(names, json_object_get(known, "dns"));
	return names;
}

/* upnp needs to know the router, and asks it nothing of its own. */
static void start(struct process *upnp, struct in_addr router)
{
	struct upnp_request request = { .what = UPNP_USE, .network = { .gateway = router } };

	router_start(upnp);
	process_send(upnp->socket, &request, sizeof(request));
}

/* ---- names ---- */

/* The reports bear the name's place as their id. */
static void ask_name(struct identify *identify)
{
	const char *name = json_string_value(json_array_get(identify->names, identify->next));
	struct upnp_request request = {
		.what = UPNP_LOOKUP,
		.lookup = { .id = (uint32_t)identify->next,
			    .count = 1,
			    .resolvers = { { .address = upnp_v4_mapped(identify->router) } } },
	};

	if (!name || strlen(name) >= sizeof(request.lookup.name)) {
		identify->dns_deadline = 0;
		return;
	}
	memcpy(request.lookup.name, name, strlen(name) + 1);
	if (!process_send(identify->dns.socket, &request, sizeof(request)))
		identify->dns_deadline = 0;
}

static bool is_router(const struct identify *identify, const struct upnp_resolved *resolved)
{
	struct in6_addr router = upnp_v4_mapped(identify->router);

	for (uint8_t i = 0; i < resolved->count && i < UPNP_ADDRESSES_MAX; i++)
		if (memcmp(&resolved->addresses[i], &router, sizeof(router)) == 0)
			return true;
	return false;
}

static void on_resolved(struct identify *identify, const struct upnp_resolved *resolved)
{
	if (resolved->id != identify->next || !identify->dns_deadline)
		return;
	if (is_router(identify, resolved))
		identify->name = json_array_get(identify->names, identify->next);
	if (identify->name || resolved->result == UPNP_NAME_UNANSWERED) {
		identify->dns_deadline = 0;
		return;
	}
	if (identify->next++ == 0)
		identify->dns_deadline += ALL_NAMES_MS;
	ask_name(identify);
}

/* ---- both ---- */

void identify_start(struct identify *identify, struct in_addr router, const json_t *routers)
{
	const struct upnp_request page = { .what = UPNP_PAGE };

	*identify = (struct identify){ .runs = true,
				       .router = router,
				       .names = names_of(routers),
				       .dns_deadline = natd_now() + FIRST_NAME_MS,
				       .page_deadline = natd_now() + PAGE_MS };
	start(&identify->dns, router);
	ask_name(identify);
	start(&identify->page, router);
	process_send(identify->page.socket, &page, sizeof(page));
}

void identify_sockets(const struct identify *identify, struct pollfd sockets[IDENTIFY_SOCKETS])
{
	sockets[0] =
		(struct pollfd){ identify->dns_deadline ? identify->dns.socket : -1, POLLIN, 0 };
	sockets[1] =
		(struct pollfd){ identify->page_deadline ? identify->page.socket : -1, POLLIN, 0 };
}

/* Takes one report of a process. False: there is none. */
static bool take_report(const struct process *upnp, int64_t *deadline, struct upnp_report *report)
{
	int got;

	if (*deadline <= natd_now())
		*deadline = 0;
	if (!*deadline)
		return false;
	got = process_receive(upnp->socket, report, sizeof(*report), false);
	if (got < 0)
		*deadline = 0;
	return got > 0;
}

void identify_step(struct identify *identify)
{
	struct upnp_report report;

	while (take_report(&identify->dns, &identify->dns_deadline, &report))
		if (report.what == UPNP_RESOLVED)
			on_resolved(identify, &report.resolved);
	while (take_report(&identify->page, &identify->page_deadline, &report)) {
		if (report.what != UPNP_PAGE_IS)
			continue;
		memcpy(identify->title, report.title, sizeof(identify->title) - 1);
		identify->page_deadline = 0;
	}
}

void identify_wait(struct identify *identify)
{
	struct pollfd sockets[IDENTIFY_SOCKETS];

	for (identify_step(identify); identify->dns_deadline || identify->page_deadline;
	     identify_step(identify)) {
		int64_t dns = identify->dns_deadline;
		int64_t page = identify->page_deadline;
		int64_t first = !page || (dns && dns < page) ? dns : page;
		int64_t left = first - natd_now();

		identify_sockets(identify, sockets);
		poll(sockets, IDENTIFY_SOCKETS, left > 0 ? (int)left : 0);
	}
}

void identify_end(struct identify *identify, json_t *router)
{
	if (!identify->runs)
		return;
	router_end(&identify->dns);
	router_end(&identify->page);
	print_clean(identify->title);
	if (identify->name)
		json_object_set_new(router, "dns", json_deep_copy(identify->name));
	if (identify->title[0])
		json_object_set_new(router, "title", json_string(identify->title));
	json_decref(identify->names);
	identify->runs = false;
}
