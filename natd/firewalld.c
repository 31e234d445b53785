/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/firewalld.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "natd/clock.h"
#include "natd/log.h"

#define POLICY_INTERFACE "org.fedoraproject.FirewallD1.policy"
#define POLICY           "natd"

/* The bus itself. */
#define BUS_NAME "org.freedesktop.DBus"

/* Each host that has firewalld has it. */
#define SETTINGS "/etc/firewalld"

/* What was refused is asked again when something else makes natd look, but not more often. */
#define ASK_AGAIN_MS 10000

/* A stop does not wait longer. Microseconds. */
#define LEAVE_US 2000000

#define RULE_MAX (sizeof("rule family=\"ipv4\" source address=\"\" accept") + PREFIX_TEXT_MAX)

static void disconnect(struct firewalld *firewalld)
{
	if (firewalld->event)
		event_free(firewalld->event);
	firewalld->event = NULL;
	if (firewalld->bus)
		firewalld->bus = firewalld->sd->unref(firewalld->bus);
	firewalld->lets_through = false;
	firewalld->ordered = false;
	firewalld->owner[0] = '\0';
	firewalld_zone_forget(&firewalld->zone);
}

static struct firewalld_bus bus_of(const struct firewalld *firewalld)
{
	return (struct firewalld_bus){ firewalld->sd, firewalld->bus };
}

/* ---- the loop: sd-bus says what it waits for, and until when ---- */

static void wait_for_bus(struct firewalld *firewalld);

static void on_bus(evutil_socket_t socket, short what, void *context)
{
	struct firewalld *firewalld = context;
	int more;

	(void)socket;
	(void)what;
	do
		more = firewalld->sd->process(firewalld->bus, NULL);
	while (more > 0);
	if (more < 0) {
		log_debug("the message bus is gone: %s", strerror(-more));
		disconnect(firewalld);
		return;
	}
	wait_for_bus(firewalld);
}

/* Microseconds of CLOCK_MONOTONIC; UINT64_MAX: for ever. */
static struct timeval until(uint64_t deadline_us)
{
	struct timespec now;
	uint64_t now_us;
	uint64_t left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	left = deadline_us > now_us ? deadline_us - now_us : 0;
	return (struct timeval){ .tv_sec = (time_t)(left / 1000000),
				 .tv_usec = (suseconds_t)(left % 1000000) };
}

static void wait_for_bus(struct firewalld *firewalld)
{
	const struct bus_calls *sd = firewalld->sd;
	int events = sd->get_events(firewalld->bus);
	uint64_t deadline = UINT64_MAX;
	struct timeval timeout;

	sd->get_timeout(firewalld->bus, &deadline);
	timeout = until(deadline);
	event_del(firewalld->event);
	event_assign(firewalld->event, firewalld->base, sd->get_fd(firewalld->bus),
		     (short)((events & POLLIN ? EV_READ : 0) | (events & POLLOUT ? EV_WRITE : 0)),
		     on_bus, firewalld);
	event_add(firewalld->event, deadline == UINT64_MAX ? NULL : &timeout);
}

/* ---- orders ---- */

static int append_rules(sd_bus_message *order, const struct firewalld *firewalld)
{
	const struct bus_calls *sd = firewalld->sd;
	int error = sd->message_open_container(order, 'a', "s");

	for (size_t i = 0; firewalld->wanted && i < firewalld->network_count && error >= 0; i++) {
		const struct prefix *network = &firewalld->networks[i];
		char text[PREFIX_TEXT_MAX];
		char rule[RULE_MAX];

		snprintf(rule, sizeof(rule), "rule family=\"%s\" source address=\"%s\" accept",
			 network->address.family == AF_INET ? "ipv4" : "ipv6",
			 prefix_print(network, text));
		error = sd->message_append(order, "s", rule);
	}
	return error < 0 ? error : sd->message_close_container(order);
}

/* setPolicySettings("natd", {"rich_rules": [...]}): what is not named stays as it is. */
static int fill(sd_bus_message *order, const struct firewalld *firewalld)
{
	const struct bus_calls *sd = firewalld->sd;
	int error = sd->message_append(order, "s", POLICY);

	if (error >= 0)
		error = sd->message_open_container(order, 'a', "{sv}");
	if (error >= 0)
		error = sd->message_open_container(order, 'e', "sv");
	if (error >= 0)
		error = sd->message_append(order, "s", "rich_rules");
	if (error >= 0)
		error = sd->message_open_container(order, 'v', "as");
	if (error >= 0)
		error = append_rules(order, firewalld);
	for (int level = 0; level < 3 && error >= 0; level++)
		error = sd->message_close_container(order);
	return error;
}

/* NULL without memory. */
static sd_bus_message *order_new(const struct firewalld *firewalld)
{
	sd_bus_message *order = NULL;

	if (firewalld->sd->message_new_method_call(firewalld->bus, &order, FIREWALLD_NAME,
						   FIREWALLD_PATH, POLICY_INTERFACE,
						   "setPolicySettings") >= 0 &&
	    fill(order, firewalld) >= 0)
		return order;
	return firewalld->sd->message_unref(order);
}

static void say_refused(struct firewalld *firewalld, const sd_bus_error *error)
{
	if (firewalld->said || !firewalld->wanted)
		return;
	firewalld->said = true;
	if (error->message && strstr(error->message, "INVALID_POLICY"))
		log_warning(
			"firewalld does not know natd's policy yet: sudo firewall-cmd --reload");
	else if (error->message && strstr(error->message, "polkit"))
		log_warning("firewalld may not obey natd's user: is natd's rule for polkit "
			    "installed? (%s)",
			    error->message);
	else
		log_warning("firewalld does not let the VPN's packets through: %s",
			    error->message ? error->message : error->name);
}

static void give_order(struct firewalld *firewalld);

/* `name` is the bus's own for firewalld (":1.7"), which nobody else can bear. */
static void remember_owner(struct firewalld *firewalld, const char *name)
{
	snprintf(firewalld->owner, sizeof(firewalld->owner), "%s", name ? name : "");
}

static int on_answer(sd_bus_message *answer, void *context, sd_bus_error *unused)
{
	struct firewalld *firewalld = context;
	const sd_bus_error *error = firewalld->sd->message_get_error(answer);

	(void)unused;
	firewalld->ordered = false;
	if (firewalld->outdated) {
		give_order(firewalld);
		return 0;
	}
	firewalld->lets_through = !error && firewalld->wanted;
	if (error) {
		say_refused(firewalld, error);
	} else {
		remember_owner(firewalld, firewalld->sd->message_get_sender(answer));
		if (firewalld->wanted) {
			firewalld_zone_bind(&firewalld->zone, bus_of(firewalld));
			log_info("firewalld lets the VPN's packets through (its policy \"%s\")",
				 POLICY);
		}
		firewalld->said = false;
	}
	return 0;
}

/* One at a time: however often something makes natd give another, firewalld has one to do. */
static void give_order(struct firewalld *firewalld)
{
	sd_bus_message *order;

	firewalld->lets_through = false;
	firewalld->outdated = firewalld->ordered;
	order = firewalld->bus && !firewalld->ordered ? order_new(firewalld) : NULL;
	if (!order)
		return;
	firewalld->asked_at = natd_now();
	firewalld->ordered = firewalld->sd->call_async(firewalld->bus, NULL, order, on_answer,
						       firewalld, 0) >= 0;
	if (!firewalld->ordered)
		log_debug("firewalld cannot be asked");
	firewalld->sd->message_unref(order);
	wait_for_bus(firewalld);
}

/* ---- when it reloads or starts, its running state is gone ----
 *
 * Any user of this host may send a signal straight to natd's connection, which no match keeps away:
 * what counts is who the bus says has sent it. */

static bool is_from(const struct firewalld *firewalld, sd_bus_message *signal, const char *name)
{
	const char *sender = firewalld->sd->message_get_sender(signal);

	return sender && strcmp(sender, name) == 0;
}

/* Before its first answer nobody knows firewalld's own name: that answer comes after what it has
 * just told, or the order is given again. */
static int on_reloaded(sd_bus_message *signal, void *context, sd_bus_error *unused)
{
	struct firewalld *firewalld = context;

	(void)unused;
	if (firewalld->owner[0] && !is_from(firewalld, signal, firewalld->owner))
		return 0;
	firewalld_zone_again(&firewalld->zone, false);
	give_order(firewalld);
	return 0;
}

static int on_owner(sd_bus_message *signal, void *context, sd_bus_error *unused)
{
	struct firewalld *firewalld = context;
	const char *name = "";
	const char *before = "";
	const char *now = "";

	(void)unused;
	if (!is_from(firewalld, signal, BUS_NAME) ||
	    firewalld->sd->message_read(signal, "sss", &name, &before, &now) < 0)
		return 0;
	remember_owner(firewalld, now);
	firewalld_zone_again(&firewalld->zone, true);
	if (*now)
		give_order(firewalld);
	return 0;
}

static int listen_to(struct firewalld *firewalld)
{
	const struct bus_calls *sd = firewalld->sd;
	int error = sd->add_match_async(firewalld->bus, NULL,
					"type='signal',sender='" FIREWALLD_NAME
					"',interface='" FIREWALLD_NAME "',member='Reloaded'",
					on_reloaded, NULL, firewalld);

	if (error < 0)
		return error;
	return sd->add_match_async(firewalld->bus, NULL,
				   "type='signal',sender='" BUS_NAME "',"
				   "member='NameOwnerChanged',arg0='" FIREWALLD_NAME "'",
				   on_owner, NULL, firewalld);
}

void firewalld_prepare(struct firewalld *firewalld)
{
	const char *why = NULL;

	if (access(SETTINGS, F_OK) < 0)
		return;
	firewalld->sd = bus_load(&why);
	if (!firewalld->sd)
		log_warning("natd cannot speak with firewalld, which this host has: %s", why);
	firewalld->said = !firewalld->sd;
}

static bool is_loaded(struct firewalld *firewalld)
{
	if (!firewalld->sd && !firewalld->said)
		log_warning("firewalld was installed just now; start natd again, so that it can "
			    "speak with it: sudo systemctl restart natd");
	firewalld->said |= !firewalld->sd;
	return firewalld->sd;
}

void firewalld_seen(struct firewalld *firewalld)
{
	int error;

	if (firewalld->bus && firewalld->wanted && !firewalld->lets_through &&
	    !firewalld->ordered && natd_now() - firewalld->asked_at > ASK_AGAIN_MS)
		give_order(firewalld);
	if (firewalld->bus || !firewalld->base || !is_loaded(firewalld))
		return;
	error = firewalld->sd->open_system(&firewalld->bus);
	if (error >= 0)
		error = listen_to(firewalld);
	if (error >= 0) {
		firewalld->event = event_new(firewalld->base, -1, 0, on_bus, firewalld);
		if (!firewalld->event)
			fatal("no memory for an event");
		give_order(firewalld);
		return;
	}
	if (!firewalld->said)
		log_warning("firewalld runs, but there is no message bus to it: %s",
			    strerror(-error));
	firewalld->said = true;
	disconnect(firewalld);
}

static bool same_networks(const struct firewalld *firewalld, const struct prefix *networks,
			  size_t count)
{
	size_t same = 0;

	while (same < count && same < firewalld->network_count &&
	       prefix_equal(&firewalld->networks[same], &networks[same]))
		same++;
	return same == count && count == firewalld->network_count;
}

void firewalld_tunnels(struct firewalld *firewalld, const char (*names)[IF_NAMESIZE], size_t count)
{
	firewalld_zone_set(&firewalld->zone, bus_of(firewalld), names, count);
	if (firewalld->lets_through)
		firewalld_zone_bind(&firewalld->zone, bus_of(firewalld));
	if (firewalld->event)
		wait_for_bus(firewalld);
}

void firewalld_want(struct firewalld *firewalld, bool coexist, const struct prefix *networks,
		    size_t count)
{
	if (count > FIREWALLD_NETWORKS_MAX)
		count = FIREWALLD_NETWORKS_MAX;
	if (firewalld->wanted == coexist && same_networks(firewalld, networks, count))
		return;
	firewalld->wanted = coexist;
	firewalld->network_count = count;
	memcpy(firewalld->networks, networks, count * sizeof(*networks));
	give_order(firewalld);
}

void firewalld_leave(struct firewalld *firewalld)
{
	sd_bus_message *order;

	firewalld->wanted = false;
	firewalld_zone_leave(&firewalld->zone, bus_of(firewalld));
	order = firewalld->bus ? order_new(firewalld) : NULL;
	if (order) {
		if (firewalld->sd->call(firewalld->bus, order, LEAVE_US, NULL, NULL) < 0)
			log_debug("firewalld does not answer; its policy keeps natd's rules until "
				  "it reloads");
		firewalld->sd->message_unref(order);
	}
	disconnect(firewalld);
}
