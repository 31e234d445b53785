/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine: which forwards are wanted, which the router has granted, and what to ask next.
 *
 * Pure: it reads no clock and no socket. Time comes in as CLOCK_BOOTTIME milliseconds, questions go
 * out through engine_hooks, answers come in as checked reports. */
#ifndef NATD_ENGINE_H
#define NATD_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "natd/config.h"
#include "natd/elsewhere.h"
#include "natd/forwards.h"
#include "upnp/upnp.h"

/* How often it is looked whether a port that another had is free by now. */
#define ENGINE_TRIAL_SECONDS 900

#define ENGINE_ADDRESSES_MAX 4

/* A router that restarts without a word is noticed by then: one question in a quarter of an hour costs
 * nobody anything (field/routers.md 6). */
#define ENGINE_CHECK_SECONDS 900

struct protocol_status {
	uint8_t state;   /* enum upnp_state */
	bool was_silent; /* at some time since everything was asked */
	uint32_t took_us;
	char said[UPNP_TEXT_MAX];
};

struct engine_hooks {
	void (*send)(void *context, const struct upnp_request *request);
	void (*save)(void *context); /* the forwards, before a request that relies on them */
	uint16_t (*free_port)(void *context, uint8_t protocol); /* nothing listens; 0: none */
};

struct engine {
	const struct engine_hooks *hooks;
	void *context;
	const char *called; /* "router", in log lines */
	struct forwards forwards;
	struct elsewhere elsewhere;

	uint8_t order[UPNP_PROTOCOLS]; /* configuration */
	uint8_t order_count;
	uint32_t lease; /* seconds */

	bool has_router;
	struct upnp_network network;
	struct in_addr addresses
		[ENGINE_ADDRESSES_MAX]; /* ours, the one of now first; kept over restarts */
	int64_t trial_at;               /* 0: every forward has the port that it wants */
	int64_t identify_until; /* nothing is asked before it is known which router this is, or till then; 0: no */
	uint32_t generation;
	unsigned int tries; /* failed rounds in a row */
	int64_t retry_at;   /* 0: no retry is due */
	int64_t afresh_at; /* the router has lost its state: everything is asked again then; 0: no */

	struct protocol_status protocols[UPNP_PROTOCOLS];
	struct upnp_router router;
	struct upnp_service service; /* found in the router's description, kept over restarts */
	struct upnp_epoch epochs[UPNP_PROTOCOLS]; /* as the protocols told, kept over restarts */
	uint32_t restarted_in;                    /* generation: it was told already */
	struct in_addr service_of;                /* which router's both are */
	bool wan_known;
	struct upnp_wan wan;
	struct in_addr public_wan; /* the last public one, kept over restarts: natctl wan-ip */
};

void engine_init(struct engine *engine, const struct engine_hooks *hooks, void *context);

/* A mapping of the run before, from the state file: removed unless engine_want() wants it again. */
void engine_restore(struct engine *engine, const struct forward *saved);

/* Takes over the configuration: `forwards` are wanted, other permanent ones are closed. */
void engine_want(struct engine *engine, const struct config *config,
		 const struct config_forward *forwards, size_t count, int64_t now);

/* Closes what `natctl open` opened on external ports that `forwards` want. */
void engine_yield(struct engine *engine, const struct config_forward *forwards, size_t count);

/* A forward until natd restarts or, with `seconds`, for so long. NULL if the table is full or the port
 * is one of the configuration; the reason goes into `error`. */
const struct forward *engine_open(struct engine *engine, const struct config_forward *wanted,
				  uint32_t seconds, int64_t now, char error[UPNP_TEXT_MAX]);

/* Closes what `natctl open` opened. False with the reason in `error`. */
bool engine_close(struct engine *engine, uint8_t protocol, uint16_t port,
		  char error[UPNP_TEXT_MAX]);

/* The way to the router changed; NULL: there is none. Asks afresh if it is another than before. Where
 * the router's MAC address is not known yet and there are mappings that depend on it, the router is
 * asked nothing until it is, or a second has passed. */
void engine_network(struct engine *engine, const struct upnp_network *network, int64_t now);

/* The router has answered, and yet its MAC address is not known: the kernel has it by now. */
bool engine_lacks_mac(const struct engine *engine);

/* Takes a report. Fatal on one that our own build cannot send. True if it was the engine's. */
bool engine_report(struct engine *engine, const struct upnp_report *report, int64_t now);

/* Asks the router by every protocol, and for everything afresh, without closing anything; UPNP_PROBED
 * ends the answers of the protocols. False where there is no router to ask. */
bool engine_check(struct engine *engine);

/* natd is awake at `now` for whatever reason: what may be renewed by now is due, so that it does not wake
 * up once more for that. */
void engine_gather(struct engine *engine, int64_t now);

/* Does what is due at `now`. True: the time of what natctl opened is over. */
bool engine_tick(struct engine *engine, int64_t now);

/* Looks now whether forwards that were granted another port than wanted can have the wanted one. */
void engine_start_trials(struct engine *engine, int64_t now);

/* Is there a router that natd.conf lets natd ask? */
bool engine_asks(const struct engine *engine);

/* Is a protocol in `state` (enum upnp_state)? */
bool engine_has_protocol(const struct engine *engine, uint8_t state);

/* When engine_tick() has work next; 0: never. */
int64_t engine_deadline(const struct engine *engine);

/* Starts to remove every mapping; engine_is_idle() when the router has answered them all. */
void engine_stop(struct engine *engine);

/* natd ends: the router need not tell about its events any more. Goes before engine_stop(). */
void engine_leave(struct engine *engine);
bool engine_is_idle(const struct engine *engine);

/* Does the router answer, by one protocol at least? */
bool engine_answers(const struct engine *engine);

extern const char *const upnp_protocol_names[UPNP_PROTOCOLS]; /* "pcp", as in natd.conf and JSON */
extern const char *const upnp_state_names[UPNP_STATES];

/* Had this host that address before? */
bool engine_is_former(const struct engine *engine, struct in_addr address);

/* ---- between engine.c and engine_*.c ---- */

/* UPNP_USE: what is asked from now on is asked of the router as it is now. */
void engine_use(struct engine *engine);
void engine_send_plain(struct engine *engine, enum upnp_request_what what);
void forward_mark_opening(struct forward *forward);

/* Asks for those that are not open, by the protocol that works. */
void engine_ask_missing(struct engine *engine);

/* Closing one that the router may hold needs its word; of one that it never held, nothing is left. */
void engine_start_closing(struct engine *engine, struct forward *forward);

/* Where there is nobody to ask, the forwards say why and wait. */
bool engine_rest(struct engine *engine);

/* A forward was granted another port than wanted, or its wanted one became free. */
void engine_plan_trial(struct engine *engine, int64_t when);

/* The router has removed the forward: if that was a trial or a move, what comes next is done, and true
 * returned where the forward is to stay. */
bool engine_trial_unmapped(struct engine *engine, struct forward *forward, bool removed);

/* The forwards are this router's from now on, as far as its MAC address is known. */
void engine_claim(struct engine *engine);

/* It is known who the router is, or will not be: everything is asked. */
void engine_identified(struct engine *engine);

void engine_send_mapping(struct engine *engine, enum upnp_request_what what,
			 const struct forward *forward, uint8_t via);
void engine_ask_all(struct engine *engine);

/* Asks for those that are not open; what upnp has found out about the router stays. */
void engine_ask_again(struct engine *engine);

#endif
