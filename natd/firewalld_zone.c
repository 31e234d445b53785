/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/firewalld_zone.h"

#include <string.h>

#include "natd/firewalld.h"
#include "natd/log.h"

#define ZONE_INTERFACE "org.fedoraproject.FirewallD1.zone"
#define DEFAULT_ZONE   "" /* so firewalld reads it */

#define FOR_EACH_LINK(zone, link)                                                                  \
	for (struct firewalld_link *link = (zone)->links;                                          \
	     link < (zone)->links + CONFIG_TUNNELS_MAX; link++)

/* Already named, in whatever zone, is the one error to be expected: it stays there. */
static int on_named(sd_bus_message *answer, void *context, sd_bus_error *unused)
{
	struct firewalld_link *link = context;
	const sd_bus_error *error = link->sd->message_get_error(answer);

	(void)unused;
	link->waiting = false;
	link->ours |= !error;
	if (error)
		log_debug("firewalld: %s is named by somebody else: %s", link->name,
			  error->message ? error->message : error->name);
	return 0;
}

/* zone.addInterface() or zone.removeInterface(). False: it cannot be sent. */
static bool tell(struct firewalld_bus to, const char *method, struct firewalld_link *link,
		 sd_bus_message_handler_t on_answer)
{
	sd_bus_message *order = NULL;
	bool sent = to.sd->message_new_method_call(to.bus, &order, FIREWALLD_NAME, FIREWALLD_PATH,
						   ZONE_INTERFACE, method) >= 0 &&
		    to.sd->message_append(order, "ss", DEFAULT_ZONE, link->name) >= 0 &&
		    to.sd->call_async(to.bus, NULL, order, on_answer, link, 0) >= 0;

	link->sd = to.sd;
	to.sd->message_unref(order);
	return sent;
}

static int on_taken_back(sd_bus_message *answer, void *context, sd_bus_error *unused)
{
	(void)answer;
	(void)context;
	(void)unused;
	return 0;
}

static void take_back(struct firewalld_link *link, struct firewalld_bus to)
{
	if (link->ours && to.bus)
		tell(to, "removeInterface", link, on_taken_back);
	link->ours = link->asked = false;
}

static bool is_among(const char *name, const char (*names)[IF_NAMESIZE], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* "" finds a free slot, for which no answer comes any more. NULL: there is none. */
static struct firewalld_link *find(struct firewalld_zone *zone, const char *name)
{
	FOR_EACH_LINK(zone, link)
	if (strcmp(link->name, name) == 0 && (*name || !link->waiting))
		return link;
	return NULL;
}

static void take_up(struct firewalld_zone *zone, const char *name)
{
	struct firewalld_link *link = find(zone, name) ? NULL : find(zone, "");

	if (link)
		memcpy(link->name, name, sizeof(link->name));
}

void firewalld_zone_set(struct firewalld_zone *zone, struct firewalld_bus to,
			const char (*names)[IF_NAMESIZE], size_t count)
{
	FOR_EACH_LINK(zone, link)
	{
		if (!link->name[0] || is_among(link->name, names, count))
			continue;
		take_back(link, to);
		link->name[0] = '\0';
	}
	for (size_t i = 0; i < count; i++)
		take_up(zone, names[i]);
}

void firewalld_zone_bind(struct firewalld_zone *zone, struct firewalld_bus to)
{
	FOR_EACH_LINK(zone, link)
	if (link->name[0] && !link->asked)
		link->asked = link->waiting = tell(to, "addInterface", link, on_named);
}

void firewalld_zone_again(struct firewalld_zone *zone, bool started)
{
	FOR_EACH_LINK(zone, link)
	{
		link->asked = false;
		link->ours &= !started;
	}
}

void firewalld_zone_forget(struct firewalld_zone *zone)
{
	FOR_EACH_LINK(zone, link)
	link->asked = link->waiting = link->ours = false;
}

void firewalld_zone_leave(struct firewalld_zone *zone, struct firewalld_bus to)
{
	FOR_EACH_LINK(zone, link)
	take_back(link, to);
}
