/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/look.h"

#include <errno.h>
#include <string.h>

#include "natd/log.h"
#include "natd/loop.h"
#include "natd/neighbour.h"
#include "natd/vpn.h"

/* The sandbox lets natd read only folders that were there when it started. */
static void say_hidden(const struct vpn *vpn)
{
	static bool said;

	if (!said && vpn->unreadable[0] && !vpn->found)
		log_warning("%s cannot be read; if the VPN was installed just now, start natd "
			    "again: sudo systemctl restart natd",
			    vpn->unreadable);
	said |= vpn->unreadable[0] && !vpn->found;
}

/* The forwards of natd.conf, or those that this host's VPN needs. */
static size_t wanted_forwards(struct natd *natd, struct config_forward *forwards)
{
	size_t count = natd->config.forward_count;

	vpn_read(&natd->vpn, "");
	vpn_runs_wireguard(&natd->vpn, natd->wireguards.ports, natd->wireguards.count);
	natd->forwards_origin = "natd.conf";
	memcpy(forwards, natd->config.forwards, count * sizeof(*forwards));
	if (count)
		return count;
	say_hidden(&natd->vpn);
	natd->forwards_origin = natd->vpn.origin;
	memcpy(forwards, natd->vpn.forwards, natd->vpn.count * sizeof(*forwards));
	return natd->vpn.count;
}

static void want_firewalld(struct natd *natd)
{
	struct prefix networks[FIREWALLD_NETWORKS_MAX];
	char names[CONFIG_TUNNELS_MAX][IF_NAMESIZE];
	size_t tunnels = natd->config.coexist ? natd->kernel.tunnel_count : 0;
	size_t count = 0;

	for (size_t i = 0; i < tunnels; i++)
		memcpy(names[i], natd->kernel.tunnels[i].interface, IF_NAMESIZE);
	firewalld_tunnels(&natd->firewalld, names, tunnels);
	for (size_t i = 0; i < natd->kernel.tunnel_count; i++)
		for (size_t n = 0; n < natd->kernel.tunnels[i].network_count; n++)
			networks[count++] = natd->kernel.tunnels[i].networks[n];
	firewalld_want(&natd->firewalld, natd->config.coexist, networks, count);
}

static void want_kernel(struct natd *natd)
{
	struct kernel_port ports[CONFIG_FORWARDS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < natd->engine.forwards.count && count < CONFIG_FORWARDS_MAX; i++) {
		const struct forward *forward = &natd->engine.forwards.list[i];

		if (forward->state != FORWARD_CLOSING)
			ports[count++] = (struct kernel_port){ forward->wanted.protocol,
							       forward->wanted.port };
	}
	kernel_want(&natd->kernel, &natd->config, &natd->network, ports, count, loop_save, natd);
	want_firewalld(natd);
}

/* Its link-local address, for what it says to all nodes: the IPv6 default route's on the same link, unless
 * the neighbours say that this is another box, as with a router that leaves IPv6 to the provider's. */
static void find_router6(const struct natd *natd, struct upnp_network *network)
{
	struct uplink uplink = network_uplink(&natd->network, AF_INET6);
	const struct in6_addr *gateway = &uplink.gateway.v6;
	uint8_t mac[MAC_SIZE];

	if (!uplink.known || uplink.index != network->ifindex ||
	    uplink.gateway.family != AF_INET6 || !IN6_IS_ADDR_LINKLOCAL(gateway))
		return;
	neighbour_find6(gateway, network->ifindex, mac);
	if (!mac_differs(mac, network->mac))
		network->router6 = *gateway;
}

void look_at_router(struct natd *natd)
{
	struct upnp_network network = { 0 };
	const struct uplink *uplink = &natd->uplink;
	uint8_t before[MAC_SIZE];

	memcpy(before, natd->engine.network.mac, MAC_SIZE);
	if (!uplink->known || uplink->gateway.family != AF_INET) {
		engine_network(&natd->engine, NULL, natd_now());
		pinholes_miss_ipv4(&natd->pinholes);
		return;
	}
	network.gateway = uplink->gateway.v4;
	network.address = uplink->address.address.v4;
	network.ifindex = uplink->index;
	network.prefix = uplink->address.length;
	neighbour_find(network.gateway, network.ifindex, network.mac);
	find_router6(natd, &network);
	engine_network(&natd->engine, &network, natd_now());
	/* Another box may call itself fe80::1 as well, and has no pinholes. */
	if (mac_differs(before, natd->engine.network.mac))
		pinholes_lost(&natd->pinholes, natd_now(), 0);
}

/* Where natd.conf names no port, the kernel's WireGuard interfaces do; only rules may ask them. */
static void ask_wireguard(struct natd *natd)
{
	if (natd->config.forward_count || natd->wireguard_pending)
		return;
	for (size_t i = 0; i < natd->network.link_count; i++) {
		if (natd->network.links[i].kind != LINK_WIREGUARD)
			continue;
		kernel_ask_wireguard(&natd->kernel, natd->network.links[i].name);
		natd->wireguard_pending++;
	}
	natd->asked_wireguards.count = 0;
	if (!natd->wireguard_pending)
		natd->wireguards.count = 0;
}

/* What the routers say of their WAN address; where they do not say it yet, what they said last. */
static struct shared_line judge_line(const struct natd *natd)
{
	const struct engine *home = &natd->engine;
	const struct engine *outer = &natd->upstream.engine;
	const struct in_addr wans[] = {
		home->wan_known ? home->wan.address : home->public_wan,
		outer->wan_known ? outer->wan.address : outer->public_wan,
	};

	return shared_line_judge(&natd->ipv6.address, wans, sizeof(wans) / sizeof(wans[0]));
}

void look_at_line(struct natd *natd)
{
	struct shared_line now = judge_line(natd);

	if ((now.certain != natd->shared_line.certain || natd->holds_back) && !natd->stopping)
		look_act(natd);
	natd->shared_line = now;
}

/* It will be closed, and only the router's answer ends that. */
static bool must_leave(const struct forward *forward, const struct config_forward *forwards,
		       size_t count)
{
	return !forward->trial_of && forward_may_be_held(forward) &&
	       !forward_is_among(forward, forwards, count);
}

static bool is_held_otherwise(const struct forwards *held, const struct config_forward *wanted,
			      const struct config_forward *forwards, size_t count)
{
	for (size_t i = 0; i < held->count; i++) {
		const struct config_forward *has = &held->list[i].wanted;

		if (has->protocol == wanted->protocol &&
		    must_leave(&held->list[i], forwards, count) &&
		    (has->port == wanted->port) != (has->external == wanted->external))
			return true;
	}
	return false;
}

/* A port of ours that gets another external port leaves the old one first: PCP knows one mapping of it
 * only (RFC 6887 11.3). And one that gets the external port of another port of ours waits until that has
 * left: UPnP would overwrite the entry, and then remove it. Returns how many may be asked for now. */
static size_t hold_back(struct natd *natd, struct config_forward *forwards, size_t count)
{
	bool asks = engine_asks(&natd->engine);
	struct config_forward all[CONFIG_FORWARDS_MAX];
	size_t kept = 0;

	memcpy(all, forwards, count * sizeof(*forwards));
	for (size_t i = 0; i < count; i++)
		if (!asks || !is_held_otherwise(&natd->engine.forwards, &all[i], all, count))
			forwards[kept++] = all[i];
	natd->holds_back = kept < count;
	return kept;
}

void look_act(struct natd *natd)
{
	struct config_forward forwards[CONFIG_FORWARDS_MAX];
	size_t count = wanted_forwards(natd, forwards);

	natd->shared_line = judge_line(natd);
	shared_line_move(&natd->shared_line, forwards, count);
	engine_yield(&natd->engine, forwards, count);
	count = hold_back(natd, forwards, count);
	engine_want(&natd->engine, &natd->config, forwards, count, natd_now());
	look_at_router(natd);
	pinholes_want(&natd->pinholes, &natd->config, &natd->engine.forwards, &natd->ipv6);
	want_kernel(natd);
}

static void say_loss(const struct uplink *now, const struct uplink *before)
{
	if (now->interface[0])
		log_warning("%s is not connected any more (cable or Wi-Fi); natd waits for it",
			    now->interface);
	else
		log_warning("the default route by %s is gone; natd waits for another",
			    before->interface);
}

/* One line for what the person at home would call one change. */
static void say_uplink(const struct uplink *now, const struct uplink *before)
{
	bool moved = !address_equal(&before->gateway, &now->gateway) ||
		     strcmp(before->interface, now->interface) != 0;
	char address[ADDRESS_TEXT_MAX];
	char text[ADDRESS_TEXT_MAX];

	address_print(&now->address.address, address);
	if (!now->known && before->known)
		say_loss(now, before);
	if (!now->known)
		return;
	if (!before->known || moved) {
		if (now->gateway.family)
			log_info("the home router is %s on %s; this host is %s",
				 address_print(&now->gateway, text), now->interface, address);
		else
			log_info("%s leads to the internet without a router; this host is %s",
				 now->interface, address);
	} else if (!address_equal(&before->address.address, &now->address.address)) {
		log_info("this host is %s now; it was %s", address,
			 address_print(&before->address.address, text));
	}
}

/* With an address that may have been the clients' as well, their connections go. */
static void look_for_gone(struct natd *natd, const struct network_address *before, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct address *address = &before[i].prefix.address;

		if (address_kind(address) != ADDRESS_SPECIAL &&
		    !network_is_local(&natd->network, address))
			kernel_gone(&natd->kernel, address);
	}
}

bool look_around(struct natd *natd)
{
	static struct network_address addresses[NETWORK_ADDRESSES_MAX];
	size_t address_count = natd->network.address_count;
	struct uplink before = natd->uplink;
	bool was_full = natd->network.full;

	memcpy(addresses, natd->network.addresses, address_count * sizeof(addresses[0]));
	if (!network_read(&natd->network)) {
		log_warning("the kernel does not tell what this host's network is: %s",
			    strerror(errno));
		return false;
	}
	if (natd->network.full && !was_full)
		log_warning(
			"this host has more than %d interfaces, %d addresses or %d routes; natd "
			"does not see all of them",
			NETWORK_LINKS_MAX, NETWORK_ADDRESSES_MAX, NETWORK_ROUTES_MAX);
	look_for_gone(natd, addresses, address_count);
	natd->uplink = network_uplink(&natd->network, AF_INET);
	natd->ipv6 = pinholes_see(&natd->network, &natd->pinholes.network.address);
	say_uplink(&natd->uplink, &before);
	ask_wireguard(natd);
	if (!natd->wireguard_pending)
		look_act(natd);
	return true;
}
