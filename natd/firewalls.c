/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/firewalls.h"

#include <stdio.h>
#include <string.h>

#include "natd/log.h"

/* A packet may be lost in many ways, and a client asks for what is not there: so many in a row, and
 * none that went on, are no chance. A TCP connection alone tries as often within seven seconds. */
#define STOPPED_MIN 3

static const struct {
	const char *word;
	const char *name;
} owners[RULES_OWNERS] = {
	[RULES_OWNER_NFTABLES] = { "nftables", "nftables" },
	[RULES_OWNER_IPTABLES] = { "iptables", "iptables" },
	[RULES_OWNER_UFW] = { "ufw", "ufw" },
	[RULES_OWNER_DOCKER] = { "docker", "Docker" },
	[RULES_OWNER_FIREWALLD] = { "firewalld", "firewalld" },
	[RULES_OWNER_OTHER] = { "other", "another program" },
};

static const char *const hooks[RULES_HOOKS] = {
	[RULES_HOOK_INPUT] = "input",
	[RULES_HOOK_FORWARD] = "forward",
	[RULES_HOOK_OUTPUT] = "output",
	[RULES_HOOK_POST] = "postrouting",
};

const char *firewalls_owner(const struct rules_firewall *firewall)
{
	return owners[firewall->owner].word;
}

const char *firewalls_owner_name(const struct rules_firewall *firewall)
{
	return owners[firewall->owner].name;
}

const char *firewalls_family(uint8_t family)
{
	return family == AF_INET ? "ip" : family == AF_INET6 ? "ip6" : "inet";
}

bool firewalls_is_sound(const struct rules_firewall *firewall)
{
	return firewall->owner < RULES_OWNERS && firewall->hook < RULES_HOOKS &&
	       memchr(firewall->table, '\0', sizeof(firewall->table)) &&
	       memchr(firewall->chain, '\0', sizeof(firewall->chain));
}

/* ---- what rules tells ---- */

void firewalls_add(struct firewalls *firewalls, const struct rules_firewall *firewall)
{
	struct rules_firewall *fresh;

	if (firewalls->fresh_count == FIREWALLS_MAX)
		return;
	fresh = &firewalls->fresh[firewalls->fresh_count++];
	*fresh = *firewall;
	log_clean(fresh->table);
	log_clean(fresh->chain);
}

static const struct rules_firewall *find(const struct firewalls *firewalls,
					 const struct rules_firewall *wanted)
{
	for (size_t i = 0; i < firewalls->count; i++) {
		const struct rules_firewall *firewall = &firewalls->list[i];

		if (firewall->family == wanted->family && firewall->hook == wanted->hook &&
		    strcmp(firewall->table, wanted->table) == 0 &&
		    strcmp(firewall->chain, wanted->chain) == 0)
			return firewall;
	}
	return NULL;
}

/* natd's rules are in firewalld's own policy, where rules does not look for them; they let through what is
 * forwarded, and open no port of this host. */
static bool is_passed(const struct firewalls *firewalls, const struct rules_firewall *firewall)
{
	return firewall->passed ||
	       (firewall->owner == RULES_OWNER_FIREWALLD && firewall->hook == RULES_HOOK_FORWARD &&
		firewalls->firewalld_passes && *firewalls->firewalld_passes);
}

/* Does it stand in the way of forwarded packets? */
static bool closes_way(const struct rules_firewall *firewall)
{
	return firewall->hook == RULES_HOOK_FORWARD && firewall->closes;
}

static void say_news(const struct firewalls *firewalls, const struct rules_firewall *now,
		     bool coexist)
{
	const struct rules_firewall *before = find(firewalls, now);
	bool known = before && closes_way(before) && before->passed == now->passed;

	if (!closes_way(now) || known)
		return;
	if (now->passed)
		log_info("%s drops what it does not know (table %s %s, chain %s); natd's rules let "
			 "the VPN's packets through there",
			 firewalls_owner_name(now), firewalls_family(now->family), now->table,
			 now->chain);
	else if (!coexist)
		log_warning("%s drops what it does not know (table %s %s, chain %s): perhaps the "
			    "VPN's packets as well (natd.conf: coexist = false)",
			    firewalls_owner_name(now), firewalls_family(now->family), now->table,
			    now->chain);
}

void firewalls_scanned(struct firewalls *firewalls, bool coexist)
{
	for (size_t i = 0; i < firewalls->fresh_count; i++)
		say_news(firewalls, &firewalls->fresh[i], coexist);
	memcpy(firewalls->list, firewalls->fresh,
	       firewalls->fresh_count * sizeof(firewalls->list[0]));
	firewalls->count = firewalls->fresh_count;
	firewalls->fresh_count = 0;
}

/* Counters begin anew with a new table. */
static void passage_update(struct passage *passage, uint64_t came, uint64_t went_on)
{
	if (went_on != passage->went_on || came < passage->came)
		passage->stopped_from = came;
	passage->came = came;
	passage->went_on = went_on;
}

/* Its place or, with the name "", a free one; the last one where there is none. */
static size_t place_of(const struct firewalls *firewalls, const char *interface)
{
	size_t i = 0;

	while (i < CONFIG_TUNNELS_MAX - 1 &&
	       strcmp(firewalls->tunnels[i].interface, interface) != 0)
		i++;
	return i;
}

static struct passage *passage_of(struct firewalls *firewalls, const char *interface)
{
	size_t i = place_of(firewalls, interface);

	if (strcmp(firewalls->tunnels[i].interface, interface) != 0) {
		i = place_of(firewalls, "");
		memset(&firewalls->tunnels[i], 0, sizeof(firewalls->tunnels[i]));
		snprintf(firewalls->tunnels[i].interface, IF_NAMESIZE, "%s", interface);
	}
	return &firewalls->tunnels[i].passage;
}

static bool is_counted(const char *interface, const struct rules_tunnel_count *counts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(counts[i].interface, interface) == 0)
			return true;
	return false;
}

void firewalls_keep_tunnels(struct firewalls *firewalls, const struct rules_tunnel_count *counts,
			    size_t count)
{
	for (size_t i = 0; i < CONFIG_TUNNELS_MAX; i++)
		if (!is_counted(firewalls->tunnels[i].interface, counts, count))
			memset(&firewalls->tunnels[i], 0, sizeof(firewalls->tunnels[i]));
}

void firewalls_counted(struct firewalls *firewalls, const struct rules_tunnel_count *count)
{
	passage_update(passage_of(firewalls, count->interface), count->allowed, count->passed);
}

/* Of a port that nobody asks about any more, the place is taken by the next one. */
void firewalls_counted_port(struct firewalls *firewalls, const struct rules_port_count *count)
{
	size_t i = 0;

	while (i < CONFIG_FORWARDS_MAX - 1 && firewalls->ports[i].protocol &&
	       (firewalls->ports[i].protocol != count->protocol ||
		firewalls->ports[i].port != count->port))
		i++;
	if (firewalls->ports[i].protocol != count->protocol ||
	    firewalls->ports[i].port != count->port)
		memset(&firewalls->ports[i], 0, sizeof(firewalls->ports[i]));
	firewalls->ports[i].protocol = count->protocol;
	firewalls->ports[i].port = count->port;
	passage_update(&firewalls->ports[i].passage, count->arrived, count->delivered);
}

bool firewalls_has(const struct firewalls *firewalls, enum rules_owner owner)
{
	for (size_t i = 0; i < firewalls->count; i++)
		if (firewalls->list[i].owner == owner && closes_way(&firewalls->list[i]))
			return true;
	return false;
}

/* ---- who drops ---- */

static uint64_t passage_stopped(const struct passage *passage)
{
	uint64_t stopped = passage->came - passage->stopped_from;

	return stopped < STOPPED_MIN ? 0 : stopped;
}

uint64_t firewalls_stopped(const struct firewalls *firewalls, char interface[IF_NAMESIZE])
{
	for (size_t i = 0; i < CONFIG_TUNNELS_MAX; i++) {
		uint64_t stopped = passage_stopped(&firewalls->tunnels[i].passage);

		if (!stopped)
			continue;
		memcpy(interface, firewalls->tunnels[i].interface, IF_NAMESIZE);
		return stopped;
	}
	return 0;
}

uint64_t firewalls_stopped_port(const struct firewalls *firewalls, uint8_t protocol, uint16_t port)
{
	for (size_t i = 0; i < CONFIG_FORWARDS_MAX; i++)
		if (firewalls->ports[i].protocol == protocol && firewalls->ports[i].port == port)
			return passage_stopped(&firewalls->ports[i].passage);
	return 0;
}

/* One where our packets are let through is the last to be suspected. */
static bool is_likelier(const struct firewalls *firewalls, const struct rules_firewall *a,
			const struct rules_firewall *b)
{
	if (is_passed(firewalls, a) != is_passed(firewalls, b))
		return is_passed(firewalls, b);
	if (a->dropped != b->dropped)
		return a->dropped > b->dropped;
	return a->closes > b->closes;
}

const struct rules_firewall *firewalls_culprit(const struct firewalls *firewalls,
					       enum rules_hook hook)
{
	const struct rules_firewall *culprit = NULL;

	for (size_t i = 0; i < firewalls->count; i++) {
		const struct rules_firewall *firewall = &firewalls->list[i];

		if (firewall->hook == hook && (firewall->closes || firewall->dropped) &&
		    (!is_passed(firewalls, firewall) || firewall->dropped) &&
		    (!culprit || is_likelier(firewalls, firewall, culprit)))
			culprit = firewall;
	}
	return culprit;
}

json_t *firewalls_json(const struct firewalls *firewalls)
{
	json_t *list = json_array();

	for (size_t i = 0; i < firewalls->count; i++) {
		const struct rules_firewall *firewall = &firewalls->list[i];
		json_t *drops = firewall->counts ? json_integer((json_int_t)firewall->dropped)
						 : json_null();
		char table[sizeof(firewall->table) + sizeof("inet ")];

		snprintf(table, sizeof(table), "%s %s", firewalls_family(firewall->family),
			 firewall->table);
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:b}", "table", table,
				  "chain", firewall->chain, "hook", hooks[firewall->hook], "policy",
				  firewall->policy_drop ? "drop" : "accept", "owner",
				  firewalls_owner(firewall), "drops", drops, "closes",
				  firewall->closes, "passed", is_passed(firewalls, firewall),
				  "owned", firewall->owned));
	}
	return list;
}
