/* SPDX-License-Identifier: GPL-2.0-or-later */
/* igd: UPnP-IGD. igd.c finds the router's service, igd_soap.c asks it; each request is HTTP and blocks
 * until its answer or its deadline. */
#ifndef UPNP_IGD_H
#define UPNP_IGD_H

#include <stdbool.h>

#include "upnp/client.h"

struct IGDdatas; /* of libminiupnpc */

/* The services in a description; those of the DSL Forum count as well, by their own names. */
void igd_parse(struct IGDdatas *data, const char *bytes, int size);

/* The names of services that open ports. */
bool igd_is_service(const char *type);

/* Takes what the description at `location` offers into igd->service, control, events and firewall. False:
 * no service in it opens ports. May ask the router which of two is connected. */
bool igd_choose_service(struct igd *igd, const char *bytes, int size, const struct url *location);

/* Searches for the router's description, unless that is under way. */
void igd_find(struct client *client);

/* Work beside the mappings, one step that blocks for a moment: reads a description, asks for the
 * external address, reads one entry of the table. True: a step was made. */
bool igd_step(struct client *client);

/* A datagram to everybody came from `source`: the router's own restart, its end, or its late answer. */
void igd_announced(struct client *client, const char *bytes, size_t size, struct in_addr source);

/* Takes over where an answer leads. True: to a description that was not known. */
bool igd_take_answer(struct client *client, const struct ssdp_answer *answer,
		     struct in_addr source);
bool igd_same_place(const struct url *a, const struct url *b);

/* Is igd->held still in the router's table? */
void igd_check(struct client *client);

/* Takes over the service that natd remembers, if it is the gateway's and UPnP is asked first. */
void igd_remember(struct client *client);

/* It does not work any more: searched again. */
void igd_forget(struct client *client);

/* How good is the service's way to the internet, by its own words? */
enum igd_line {
	IGD_LINE_NONE,
	IGD_LINE_DOWN,
	IGD_LINE_PRIVATE, /* connected, but to no public address */
	IGD_LINE_PUBLIC,
};
enum igd_line igd_rate(const struct igd *igd);

/* Creates, renews or removes a mapping. Busy until the service is known. */
enum attempt igd_attempt(struct client *client, struct task *task);

/* A mapping was granted on `granted` by `via`: where that is not the wanted port, the router's table is
 * asked who has that (igd_ask_holder(), one at a time), and what this host left there under a former
 * address is removed. NAT-PMP's first yes is looked at in the same way. */
void igd_displaced(struct client *client, const struct upnp_mapping *mapping, uint8_t via,
		   uint16_t granted);
void igd_ask_holder(struct client *client);

/* Asks for the external address (igd->wants_wan) or the next entry (igd->listing). */
void igd_ask_wan(struct client *client);
void igd_list_next(struct client *client);

/* The table was read, to its end or not. */
void igd_listed(struct client *client, bool complete, const char *said);

#endif
