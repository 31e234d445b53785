/* SPDX-License-Identifier: GPL-2.0-or-later */
/* client: what the files of this folder share: the router that is asked, the tasks under way and the
 * three protocols behind one seam. One thread, no locks. */
#ifndef UPNP_CLIENT_H
#define UPNP_CLIENT_H

#include <natpmp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "upnp/asking.h"
#include "upnp/epoch.h"
#include "upnp/filter.h"
#include "upnp/former.h"
#include "upnp/gena.h"
#include "upnp/hops.h"
#include "upnp/lookup.h"
#include "upnp/pinhole.h"
#include "upnp/probe6.h"
#include "upnp/ssdp.h"
#include "upnp/stun.h"
#include "upnp/stun_name.h"
#include "upnp/tries.h"
#include "upnp/upnp.h"
#include "upnp/url.h"

#define TASKS_MAX     (2 * UPNP_MAPPINGS_MAX)
#define LOCATIONS_MAX 4
#define SERVICE_MAX   UPNP_TEXT_MAX
/* announce.h: two groups of IPv4, and all nodes of IPv6. */
#define ANNOUNCE_1900    1
#define ANNOUNCE_GROUPS  2
#define ANNOUNCE_V6      ANNOUNCE_GROUPS
#define ANNOUNCE_SOCKETS 3
#define DISPLACED_MAX    4
#define LIST_ENTRIES_MAX 1000 /* of the router's table: some never say that it has an end */

/* One mapping and what is being done about it. */
struct task {
	enum task_what {
		TASK_FREE,
		TASK_WAITING,   /* to be created, as soon as it is known by which protocol */
		TASK_MAP,       /* `via` is asked to create or renew it */
		TASK_UNMAP,     /* `via` is asked to remove it */
		TASK_ABANDONED, /* `via` was asked to create it and another protocol does it now */
		TASK_LEAVING,   /* to be removed, as soon as it is known by which protocol */
	} what;
	struct upnp_mapping mapping;
	uint8_t via;    /* the protocol that is asked */
	bool quiet;     /* TASK_UNMAP of what was abandoned: natd does not know of it */
	bool forgotten; /* abandoned, and natd wants it no more: not to be made again */
	bool guessed;   /* TASK_UNMAP: nobody knows which protocol made it, if one did */
	bool asked;     /* UPNP_ASK has come since */
	struct tries tries;
	int64_t began_us;
	uint8_t failure;          /* TASK_WAITING: why the last protocol did not do it */
	uint8_t failed_via;       /* UPNP_ANY: none has tried */
	char said[UPNP_TEXT_MAX]; /* in the router's words */
};

/* Where a router describes itself, as it said. */
struct location {
	struct url url;
	struct in_addr source; /* who said it */
	char server[UPNP_TEXT_MAX];
	char uuid[SSDP_UUID_MAX];
	uint32_t boot_id; /* 0: not said */
	bool put_off;     /* read once, and to be read again: its line has no public address */
};

/* What was learnt of the router: kept while it is asked afresh. */
struct manners {
	bool lease_known;   /* it takes only `lease`: others were refused, or not kept */
	uint32_t lease;     /* seconds; 0: for ever */
	uint8_t unanswered; /* mappings in a row that were asked for by UPnP */
	bool natpmp_lies;   /* it is not asked the next time */
};

/* A port of the router that was granted to us in this run. */
struct igd_own {
	uint8_t protocol; /* IPPROTO_UDP or IPPROTO_TCP; 0: a free slot */
	uint16_t external_port;
	int64_t until_us; /* the end of its lease, by epoch_now_us() */
};

struct igd {
	int socket; /* SSDP; -1: not open */
	struct location locations[LOCATIONS_MAX];
	uint8_t location_count;
	uint8_t location_next; /* the first that was not read yet */
	uint8_t trouble;       /* enum upnp_state, while searching: what the last one read was */
	char said[UPNP_TEXT_MAX];

	bool ready;      /* the service below is known */
	bool remembered; /* from the run before: not proven yet */
	bool said_goodbye;
	struct location found; /* where its description was */
	struct url other;      /* where it is as well, as the router said last */
	char control[URL_TEXT_MAX];
	char service[SERVICE_MAX];
	char events[URL_TEXT_MAX]; /* where that service takes subscriptions; empty: nowhere */
	char firewall
		[URL_TEXT_MAX]; /* where WANIPv6FirewallControl is asked; empty: there is none */
	struct manners manners;
	int64_t until_us; /* a task is at work, whose requests must have ended by then; 0: none */
	bool wants_wan;   /* the external address is to be asked for */
	bool wants_check; /* `held` is to be looked for in the router's table */
	struct upnp_mapping held; /* the last that was granted; port 0: none */
	struct igd_own own[UPNP_MAPPINGS_MAX];
	bool listing;
	uint32_t list_next;
	struct in_addr holder; /* of the port that was asked for last; 0.0.0.0: not known */
	/* Granted by another protocol, on another port than wanted or in doubt: who holds the wanted one?
	 * `via` and `external_port` are as granted. */
	struct upnp_mapping displaced[DISPLACED_MAX];
	uint8_t displaced_count;
};

/* The last loss that the router told every host on the link. Microseconds, by epoch_now_us(). */
struct announced {
	int64_t told_us;
	int64_t due_us; /* when natd asks for everything afresh */
};

/* One router that is asked. */
struct client {
	int natd;
	uint8_t hop; /* 0: the home router; 1: the one before it */
	bool in_use; /* UPNP_USE named a router */
	uint32_t generation;
	struct upnp_network network;

	struct asking asking;
	struct tries probes[UPNP_PROTOCOLS];
	int64_t asked_us[UPNP_PROTOCOLS]; /* when the question went out that decides its state */
	bool proven[UPNP_PROTOCOLS];      /* it has created a mapping */
	bool wan_known[UPNP_PROTOCOLS];
	struct in_addr wan[UPNP_PROTOCOLS];
	bool probing; /* UPNP_PROBE is to be answered */
	struct upnp_epoch epochs[UPNP_PROTOCOLS];
	bool inherited[UPNP_PROTOCOLS]; /* the epoch is what natd knew; nothing was heard since */
	struct epoch_losses losses;     /* that answers have shown */
	struct announced announced;
	int64_t used_us; /* when UPNP_USE came; CLOCK_BOOTTIME, as epochs are */
	struct refrain refrain;
	int64_t nap_us;   /* the router said nothing new by SSDP: not listened to till then */
	int64_t check_us; /* when the router is asked whether it still knows us */
	bool listening;
	int announcements[ANNOUNCE_SOCKETS]; /* announce.h; -1: not open */
	struct task tasks[TASKS_MAX];

	int pcp; /* socket, connected; -1: not open */
	natpmp_t natpmp;
	bool natpmp_open;
	struct task *natpmp_task; /* the request that libnatpmp holds; NULL: none, or the probe */
	bool natpmp_busy;
	struct igd igd;
	struct gena gena;
	struct hops hops; /* only of the home router, as the next */
	struct stun stun;
	struct stun_name stun_name;
	struct lookup lookup;
	struct pinhole_tasks pinholes;
	struct probe6 probe6;
	struct former former;
};

enum attempt {
	ATTEMPT_SENT, /* one try more; the answer comes, or came, by the functions below */
	ATTEMPT_BUSY, /* not now; nothing was sent */
};

struct protocol {
	const char *name;
	void (*close)(struct client *client);
	int (*socket)(const struct client *client); /* to poll for input; -1: none */
	enum attempt (*probe)(struct client *client, unsigned int try);
	void (*probe_over)(struct client *client); /* the tries are used up */
	enum attempt (*attempt)(struct client *client, struct task *task);
	void (*receive)(struct client *client); /* reads all that waits; never blocks */
};

extern const struct protocol pcp_protocol;
extern const struct protocol natpmp_protocol;
extern const struct protocol igd_protocol;

extern const struct protocol *const protocols[UPNP_PROTOCOLS];

int64_t now_us(void); /* monotonic */

/* ---- report.c ---- */

/* The protocol turned out to be `state`. A state that is no OK gives its tasks back: what was to be
 * created goes to another protocol, what was to be renewed or removed fails. */
void protocol_is(struct client *client, uint8_t protocol, enum upnp_state state, const char *said);

/* The router's external address; 0.0.0.0: it says that it has none. */
void wan_is(struct client *client, uint8_t via, struct in_addr address);

/* The protocol does not answer any more: protocol_is(), and where no task tells natd, mappings_lost(). */
void went_away(struct client *client, uint8_t protocol, enum upnp_state state, const char *said);

/* The router is there and knows us: the next look at it is not due for a while. */
void router_heard(struct client *client);

/* What PCP or NAT-PMP says with every answer: see epoch.h. `to_all`: it came by multicast. */
void epoch_is(struct client *client, uint8_t via, uint32_t epoch, bool to_all);

/* The router has lost our mappings, or seems to; `to_all`: every host on the link knows. */
void mappings_lost(struct client *client, uint8_t via, bool to_all, const char *said);

/* Does the question still wait that the last announced loss causes? Its answer serves what is announced
 * meanwhile as well. */
bool announced_waits(const struct client *client);

/* Who has the wanted port of a mapping; `removed`: it was ours under a former address. */
void holder_is(struct client *client, uint32_t id, struct in_addr address, bool removed);

/* Sends it, with the generation. Fatal where natd has gone. */
void report_send(struct client *client, struct upnp_report *report);

/* Copies a router's words, cut to fit and cleaned. */
void say(char to[UPNP_TEXT_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- tasks.c ---- */

/* natd asks for a mapping, or wants it removed. */
void task_map(struct client *client, const struct upnp_mapping *mapping);
void task_unmap(struct client *client, const struct upnp_mapping *mapping);

/* UPNP_ASK: what waits for a protocol may fail from now on. Returns the first of them; NULL: none. */
struct task *tasks_asked(struct client *client);

/* Is the protocol at work on one? */
bool tasks_under_way(const struct client *client, uint8_t via);

/* Is there one at all that is waiting or under way? */
bool tasks_pending(const struct client *client);

/* `via` is to do it from now on; its tries start. */
void task_start(struct task *task, enum task_what what, uint8_t via);

/* Gives what waits to the protocol that writes; fails it where none does. */
void tasks_assign(struct client *client, int64_t now);

/* Sends what is due; when that will be next. */
void tasks_run(struct client *client, int64_t now);
int64_t tasks_deadline(const struct client *client);

/* What could not be sent can be now: libnatpmp is free, UPnP is found. */
void tasks_wake(struct client *client, uint8_t via);

/* The protocol does not do its work: see protocol_is(). */
void tasks_give_back(struct client *client, uint8_t via, enum upnp_state state, const char *said);

void tasks_forget(struct client *client);

/* What the protocol says about a task under way, which is gone afterwards. `granted` need not name
 * the mapping, the protocol or the time. */
void task_granted(struct client *client, struct task *task, struct upnp_granted granted);
void task_removed(struct client *client, struct task *task);
void task_failed(struct client *client, struct task *task, enum upnp_failure failure,
		 const char *said);

/* What `mapping->via` granted is not there: another protocol is to create it. */
void task_was_not_done(struct client *client, const struct upnp_mapping *mapping, const char *said);

#endif
