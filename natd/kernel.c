/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/kernel_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "natd/log.h"

void kernel_init(struct kernel *kernel, struct process *rules)
{
	memset(kernel, 0, sizeof(*kernel));
	kernel->rules = rules;
}

static void send_request(struct kernel *kernel, const struct rules_request *request)
{
	process_post(kernel->rules, request, sizeof(*request));
}

/* Takes the set over and sends it, unless rules has it already. */
static void send_set(struct kernel *kernel, struct rules_request *set, size_t count)
{
	if (kernel->set && kernel->set_count == count &&
	    memcmp(kernel->set, set, count * sizeof(*set)) == 0) {
		free(set);
		return;
	}
	free(kernel->set);
	kernel->set = set;
	kernel->set_count = count;
	kernel->written = false;
	kernel->generation++;
	for (size_t i = 0; i < count; i++) {
		struct rules_request request = set[i];

		request.generation = kernel->generation;
		send_request(kernel, &request);
	}
}

static void send_sysctl(struct kernel *kernel, const char *name, int32_t value)
{
	struct rules_request request = { .what = RULES_SYSCTL };

	snprintf(request.sysctl.name, sizeof(request.sysctl.name), "%s", name);
	request.sysctl.value = value;
	send_request(kernel, &request);
}

/* Before the set: what the run before left in other firewalls stays, or goes, with the first one. */
static void send_coexist(struct kernel *kernel, bool coexist)
{
	struct rules_request request = { .what = RULES_COEXIST, .coexist = coexist };

	if (kernel->coexist_told && kernel->coexist == coexist)
		return;
	kernel->coexist = coexist;
	kernel->coexist_told = true;
	send_request(kernel, &request);
}

/* What is new is zero. */
static void *resize(void *items, size_t before, size_t now, size_t size)
{
	if (before == now)
		return items;
	items = realloc(items, now ? now * size : 1);
	if (!items)
		fatal("no memory for %zu rules", now);
	if (now > before)
		memset((char *)items + before * size, 0, (now - before) * size);
	return items;
}

static void place_publish(const struct kernel *kernel, struct kernel_publish *publish,
			  const struct config_publish *wanted)
{
	struct prefix to = { wanted->to, address_bits(&wanted->to) };
	const struct tunnel *tunnel = tunnels_around(kernel->tunnels, kernel->tunnel_count, &to);
	bool same = strcmp(publish->is.name, wanted->name) == 0;
	bool said = same && !publish->interface[0] && address_equal(&publish->is.to, &wanted->to);
	char text[ADDRESS_TEXT_MAX];

	if (!same)
		publish->connections = 0;
	publish->is = *wanted;
	memset(publish->interface, 0, sizeof(publish->interface));
	if (tunnel)
		memcpy(publish->interface, tunnel->interface, sizeof(publish->interface));
	else if (!said)
		log_warning("publish \"%s\": %s is in no tunnel's networks; it waits for one",
			    wanted->name, address_print(&wanted->to, text));
}

static void place_published(struct kernel *kernel, const struct config *config)
{
	kernel->publishes = resize(kernel->publishes, kernel->publish_count, config->publish_count,
				   sizeof(*kernel->publishes));
	for (size_t i = 0; i < config->publish_count; i++)
		place_publish(kernel, &kernel->publishes[i], &config->publishes[i]);
	kernel->publish_count = config->publish_count;
}

bool kernel_is_published(const struct kernel *kernel, uint8_t protocol, uint16_t port)
{
	for (size_t i = 0; i < kernel->publish_count; i++) {
		const struct config_publish *publish = &kernel->publishes[i].is;

		if (kernel->publishes[i].interface[0] && publish->protocol == protocol &&
		    publish->port <= port && port <= publish->last)
			return true;
	}
	return false;
}

/* Says once, and again after it was otherwise, that a client is behind no tunnel. */
static void place_client(const struct kernel *kernel, struct kernel_client *client,
			 const struct config_client *wanted)
{
	const struct tunnel *tunnel =
		tunnels_around(kernel->tunnels, kernel->tunnel_count, &wanted->network);
	bool same = prefix_equal(&client->is.network, &wanted->network);
	bool said = same && !client->interface[0];
	char text[PREFIX_TEXT_MAX];

	if (!same)
		client->connections = 0;
	client->is = *wanted;
	memset(client->interface, 0, sizeof(client->interface));
	if (tunnel)
		memcpy(client->interface, tunnel->interface, sizeof(client->interface));
	else if (!said)
		log_warning("client %s is in no tunnel's networks; its egress waits for one",
			    prefix_print(&wanted->network, text));
}

static void place_clients(struct kernel *kernel, const struct config *config)
{
	kernel->clients = resize(kernel->clients, kernel->client_count, config->client_count,
				 sizeof(*kernel->clients));
	for (size_t i = 0; i < config->client_count; i++)
		place_client(kernel, &kernel->clients[i], &config->clients[i]);
	kernel->client_count = config->client_count;
}

static bool is_fixed_ipv4(const struct egress *egress)
{
	return egress_is_fixed(egress) && egress->address.family == AF_INET;
}

/* Has anybody an IPv4 address of his own to leave with? */
static bool has_fixed_address(const struct kernel *kernel)
{
	for (size_t i = 0; i < kernel->tunnel_count; i++)
		if (is_fixed_ipv4(&kernel->tunnels[i].egress))
			return true;
	for (size_t i = 0; i < kernel->client_count; i++)
		if (is_fixed_ipv4(&kernel->clients[i].is.egress))
			return true;
	return false;
}

void kernel_want(struct kernel *kernel, const struct config *config, const struct network *network,
		 const struct kernel_port *ports, size_t port_count, void (*save)(void *context),
		 void *context)
{
	struct rules_request *set;
	size_t count;

	kernel->tunnel_count = tunnels_find(kernel->tunnels, config, network);
	place_clients(kernel, config);
	place_published(kernel, config);
	set = kernel_set(kernel, network, config->owned, ports, port_count, &count);
	send_coexist(kernel, config->coexist);
	send_set(kernel, set, count);
	if (!kernel->in_force)
		return;
	if (!sysctls_need(&kernel->sysctls, network, kernel->tunnels, kernel->tunnel_count,
			  has_fixed_address(kernel)))
		return;
	save(context);
	for (size_t i = 0; i < kernel->sysctls.count; i++)
		if (kernel->sysctls.list[i].before != kernel->sysctls.list[i].ours)
			send_sysctl(kernel, kernel->sysctls.list[i].name,
				    kernel->sysctls.list[i].ours);
}

void kernel_count(struct kernel *kernel)
{
	struct rules_request request = { .what = RULES_COUNT };

	if (kernel->counting)
		return;
	kernel->counting = true;
	kernel->port_count = 0;
	kernel->tunnel_count_count = 0;
	send_request(kernel, &request);
}

void kernel_ask_wireguard(struct kernel *kernel, const char *name)
{
	struct rules_request request = { .what = RULES_WIREGUARD };

	snprintf(request.tunnel.interface, sizeof(request.tunnel.interface), "%s", name);
	send_request(kernel, &request);
}

void kernel_ask_peers(struct kernel *kernel)
{
	struct rules_request request = { .what = RULES_PEERS };

	kernel->peers_count = kernel->peers_pending = 0;
	for (size_t i = 0; i < kernel->tunnel_count; i++) {
		const struct tunnel *tunnel = &kernel->tunnels[i];

		/* wireguard-go is a tun for the kernel. */
		if (!tunnel->present ||
		    (tunnel->kind != LINK_WIREGUARD && tunnel->kind != LINK_TUN))
			continue;
		memcpy(request.tunnel.interface, tunnel->interface,
		       sizeof(request.tunnel.interface));
		send_request(kernel, &request);
		kernel->peers_pending++;
	}
}

void kernel_gone(struct kernel *kernel, const struct address *address)
{
	struct rules_request request = { .what = RULES_GONE };

	request.prefix.family = address->family;
	request.prefix.length = address_bits(address);
	if (address->family == AF_INET)
		request.prefix.v4 = address->v4;
	else
		request.prefix.v6 = address->v6;
	send_request(kernel, &request);
}

void kernel_trace(struct kernel *kernel, const struct rules_trace *trace)
{
	struct rules_request request = { .what = RULES_TRACE, .trace = *trace };

	send_request(kernel, &request);
}

void kernel_trace_end(struct kernel *kernel)
{
	struct rules_request request = { .what = RULES_TRACE_END };

	send_request(kernel, &request);
}

void kernel_remove(struct kernel *kernel)
{
	struct rules_request request = { .what = RULES_REMOVE };

	kernel->removing = true;
	for (size_t i = 0; i < kernel->sysctls.count; i++)
		send_sysctl(kernel, kernel->sysctls.list[i].name, kernel->sysctls.list[i].before);
	send_request(kernel, &request);
}
