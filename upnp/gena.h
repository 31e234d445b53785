/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gena: the router says by itself when its WAN address or the number of its mappings changes (UPnP's
 * eventing, UPnP Device Architecture 1.1, section 4). It is told a URL of this host, connects to it and
 * sends NOTIFYs.
 *
 * A bonus that nothing depends on: routers refuse it, do it wrongly or stop half-way, and a firewall of
 * this host may keep their connections out. Whatever goes wrong ends it without a word, until the router
 * is asked afresh. Nothing that a NOTIFY says is believed: it has the router asked.
 *
 * libupnp, which could do this as well, brings threads, a web server for everybody on the link and its
 * own search; what is needed is one connection at a time, from the gateway alone. */
#ifndef UPNP_GENA_H
#define UPNP_GENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "upnp/gena_message.h"

#define GENA_BYTES_MAX 8192 /* of a NOTIFY; a real one has 1 or 2 KiB */

struct client;

struct gena {
	int listener;              /* the router connects here; -1: not open */
	int talk;                  /* the one connection, to the router or from it; -1: none */
	bool is_ours;              /* the connection: it asks, and does not hear */
	bool sent;                 /* is_ours: the request has gone out */
	enum gena_request request; /* is_ours */
	int64_t until_us;          /* of the connection */
	char bytes[GENA_BYTES_MAX];
	size_t size;

	struct url place;       /* where it is subscribed */
	char sid[GENA_SID_MAX]; /* of the subscription; "": none */
	int64_t since_us;
	int64_t expires_us;
	bool renew;   /* as soon as the router's service is known */
	bool leaving; /* it is to be ended */
	bool over;    /* not to be asked for again */

	bool heard;      /* a NOTIFY of this subscription */
	int64_t look_us; /* a NOTIFY does not have the router asked before */
	int64_t spell_us;
	unsigned int calls; /* connections since then */
};

void gena_init(struct gena *gena);

/* Forgets all; the router notices by itself. */
void gena_close(struct gena *gena);

/* The router is asked afresh: it may know the subscription no more, and may have refused it in vain. */
void gena_again(struct gena *gena);

/* natd ends: the router is told, without waiting. */
void gena_leave(struct client *client);

/* The router was heard of: renews what would end before that happens again, so that no wake-up is for a
 * renewal alone. */
void gena_tend(struct client *client);

/* One step, which never blocks: goes on with the connection, takes one, subscribes where that can be. */
void gena_run(struct client *client, int64_t now_us);

/* To poll: for `events` of the connection, and for input of the listener while there is none. */
int gena_talk(const struct gena *gena, short *events);
int gena_listener(const struct gena *gena);
int64_t gena_deadline(const struct gena *gena);

#endif
