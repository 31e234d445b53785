/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pinhole: ports of this host's IPv6 address that the router lets through. PCP over IPv6 (pcp6.c) is
 * asked, or UPnP's WANIPv6FirewallControl (igd6.c), one after the other, until one does it.
 *
 * It stands beside the mappings of IPv4 and never before them: PCP's datagrams do not block, and a
 * request of UPnP, which does, waits until no mapping is under way. */
#ifndef UPNP_PINHOLE_H
#define UPNP_PINHOLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "upnp/epoch.h"
#include "upnp/tries.h"
#include "upnp/upnp.h"
#include "upnp/url.h"

#define PINHOLES_MAX (2 * UPNP_MAPPINGS_MAX) /* each port may leave one address for another */
#define PCP6_ENDS    4

struct client;

/* One pinhole and what is being done about it. */
struct pinhole_task {
	enum { PINHOLE_FREE, PINHOLE_OPEN, PINHOLE_CLOSE } what;
	struct upnp_pinhole pinhole;
	uint8_t via;  /* the protocol that is asked */
	uint8_t step; /* of pinhole.order; what is renewed or closed starts with what holds it */
	enum { ANEW_NOT, ANEW_CLOSING, ANEW_OPENING } anew; /* a renewal that was refused */
	struct tries tries;
	int64_t began_us;
	uint8_t failure;          /* of the last that was asked */
	char said[UPNP_TEXT_MAX]; /* in the router's words */
};

/* A PCP server, as one of our addresses reaches it. */
struct pcp6_end {
	int socket; /* connected; -1: free */
	struct in6_addr address;
	struct in6_addr gateway;
	uint32_t ifindex;
	struct upnp_epoch epoch;
	struct epoch_losses losses;
};

struct pinhole_tasks {
	struct pinhole_task tasks[PINHOLES_MAX];
	struct pcp6_end ends[PCP6_ENDS];
};

void pinhole_tasks_init(struct pinhole_tasks *pinholes);

/* Can natd have meant it? */
bool pinhole_is_valid(const struct upnp_pinhole *pinhole);

/* A socket of `type` from our IPv6 address to this port (host byte order) of the router's, the caller's to
 * close; -1 with errno set. */
int pinhole_connect(const struct upnp_pinhole *pinhole, int type, uint16_t port);

/* A stream to that place over IPv4, for routers that answer nothing over IPv6; alike. */
int pinhole_connect_ipv4(const struct url *control);

void pinhole_open(struct client *client, const struct upnp_pinhole *pinhole);
void pinhole_close(struct client *client, const struct upnp_pinhole *pinhole);

/* Sends what is due; when that will be next. */
void pinhole_tasks_run(struct client *client, int64_t now);
int64_t pinhole_tasks_deadline(const struct client *client);

/* Asks UPnP for one, which blocks for a moment, if that may be now. True: it was asked. */
bool pinhole_tasks_step(struct client *client);

/* What the protocol says about a task, which is gone, or goes to the next protocol, afterwards. */
void pinhole_granted(struct client *client, struct pinhole_task *task, struct upnp_pinned granted);
void pinhole_removed(struct client *client, struct pinhole_task *task);
void pinhole_failed(struct client *client, struct pinhole_task *task, enum upnp_failure failure,
		    const char *said);

/* ---- pcp6.c ---- */

/* Sends one try. */
void pcp6_attempt(struct client *client, struct pinhole_task *task);
void pcp6_receive(struct client *client);

/* ---- igd6.c ---- */

enum igd6_is {
	IGD6_UNKNOWN, /* the description may still come */
	IGD6_READY,
	IGD6_NONE, /* there is none: `said` tells */
};

enum igd6_is igd6_state(const struct client *client, const char **said);
void igd6_attempt(struct client *client, struct pinhole_task *task);

/* GetFirewallStatus, where igd6_state() says IGD6_READY: is the firewall on, and may this host open it?
 * `said` is in the router's words where the answer is no UPNP_OK. */
enum upnp_state igd6_status(const struct client *client, const struct upnp_pinhole *at,
			    bool *enabled, bool *allowed, char said[UPNP_TEXT_MAX]);

#endif
