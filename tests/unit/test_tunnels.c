/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which way leads to the router, which interfaces are tunnels, and what rules is told of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/kernel.h"
#include "natd/network.h"
#include "natd/process.h"
#include "natd/tunnels.h"

enum { ETH0 = 2, WLAN0, WG0, TUN0, TAP0 };

static void add_link(struct network *network, unsigned int index, const char *name,
		     enum link_kind kind)
{
	struct network_link *link = &network->links[network->link_count++];

	*link = (struct network_link){ .index = index, .kind = kind, .up = true, .running = true };
	snprintf(link->name, sizeof(link->name), "%s", name);
}

static struct network_address *add_address(struct network *network, unsigned int index,
					   const char *text)
{
	struct network_address *address = &network->addresses[network->address_count++];

	*address = (struct network_address){ .index = index, .usable = true };
	assert_true(prefix_parse(&address->prefix, text));
	return address;
}

static void add_route(struct network *network, unsigned int index, const char *to,
		      const char *gateway, uint32_t metric)
{
	struct network_route *route = &network->routes[network->route_count++];

	*route = (struct network_route){ .index = index, .metric = metric };
	assert_true(prefix_parse(&route->destination, to));
	if (gateway)
		assert_true(address_parse(&route->gateway, gateway));
}

static void make_home(struct network *network)
{
	memset(network, 0, sizeof(*network));
	add_link(network, ETH0, "eth0", LINK_OTHER);
	add_link(network, WLAN0, "wlan0", LINK_OTHER);
	add_link(network, WG0, "wg0", LINK_WIREGUARD);
	add_address(network, ETH0, "192.168.1.31/24")->dynamic = true;
	add_address(network, WLAN0, "192.168.1.32/24");
	add_address(network, WG0, "10.8.0.1/24");
	add_address(network, WG0, "fd42::1/64");
	add_address(network, WG0, "fe80::1/64");
	add_route(network, WLAN0, "0.0.0.0/0", "192.168.1.1", 600);
	add_route(network, ETH0, "0.0.0.0/0", "192.168.1.1", 100);
}

static void test_the_cheapest_default_route_leads_to_the_router(void **state)
{
	static struct network network;
	struct uplink uplink;
	char text[PREFIX_TEXT_MAX];

	(void)state;
	make_home(&network);
	uplink = network_uplink(&network, AF_INET);
	assert_true(uplink.known);
	assert_string_equal(uplink.interface, "eth0");
	assert_string_equal(address_print(&uplink.gateway, text), "192.168.1.1");
	assert_string_equal(prefix_print(&uplink.address, text), "192.168.1.31/24");
	assert_true(uplink.dynamic);
	assert_false(network_uplink(&network, AF_INET6).known);
}

/* field/routers.md 67: the VPN's own default route is not the way to the home router. */
static void test_a_tunnel_is_not_the_way_to_the_router(void **state)
{
	static struct network network;

	(void)state;
	make_home(&network);
	add_route(&network, WG0, "0.0.0.0/0", NULL, 0);
	assert_string_equal(network_uplink(&network, AF_INET).interface, "eth0");
	network.links[0].up = false;
	assert_string_equal(network_uplink(&network, AF_INET).interface, "wlan0");
	network.links[1].up = false;
	assert_false(network_uplink(&network, AF_INET).known);
}

static void test_the_address_in_the_gateways_network_is_ours(void **state)
{
	static struct network network;
	struct network_address *temporary;
	struct uplink uplink;
	char text[PREFIX_TEXT_MAX];

	(void)state;
	make_home(&network);
	network.address_count = 0;
	add_address(&network, ETH0, "11.0.0.9/32");
	add_address(&network, ETH0, "192.168.1.31/24");
	add_address(&network, ETH0, "fe80::9/64");
	temporary = add_address(&network, ETH0, "2a11::77/64");
	temporary->temporary = true;
	add_address(&network, ETH0, "2a11::1/64");
	add_route(&network, ETH0, "::/0", "fe80::1", 100);
	uplink = network_uplink(&network, AF_INET);
	assert_string_equal(prefix_print(&uplink.address, text), "192.168.1.31/24");
	uplink = network_uplink(&network, AF_INET6);
	assert_string_equal(prefix_print(&uplink.address, text), "2a11::1/64");
}

static void test_tunnels_are_found(void **state)
{
	struct tunnel tunnels[CONFIG_TUNNELS_MAX];
	static struct network network;
	struct config config;
	char text[PREFIX_TEXT_MAX];

	(void)state;
	config_defaults(&config);
	make_home(&network);
	add_link(&network, TUN0, "tun0", LINK_TUN);
	add_address(&network, TUN0,
		    "10.9.0.1/32"); /* OpenVPN net30: the clients are behind routes */
	add_route(&network, TUN0, "10.9.0.2/32", NULL, 0);
	add_route(&network, TUN0, "10.9.0.0/24", "10.9.0.2", 0);
	add_link(&network, TAP0, "tap0", LINK_TAP);
	network.links[network.link_count - 1].bridged = true; /* its clients are in the LAN */
	assert_int_equal(tunnels_find(tunnels, &config, &network), 2);
	assert_string_equal(tunnels[0].interface, "wg0");
	assert_int_equal(tunnels[0].network_count, 2);
	assert_string_equal(prefix_print(&tunnels[0].networks[0], text), "10.8.0.0/24");
	assert_string_equal(prefix_print(&tunnels[0].networks[1], text), "fd42::/64");
	assert_string_equal(tunnels[1].interface, "tun0");
	assert_string_equal(prefix_print(&tunnels[1].networks[tunnels[1].network_count - 1], text),
			    "10.9.0.0/24");
}

static void test_a_configured_tunnel_may_come_later(void **state)
{
	struct tunnel tunnels[CONFIG_TUNNELS_MAX];
	static struct network network;
	struct config config;
	char text[PREFIX_TEXT_MAX];
	struct egress egress;

	(void)state;
	config_defaults(&config);
	make_home(&network);
	config_tunnel_defaults(&config.tunnels[0], "tun9");
	config.tunnel_count = 1;
	config.tunnels[0].network_count = 2;
	assert_true(prefix_parse(&config.tunnels[0].networks[0], "10.77.0.0/24"));
	assert_true(prefix_parse(&config.tunnels[0].networks[1], "fd77::/64"));
	config.tunnels[0].egress.kind = RULES_EGRESS_ADDRESS;
	assert_true(address_parse(&config.tunnels[0].egress.address, "192.168.1.99"));
	assert_int_equal(tunnels_find(tunnels, &config, &network), 1);
	assert_false(tunnels[0].present);
	egress = tunnel_egress(&tunnels[0], &tunnels[0].networks[0]);
	assert_string_equal(address_print(&egress.address, text), "192.168.1.99");
	/* An IPv4 address cannot serve IPv6 clients. */
	egress = tunnel_egress(&tunnels[0], &tunnels[0].networks[1]);
	assert_int_equal(egress.kind, RULES_EGRESS_MASQUERADE);
}

static void no_save(void *context)
{
	(void)context;
}

/* What rules receives for the home above, in order; and nothing the second time. */
static void test_rules_is_told_once(void **state)
{
	const struct kernel_port port = { IPPROTO_UDP, 51820 };
	static struct network network;
	struct process rules = { .name = "rules" };
	struct rules_request request;
	struct kernel kernel;
	struct config config;
	char order[32] = "";
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	config_defaults(&config);
	make_home(&network);
	rules.socket = pair[0];
	kernel_init(&kernel, &rules);
	kernel_want(&kernel, &config, &network, &port, 1, no_save, NULL);
	while (process_receive(pair[1], &request, sizeof(request), false) > 0) {
		static const char names[] = "BTNLPOCRS#WHX";

		strncat(order, &names[request.what], 1);
		assert_int_equal(request.generation,
				 request.what == RULES_SYSCTL || request.what == RULES_COEXIST ? 0
											       : 1);
		if (request.what == RULES_TUNNEL)
			assert_string_equal(request.tunnel.interface, "wg0");
		if (request.what == RULES_PORT)
			assert_int_equal(request.port.port, 51820);
	}
	/* One LAN network, though two interfaces are in it; sysctls depend on this machine. */
	assert_int_equal(strncmp(order, "XBTNNLPC", 8), 0);
	kernel_want(&kernel, &config, &network, &port, 1, no_save, NULL);
	while (process_receive(pair[1], &request, sizeof(request), false) > 0)
		assert_int_equal(request.what, RULES_SYSCTL);
	close(pair[0]);
	close(pair[1]);
	free(kernel.set);
}

static void add_client(struct config *config, const char *network, const char *egress)
{
	struct config_client *client;

	config->clients = realloc(config->clients, (config->client_count + 1) * sizeof(*client));
	assert_non_null(config->clients);
	client = &config->clients[config->client_count++];
	*client = (struct config_client){ .egress.kind = RULES_EGRESS_ADDRESS };
	assert_true(prefix_parse(&client->network, network));
	assert_true(address_parse(&client->egress.address, egress));
}

/* "wg0 10.8.0.0/24 -" for every network that rules is told, in order. */
static const char *networks_told(int socket)
{
	static char text[1024];
	struct rules_request request;
	size_t used = 0;

	text[0] = '\0';
	while (process_receive(socket, &request, sizeof(request), false) > 0) {
		struct rules_network *told = &request.network;
		char network[ADDRESS_TEXT_MAX] = "";
		char egress[ADDRESS_TEXT_MAX] = "-";

		if (request.what != RULES_NETWORK)
			continue;
		if (told->egress == RULES_EGRESS_CLOSED)
			strcpy(egress, "closed");
		inet_ntop(told->network.family, &told->network.v6, network, sizeof(network));
		if (told->egress == RULES_EGRESS_ADDRESS)
			inet_ntop(told->address.family, &told->address.v6, egress, sizeof(egress));
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s/%u %s\n",
					 told->interface, network, told->network.length, egress);
	}
	return text;
}

/* A client is told as a network of the tunnel that it is behind, and stands for a whole one. */
static void test_clients_are_placed(void **state)
{
	static struct network network;
	static struct kernel kernel;
	struct process rules = { .name = "rules" };
	static struct config config;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	config_defaults(&config);
	make_home(&network);
	add_link(&network, TUN0, "tun0", LINK_TUN);
	add_address(&network, TUN0, "10.8.0.129/25");
	add_address(&network, ETH0, "192.168.1.40/24");
	add_address(&network, ETH0, "192.168.1.41/24");
	add_address(&network, ETH0, "2a11::9/64");
	add_client(&config, "10.8.0.2", "192.168.1.40");
	add_client(&config, "10.8.0.130",
		   "192.168.1.41"); /* in both: the longer prefix is nearer */
	add_client(&config, "fd42::/64", "2a11::9");
	add_client(&config, "10.99.0.2", "192.168.1.42"); /* behind none */
	rules.socket = pair[0];
	kernel_init(&kernel, &rules);
	kernel_want(&kernel, &config, &network, NULL, 0, no_save, NULL);
	assert_string_equal(networks_told(pair[1]), "wg0 10.8.0.0/24 -\n"
						    "tun0 10.8.0.128/25 -\n"
						    "wg0 10.8.0.2/32 192.168.1.40\n"
						    "tun0 10.8.0.130/32 192.168.1.41\n"
						    "wg0 fd42::/64 2a11::9\n");
	/* Without their addresses the way is closed, or another is taken. */
	network.address_count -= 3;
	config.clients[1].egress.masquerade_gone = true;
	kernel_want(&kernel, &config, &network, NULL, 0, no_save, NULL);
	assert_string_equal(networks_told(pair[1]), "wg0 10.8.0.0/24 -\n"
						    "tun0 10.8.0.128/25 -\n"
						    "wg0 10.8.0.2/32 closed\n"
						    "tun0 10.8.0.130/32 -\n"
						    "wg0 fd42::/64 closed\n");
	assert_string_equal(kernel.clients[0].interface, "wg0");
	assert_string_equal(kernel.clients[3].interface, "");
	close(pair[0]);
	close(pair[1]);
	free(config.clients);
	free(kernel.set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_cheapest_default_route_leads_to_the_router),
		cmocka_unit_test(test_a_tunnel_is_not_the_way_to_the_router),
		cmocka_unit_test(test_the_address_in_the_gateways_network_is_ours),
		cmocka_unit_test(test_tunnels_are_found),
		cmocka_unit_test(test_a_configured_tunnel_may_come_later),
		cmocka_unit_test(test_rules_is_told_once),
		cmocka_unit_test(test_clients_are_placed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
