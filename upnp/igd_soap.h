/* SPDX-License-Identifier: GPL-2.0-or-later */
/* igd_soap: the requests to a router's service, one function each. They block for a few seconds at most
 * and return IGD_DONE, a UPnP error code, or what is less than 0 where libminiupnpc has no answer. */
#ifndef UPNP_IGD_SOAP_H
#define UPNP_IGD_SOAP_H

#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <netinet/in.h>

#include "upnp/client.h"

/* UPnP error codes (WANIPConnection:2, 2.5). */
enum igd_code {
	IGD_NO_ANSWER = UPNPCOMMAND_HTTP_ERROR,
	IGD_UNREADABLE = UPNPCOMMAND_UNKNOWN_ERROR,
	IGD_DONE = UPNPCOMMAND_SUCCESS,
	IGD_INVALID_ARGS = 402,
	IGD_ACTION_FAILED = 501,
	IGD_NOT_AUTHORIZED = 606,
	IGD_END_OF_TABLE = 713,
	IGD_NO_SUCH_ENTRY = 714,
	IGD_CONFLICT = 718,
	IGD_SAME_PORTS = 724,
	IGD_ONLY_PERMANENT = 725,
	IGD_TABLE_FULL = 728,
	IGD_OTHER_MECHANISM = 729,
};

/* A mapping as the library takes it: text. */
struct igd_entry {
	char external_port[6];
	char port[6];
	char client[INET_ADDRSTRLEN];
	char protocol[4]; /* upper case: some refuse "udp" (field/routers.md 3) */
	char description[UPNP_NAME_MAX + 8];
};

/* What GetSpecificPortMappingEntry says; sizes as upnpcommands.h asks. */
struct igd_holder {
	char client[40];
	char port[6];
	char description[80];
	char enabled[4];
	char lease[16];
};

/* A mapping as a request. */
struct igd_entry igd_entry_of(const struct client *client, const struct upnp_mapping *mapping);
void igd_set_port(struct igd_entry *entry, uint16_t port);

bool igd_is_ours(const struct igd_holder *holder, const struct igd_entry *entry);

/* Is the holder this host under the former address of the mapping, by what the router says of it? */
bool igd_is_former(const struct igd_holder *holder, const struct igd_entry *entry,
		   const struct upnp_mapping *mapping);

/* Granted on `granted` now, what was granted under a former address on another port is removed. */
void igd_leave_former(const struct client *client, const struct upnp_mapping *mapping,
		      uint16_t granted);

int igd_add(const struct igd *igd, const struct igd_entry *entry, uint32_t lease);

/* IGD:2: on whatever port is free, which goes into the entry. */
int igd_add_any(const struct igd *igd, struct igd_entry *entry, uint32_t lease);

int igd_delete(const struct igd *igd, const struct igd_entry *entry);
/* The mapping was granted on that port. */
void igd_own(struct igd *igd, const struct upnp_mapping *mapping, uint16_t external_port,
	     uint32_t lease);

/* Deletes what is ours; where that is not sure, the router is asked first. IGD_NO_SUCH_ENTRY: nothing of
 * ours is there. */
int igd_remove(struct client *client, const struct upnp_mapping *mapping);

int igd_get(const struct igd *igd, const struct igd_entry *entry, struct igd_holder *holder);

/* Is the time of the task that is at work over? Its requests end with IGD_NO_ANSWER then, unsent. */
bool igd_is_out_of_time(const struct igd *igd);

bool igd_is_public(struct in_addr address);

/* 0.0.0.0: it says that it has none. */
int igd_get_wan(const struct igd *igd, struct in_addr *address);

/* Is the code the router's? Some say -911 (field/routers.md 44); the library's own are a few below 0. */
bool igd_is_answer(int code);

enum upnp_failure igd_failure(int code);

/* The code in words. */
void igd_say(char said[UPNP_TEXT_MAX], int code);

#endif
