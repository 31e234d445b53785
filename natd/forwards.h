/* SPDX-License-Identifier: GPL-2.0-or-later */
/* forwards: the list of what the user wants opened and of what the router holds for us. */
#ifndef NATD_FORWARDS_H
#define NATD_FORWARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "natd/config.h"
#include "natd/neighbour.h"
#include "upnp/upnp.h"

enum forward_state {
	FORWARD_OFF,     /* no router is asked */
	FORWARD_OPENING, /* asked, or waiting for a router to ask */
	FORWARD_OPEN,
	FORWARD_FAILED,
	FORWARD_CLOSING, /* not wanted any more; kept until the router has removed it */
};

struct forward {
	uint32_t id;
	struct config_forward wanted;
	bool temporary; /* natctl open */
	int64_t until;  /* a temporary one ends then; 0: with natd */
	enum forward_state state;
	uint8_t nonce[UPNP_NONCE_SIZE];
	/* What the router granted, or held when natd last saw it. */
	uint8_t via; /* enum upnp_protocol; UPNP_ANY: nothing */
	uint16_t external_port;
	struct in_addr external_address;
	struct in_addr host;      /* for which address of ours; 0.0.0.0: not known */
	uint8_t router[MAC_SIZE]; /* which router was asked; zeros: not known */
	uint32_t lifetime;        /* seconds; 0: for ever */
	struct in_addr holder;    /* who has the wanted port instead of us; 0.0.0.0: not known */
	/* Back to the wanted port: see engine_trial.c. */
	uint32_t trial_of; /* this one only finds out whether that forward's wanted port is free */
	bool trial_won;
	bool moving; /* removed, to be made again on the wanted port */
	int64_t granted_at;
	int64_t renew_at; /* 0: a renewal is under way or there is nothing to renew */
	/* Why not. */
	uint8_t failure;   /* enum upnp_failure */
	int64_t failed_at; /* since when it is not open; 0: it is, or was never asked for */
	char reason[UPNP_TEXT_MAX];
};

struct forwards {
	struct forward list[UPNP_MAPPINGS_MAX];
	size_t count;
	uint32_t next_id;
	bool dirty; /* it differs from what was saved */
};

/* Do both want the same: protocol, port and external port? */
bool forward_wants_same(const struct config_forward *a, const struct config_forward *b);

/* Is it one of those, by protocol and both ports? */
bool forward_is_among(const struct forward *forward, const struct config_forward *forwards,
		      size_t count);

/* Has it the external port that `wanted` wants, or wants it too? */
bool forward_claims(const struct forward *forward, const struct config_forward *wanted);

/* May the router hold it: was it granted once, is it asked for or being closed? */
bool forward_may_be_held(const struct forward *forward);

/* A new one with a fresh id and nonce, state and times zero; NULL if the list is full. */
struct forward *forwards_add(struct forwards *forwards, const struct config_forward *wanted);

/* As new to a router that has never heard of it: a fresh nonce, and nothing granted. */
void forward_renew_identity(struct forward *forward);

/* Takes over what a router holds, or held: nonce, ports, lifetime. */
void forward_take_mapping(struct forward *forward, const struct forward *from);

/* Takes it out of the list; pointers into the list are no longer good. */
void forwards_forget(struct forwards *forwards, struct forward *forward);

struct forward *forwards_by_id(struct forwards *forwards, uint32_t id);

/* One that is not closing. */
struct forward *forwards_by_port(struct forwards *forwards, uint8_t protocol, uint16_t port);

/* One with the same protocol and both ports, in whatever state. */
struct forward *forwards_same(struct forwards *forwards, const struct config_forward *wanted);

/* One of another port of this host that has the external port which `wanted` wants, or wants it too, and
 * is not closing. */
struct forward *forwards_in_the_way(struct forwards *forwards, const struct config_forward *wanted);

/* Is one of them in `state` (enum forward_state)? */
bool forwards_any(const struct forwards *forwards, uint8_t state);

/* "udp 51820" for log lines and messages; overwritten by the next call. */
const char *forward_name(const struct config_forward *forward);

extern const char *const forward_state_names[];

#endif
