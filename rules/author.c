/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/author.h"

#include <linux/netfilter.h>
#include <string.h>

/* Tables that one program alone calls so. */
static const struct {
	const char *prefix;
	enum rules_owner owner;
} known_tables[] = {
	{ "firewalld", RULES_OWNER_FIREWALLD },   { "docker-bridges", RULES_OWNER_DOCKER },
	{ "libvirt_network", RULES_OWNER_OTHER }, { "netavark", RULES_OWNER_OTHER },
	{ "kube-proxy", RULES_OWNER_OTHER },
};

static bool has_chain_like(const struct scan *scan, uint32_t table, const char *prefix)
{
	for (size_t i = 0; i < scan->chain_count; i++)
		if (scan->chains[i].table == table &&
		    strncmp(scan->chains[i].name, prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

static bool is_iptables(const struct scan_table *table, const struct scan_chain *chain)
{
	static const char *const names[] = { "INPUT", "FORWARD", "OUTPUT", "POSTROUTING" };

	if (table->family == NFPROTO_INET)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(chain->name, names[i]) == 0)
			return true;
	return false;
}

/* In the tables that iptables keeps, everybody has chains of his own: Docker forwards, ufw guards the
 * rest. */
enum rules_owner author_of(const struct scan *scan, const struct scan_chain *chain)
{
	const struct scan_table *table = &scan->tables[chain->table];

	for (size_t i = 0; i < sizeof(known_tables) / sizeof(known_tables[0]); i++)
		if (strncmp(table->name, known_tables[i].prefix, strlen(known_tables[i].prefix)) ==
		    0)
			return known_tables[i].owner;
	if (!is_iptables(table, chain))
		return table->owned ? RULES_OWNER_OTHER : RULES_OWNER_NFTABLES;
	if (chain->hook == NF_INET_FORWARD && has_chain_like(scan, chain->table, "DOCKER"))
		return RULES_OWNER_DOCKER;
	if (has_chain_like(scan, chain->table, "ufw"))
		return RULES_OWNER_UFW;
	return RULES_OWNER_IPTABLES;
}
