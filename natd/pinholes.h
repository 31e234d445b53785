/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pinholes: for each forward with `ipv6 = true`, the router is asked to let the port of this host's
 * stable IPv6 address through. Beside the engine, which keeps the mappings of IPv4, and like it pure:
 * time comes in as CLOCK_BOOTTIME milliseconds, questions go out through engine_hooks. */
#ifndef NATD_PINHOLES_H
#define NATD_PINHOLES_H

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "natd/config.h"
#include "natd/engine.h"
#include "natd/network.h"
#include "upnp/upnp.h"

#define PINHOLES_LIST_MAX (2 * UPNP_MAPPINGS_MAX) /* each port may leave one address for another */

struct pinhole {
	uint32_t id;
	char name[UPNP_NAME_MAX]; /* of its forward */
	uint8_t protocol;
	uint16_t port;
	enum forward_state state;
	struct address address; /* ours */
	uint8_t nonce[UPNP_NONCE_SIZE];
	/* What the router granted, or held when natd last saw it. */
	uint8_t via; /* UPNP_PCP or UPNP_IGD; UPNP_ANY: nothing */
	uint16_t unique_id;
	uint16_t external_port;
	struct address external_address;
	uint32_t lifetime; /* seconds */
	int64_t granted_at;
	int64_t failed_at;
	int64_t renew_at;   /* or asked again, where it failed; 0: not due */
	bool again;         /* the router has started since it was asked: a failure is of before */
	unsigned int tries; /* failed ones in a row */
	char reason[UPNP_TEXT_MAX];
};

/* The way to the IPv6 internet. */
struct pinhole_network {
	struct address gateway; /* family 0: there is no router to ask, and `why` says so */
	struct address address; /* ours */
	unsigned int index;     /* of the link of both */
	const char *why;
};

struct pinholes {
	const struct engine_hooks *hooks;
	void *context;
	struct pinhole list[PINHOLES_LIST_MAX];
	size_t count;
	uint32_t next_id;
	bool dirty; /* it differs from what was saved */
	uint8_t order[UPNP_PROTOCOLS];
	uint8_t order_count;
	uint32_t lease;
	struct pinhole_network network;
	bool away[UPNP_PROTOCOLS]; /* not well on IPv4 when it was last asked: its answer is news */
	char firewall[UPNP_TEXT_MAX]; /* where UPnP controls the router's IPv6 firewall */
};

void pinholes_init(struct pinholes *pinholes, const struct engine_hooks *hooks, void *context);

/* What rtnetlink says of it. `present`: the address that is in use; it is kept while it can be. */
struct pinhole_network pinholes_see(const struct network *network, const struct address *present);

/* Takes over what is so: a pinhole for each forward that is wanted with IPv6, for the address that this
 * host has now; the others are closed. Nothing is asked twice. */
void pinholes_want(struct pinholes *pinholes, const struct config *config,
		   const struct forwards *forwards, const struct pinhole_network *network);

/* The same, where only the forwards may have changed. */
void pinholes_follow(struct pinholes *pinholes, const struct config *config,
		     const struct forwards *forwards);

/* Takes a report. Fatal on one that our own build cannot send. True if it was about a pinhole. */
bool pinholes_report(struct pinholes *pinholes, const struct upnp_report *report, int64_t now);

/* The router has lost its state: all are asked for again after `delay_ms`. */
void pinholes_lost(struct pinholes *pinholes, int64_t now, uint16_t delay_ms);

/* There is no router on IPv4, which UPnP needs: what one that turns up answers is news. */
void pinholes_miss_ipv4(struct pinholes *pinholes);

void pinholes_gather(struct pinholes *pinholes, int64_t now); /* see engine_gather() */
void pinholes_tick(struct pinholes *pinholes, int64_t now);
int64_t pinholes_deadline(const struct pinholes *pinholes); /* 0: never */

/* Starts to remove them all; pinholes_are_idle() when the router has answered. */
void pinholes_stop(struct pinholes *pinholes);
bool pinholes_are_idle(const struct pinholes *pinholes);

/* The one of a forward; NULL: there is none. */
const struct pinhole *pinholes_of(const struct pinholes *pinholes,
				  const struct config_forward *forward);

/* Why a forward has none; "" where it should have one. */
const char *pinholes_why_none(const struct pinholes *pinholes, const struct forward *forward);

/* ---- pinholes_state.c: the state file ---- */

json_t *pinholes_to_json(const struct pinholes *pinholes);

/* Takes over one of the run before; it is removed unless pinholes_want() wants it. False: unsound. */
bool pinholes_restore(struct pinholes *pinholes, json_t *saved);

/* A new one with a fresh id; NULL if the list is full. */
struct pinhole *pinholes_add(struct pinholes *pinholes, uint8_t protocol, uint16_t port,
			     const struct address *address);

/* ---- between pinholes.c and pinholes_answers.c ---- */

void pinholes_ask(struct pinholes *pinholes, enum upnp_request_what what,
		  const struct pinhole *pinhole);
void pinholes_forget(struct pinholes *pinholes, struct pinhole *pinhole);

#endif
