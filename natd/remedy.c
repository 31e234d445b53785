/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/remedy.h"

#include <stdio.h>

#include "natd/firewalls.h"

static const char *iptables(const struct rules_firewall *firewall)
{
	return firewall->family == AF_INET6 ? "ip6tables" : "iptables";
}

/* firewalld owns its table (seen in 2.3.1), and has commands of its own; into a table that another program
 * owns nobody can write. */
static enum rules_owner asked(const struct rules_firewall *firewall)
{
	if (firewall->owned && firewall->owner != RULES_OWNER_FIREWALLD)
		return RULES_OWNER_OTHER;
	return (enum rules_owner)firewall->owner;
}

const char *remedy_port(const struct rules_firewall *firewall, uint8_t protocol, uint16_t port,
			char text[REMEDY_MAX])
{
	const char *transport = protocol == IPPROTO_UDP ? "udp" : "tcp";

	text[0] = '\0';
	switch (asked(firewall)) {
	case RULES_OWNER_UFW:
		snprintf(text, REMEDY_MAX, "  sudo ufw allow %u/%s", port, transport);
		break;
	case RULES_OWNER_FIREWALLD:
		snprintf(text, REMEDY_MAX,
			 "  sudo firewall-cmd --permanent --add-port=%u/%s\n"
			 "  sudo firewall-cmd --reload",
			 port, transport);
		break;
	case RULES_OWNER_DOCKER:
	case RULES_OWNER_IPTABLES:
		snprintf(text, REMEDY_MAX, "  sudo %s -I %s -p %s --dport %u -j ACCEPT",
			 iptables(firewall), firewall->chain, transport, port);
		break;
	case RULES_OWNER_NFTABLES:
		snprintf(text, REMEDY_MAX, "  sudo nft insert rule %s %s %s %s dport %u accept",
			 firewalls_family(firewall->family), firewall->table, firewall->chain,
			 transport, port);
		break;
	default: break;
	}
	return text;
}

static void two_rules(char text[REMEDY_MAX], const char *program, const char *chain,
		      const char *interface)
{
	snprintf(text, REMEDY_MAX,
		 "  sudo %s -I %s -i %s -j ACCEPT\n"
		 "  sudo %s -I %s -o %s -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
		 program, chain, interface, program, chain, interface);
}

const char *remedy_tunnel(const struct rules_firewall *firewall, const char *interface,
			  char text[REMEDY_MAX])
{
	text[0] = '\0';
	if (!firewall) {
		two_rules(text, "iptables-legacy", "FORWARD", interface);
		return text;
	}
	switch (asked(firewall)) {
	case RULES_OWNER_UFW:
		snprintf(text, REMEDY_MAX, "  sudo ufw route allow in on %s", interface);
		break;
	case RULES_OWNER_FIREWALLD:
		snprintf(text, REMEDY_MAX,
			 "  sudo firewall-cmd --permanent --zone=trusted --add-interface=%s\n"
			 "  sudo firewall-cmd --reload",
			 interface);
		break;
	case RULES_OWNER_DOCKER:
		two_rules(text, iptables(firewall), "DOCKER-USER", interface);
		break;
	case RULES_OWNER_IPTABLES:
		two_rules(text, iptables(firewall), firewall->chain, interface);
		break;
	case RULES_OWNER_NFTABLES:
		snprintf(text, REMEDY_MAX,
			 "  sudo nft insert rule %s %s %s iifname %s accept\n"
			 "  sudo nft insert rule %s %s %s oifname %s ct state established,related "
			 "accept",
			 firewalls_family(firewall->family), firewall->table, firewall->chain,
			 interface, firewalls_family(firewall->family), firewall->table,
			 firewall->chain, interface);
		break;
	default: break;
	}
	return text;
}
