/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "natd/log.h"

/* Tunnels, their networks, clients, publishes, the LAN's networks, ports, and the two that frame them. */
#define SET_MAX                                                                                    \
	(2 + CONFIG_TUNNELS_MAX * (1 + CONFIG_NETWORKS_MAX) + CONFIG_CLIENTS_MAX +                 \
	 CONFIG_PUBLISH_MAX + NETWORK_ADDRESSES_MAX + NETWORK_ROUTES_MAX + CONFIG_FORWARDS_MAX)

/* Another program has the tables changed so often, with no calm between, that natd says so. Longer than
 * CONTEST_MAX_MS of rules, so that a contest does not look like its end. */
#define CONTESTED 4
#define CALM_MS   60000

struct set {
	struct rules_request *items;
	size_t count;
	const struct network *network;
	bool owned; /* no other program may change the tables */
};

void kernel_init(struct kernel *kernel, struct process *rules)
{
	memset(kernel, 0, sizeof(*kernel));
	kernel->rules = rules;
}

static void send_request(struct kernel *kernel, const struct rules_request *request)
{
	process_post(kernel->rules, request, sizeof(*request));
}

static struct rules_request *append(struct set *set, enum rules_request_what what)
{
	struct rules_request *request = &set->items[set->count++];

	request->what = what;
	return request;
}

static struct rules_prefix to_rules(const struct prefix *prefix)
{
	struct rules_prefix out;

	memset(&out, 0, sizeof(out)); /* sets are compared byte by byte */
	out.family = prefix->address.family;
	out.length = prefix->length;
	if (out.family == AF_INET)
		out.v4 = prefix->address.v4;
	else
		out.v6 = prefix->address.v6;
	return out;
}

/* With an address that is gone packets would leave and no answer come back. */
static uint8_t egress_kind(const struct set *set, const struct egress *egress)
{
	if (!egress_is_gone(egress, set->network))
		return egress->kind;
	return egress->masquerade_gone ? RULES_EGRESS_MASQUERADE : RULES_EGRESS_CLOSED;
}

static void append_network(struct set *set, const char interface[IF_NAMESIZE],
			   const struct prefix *network, const struct egress *egress)
{
	uint8_t bits = egress->kind == RULES_EGRESS_PREFIX ? egress->length
							   : address_bits(&egress->address);
	struct rules_request *request = append(set, RULES_NETWORK);

	memcpy(request->network.interface, interface, IF_NAMESIZE);
	request->network.network = to_rules(network);
	request->network.egress = egress_kind(set, egress);
	if (request->network.egress != egress->kind || !egress_is_fixed(egress))
		return;
	request->network.address = to_rules(&(struct prefix){ egress->address, bits });
	if (egress->kind == RULES_EGRESS_POOL)
		request->network.last = to_rules(&(struct prefix){ egress->last, bits });
}

static struct kernel_client *find_client(struct kernel *kernel, const struct rules_prefix *network)
{
	for (size_t i = 0; i < kernel->client_count; i++) {
		struct rules_prefix client = to_rules(&kernel->clients[i].is.network);

		if (memcmp(&client, network, sizeof(client)) == 0)
			return &kernel->clients[i];
	}
	return NULL;
}

/* A `client` that is the whole network of a tunnel stands for it. */
static void append_tunnel(struct set *set, struct kernel *kernel, const struct tunnel *tunnel)
{
	struct rules_request *request = append(set, RULES_TUNNEL);

	memcpy(request->tunnel.interface, tunnel->interface, sizeof(tunnel->interface));
	request->tunnel.reach = tunnel->reach;
	for (size_t i = 0; i < tunnel->network_count; i++) {
		struct egress egress = tunnel_egress(tunnel, &tunnel->networks[i]);
		struct rules_prefix network = to_rules(&tunnel->networks[i]);

		if (!find_client(kernel, &network))
			append_network(set, tunnel->interface, &tunnel->networks[i], &egress);
	}
}

static void append_clients(struct set *set, const struct kernel *kernel)
{
	for (size_t i = 0; i < kernel->client_count; i++) {
		const struct kernel_client *client = &kernel->clients[i];

		if (client->interface[0])
			append_network(set, client->interface, &client->is.network,
				       &client->is.egress);
	}
}

static void append_published(struct set *set, const struct kernel *kernel)
{
	for (size_t i = 0; i < kernel->publish_count; i++) {
		const struct config_publish *publish = &kernel->publishes[i].is;
		struct prefix to = { publish->to, address_bits(&publish->to) };
		struct rules_request *request;

		if (!kernel->publishes[i].interface[0])
			continue;
		request = append(set, RULES_PUBLISH);
		request->publish.protocol = publish->protocol;
		request->publish.keep_source = publish->keep_source;
		request->publish.port = publish->port;
		request->publish.last = publish->last;
		request->publish.to_port = publish->to_port;
		request->publish.to = to_rules(&to);
	}
}

static bool has_lan(const struct set *set, size_t from, const struct rules_prefix *wanted)
{
	for (size_t i = from; i < set->count; i++)
		if (memcmp(&set->items[i].prefix, wanted, sizeof(*wanted)) == 0)
			return true;
	return false;
}

/* A network of the home, unless it is behind a tunnel, of this host alone, the internet itself, or in
 * the set already, from `from` on. */
static void append_lan_network(struct set *set, size_t from, const struct network *network,
			       unsigned int index, const struct prefix *prefix)
{
	const struct network_link *link = network_link_by_index(network, index);
	struct prefix whole = prefix_network(prefix);
	struct rules_prefix wanted = to_rules(&whole);

	if (!link || link->loopback || network_is_tunnel(link) || !prefix->length)
		return;
	if (!has_lan(set, from, &wanted))
		append(set, RULES_LAN)->prefix = wanted;
}

/* The networks of every interface, and private ones behind another router of the home. */
static void append_lan(struct set *set, const struct network *network)
{
	size_t from = set->count;

	for (size_t i = 0; i < network->address_count; i++) {
		const struct network_address *address = &network->addresses[i];

		if (address_kind(&address->prefix.address) != ADDRESS_SPECIAL)
			append_lan_network(set, from, network, address->index, &address->prefix);
	}
	for (size_t i = 0; i < network->route_count; i++) {
		const struct network_route *route = &network->routes[i];
		struct prefix whole = prefix_network(&route->destination);

		if (address_kind(&whole.address) == ADDRESS_PRIVATE)
			append_lan_network(set, from, network, route->index, &route->destination);
	}
}

static void build(struct set *set, struct kernel *kernel, const struct network *network,
		  const struct kernel_port *ports, size_t port_count)
{
	append(set, RULES_BEGIN)->begin.owned = set->owned ? RULES_OWNED_ALL : RULES_OWNED_NONE;
	for (size_t i = 0; i < kernel->tunnel_count; i++)
		append_tunnel(set, kernel, &kernel->tunnels[i]);
	append_clients(set, kernel);
	append_published(set, kernel);
	append_lan(set, network);
	for (size_t i = 0; i < port_count && i < CONFIG_FORWARDS_MAX; i++) {
		struct rules_request *request = append(set, RULES_PORT);

		request->port.protocol = ports[i].protocol;
		request->port.port = ports[i].port;
	}
	append(set, RULES_COMMIT);
}

/* Takes the set over and sends it, unless rules has it already. */
static void send_set(struct kernel *kernel, struct set *set)
{
	if (kernel->set && kernel->set_count == set->count &&
	    memcmp(kernel->set, set->items, set->count * sizeof(*set->items)) == 0) {
		free(set->items);
		return;
	}
	free(kernel->set);
	kernel->set = set->items;
	kernel->set_count = set->count;
	kernel->written = false;
	kernel->generation++;
	for (size_t i = 0; i < set->count; i++) {
		struct rules_request request = set->items[i];

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
	for (size_t i = kernel->publish_count; i < config->publish_count; i++)
		memset(&kernel->publishes[i], 0, sizeof(kernel->publishes[i]));
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
	for (size_t i = kernel->client_count; i < config->client_count; i++)
		memset(&kernel->clients[i], 0, sizeof(kernel->clients[i]));
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
	struct set set = { calloc(SET_MAX, sizeof(*set.items)), 0, network, config->owned };

	if (!set.items)
		fatal("no memory for %d rules", SET_MAX);
	kernel->tunnel_count = tunnels_find(kernel->tunnels, config, network);
	place_clients(kernel, config);
	place_published(kernel, config);
	build(&set, kernel, network, ports, port_count);
	send_coexist(kernel, config->coexist);
	send_set(kernel, &set);
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

		if (!tunnel->present || tunnel->kind != LINK_WIREGUARD)
			continue;
		memcpy(request.tunnel.interface, tunnel->interface,
		       sizeof(request.tunnel.interface));
		send_request(kernel, &request);
		kernel->peers_pending++;
	}
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

static void on_written(struct kernel *kernel, const struct rules_report *report)
{
	if (report->generation != kernel->generation)
		return; /* a newer set is on its way */
	kernel->written = report->written.error == 0;
	kernel->owned = report->written.owned;
	memcpy(kernel->refused, report->written.what, sizeof(kernel->refused));
	if (kernel->written)
		log_debug("the kernel has the rules after %u us", report->written.took_us);
	else
		log_error("the kernel refuses the rules: %s: %s", report->written.what,
			  strerror(report->written.error));
}

static void on_sysctl(struct kernel *kernel, const struct rules_sysctl_is *sysctl)
{
	if (sysctl->error == ENOENT)
		return; /* its interface has gone */
	if (sysctl->error)
		log_warning("%s cannot be written: %s", sysctl->name, strerror(sysctl->error));
	else if (!kernel->removing)
		log_info("%s is changed from %d until natd stops: the VPN's clients need it",
			 sysctl->name, sysctl->before);
}

static void on_touched(struct kernel *kernel, const struct rules_touched *touched, int64_t now)
{
	bool calm = !kernel->repairs || now - kernel->last_repair_at > CALM_MS;

	kernel->written = touched->error == 0 && !touched->wait_ms;
	if (touched->wait_ms) {
		log_warning("%s (pid %u) changed natd's tables again; they are put back in %u ms",
			    touched->program, touched->pid, touched->wait_ms);
		return;
	}
	kernel->repairs++;
	kernel->repairs_in_row = calm ? 1 : kernel->repairs_in_row + 1;
	kernel->last_repair = *touched;
	kernel->last_repair_at = now;
	if (touched->error)
		log_error("%s (pid %u) changed natd's tables, and they cannot be put back: %s",
			  touched->program, touched->pid, strerror(touched->error));
	else
		log_warning("%s (pid %u) changed natd's tables; put back in %u us",
			    touched->program, touched->pid, touched->took_us);
}

bool kernel_is_contested(const struct kernel *kernel, int64_t now)
{
	return kernel->repairs_in_row >= CONTESTED && now - kernel->last_repair_at <= CALM_MS;
}

static void on_network_count(struct kernel *kernel, const struct rules_network_count *count)
{
	struct kernel_client *client = find_client(kernel, &count->network);

	if (client)
		client->connections = count->packets;
}

static void on_publish_count(struct kernel *kernel, const struct rules_publish_count *count)
{
	for (size_t i = 0; i < kernel->publish_count; i++) {
		struct kernel_publish *publish = &kernel->publishes[i];

		if (publish->is.protocol == count->protocol && publish->is.port == count->port &&
		    publish->is.to.family == count->family)
			publish->connections = count->connections;
	}
}

static void on_purged(struct kernel *kernel, uint32_t purged)
{
	kernel->purged += purged;
	log_info("%u connections are ended: they began under other rules, or under none", purged);
}

static void on_peers(struct kernel *kernel, const struct rules_peers *peers)
{
	size_t i = 0;

	while (i < kernel->peers_count && strcmp(kernel->peers[i].interface, peers->interface) != 0)
		i++;
	if (i < CONFIG_TUNNELS_MAX)
		kernel->peers[i] = *peers;
	if (i == kernel->peers_count && i < CONFIG_TUNNELS_MAX)
		kernel->peers_count++;
	if (kernel->peers_pending)
		kernel->peers_pending--;
}

static bool interface_is_sound(const char interface[IF_NAMESIZE])
{
	return memchr(interface, '\0', IF_NAMESIZE) != NULL;
}

#define TERMINATED(array) (memchr(array, '\0', sizeof(array)) != NULL)

static bool traced_is_sound(const struct rules_traced *traced)
{
	return traced->fate < RULES_FATES && TERMINATED(traced->table) &&
	       TERMINATED(traced->chain) && TERMINATED(traced->comment) &&
	       (traced->from.family == AF_INET || traced->from.family == AF_INET6) &&
	       traced->to.family == traced->from.family;
}

static bool report_is_sound(const struct rules_report *report)
{
	switch (report->what) {
	case RULES_WRITTEN:
	case RULES_REMOVED:
		return report->written.owned < RULES_OWNED_WAYS &&
		       memchr(report->written.what, '\0', RULES_TEXT_MAX) != NULL;
	case RULES_SYSCTL_IS: return memchr(report->sysctl.name, '\0', RULES_SYSCTL_MAX) != NULL;
	case RULES_TUNNEL_COUNT: return interface_is_sound(report->tunnel.interface);
	case RULES_WIREGUARD_IS: return interface_is_sound(report->wireguard.interface);
	case RULES_TOUCHED: return memchr(report->touched.program, '\0', 16) != NULL;
	case RULES_TRACING: return true;
	case RULES_TRACED: return traced_is_sound(&report->traced);
	case RULES_PEERS_ARE:
		return interface_is_sound(report->peers.interface) && report->peers.ago >= -1 &&
		       report->peers.shaken <= report->peers.peers;
	case RULES_PORT_COUNT:
		return report->port.seen_ago >= -1 && report->port.seen_lan_ago >= -1;
	case RULES_NETWORK_COUNT:
	case RULES_PUBLISH_COUNT:
	case RULES_PURGED:
	case RULES_SCANNED:
	case RULES_COUNTED: return true;
	case RULES_FIREWALL: return firewalls_is_sound(&report->firewall);
	default: return false;
	}
}

void kernel_report(struct kernel *kernel, const struct rules_report *report, int64_t now)
{
	if (!report_is_sound(report))
		fatal("rules sent a report that makes no sense (%d)", report->what);
	switch (report->what) {
	case RULES_WRITTEN: on_written(kernel, report); break;
	case RULES_REMOVED: kernel->removed = true; break;
	case RULES_SYSCTL_IS: on_sysctl(kernel, &report->sysctl); break;
	case RULES_TOUCHED: on_touched(kernel, &report->touched, now); break;
	case RULES_PORT_COUNT:
		if (kernel->port_count < CONFIG_FORWARDS_MAX)
			kernel->ports[kernel->port_count++] = report->port;
		break;
	case RULES_TUNNEL_COUNT:
		if (kernel->tunnel_count_count < CONFIG_TUNNELS_MAX)
			kernel->tunnel_counts[kernel->tunnel_count_count++] = report->tunnel;
		firewalls_counted(&kernel->firewalls, &report->tunnel);
		break;
	case RULES_NETWORK_COUNT: on_network_count(kernel, &report->network); break;
	case RULES_PUBLISH_COUNT: on_publish_count(kernel, &report->publish); break;
	case RULES_PEERS_ARE: on_peers(kernel, &report->peers); break;
	case RULES_PURGED: on_purged(kernel, report->purged); break;
	case RULES_FIREWALL: firewalls_add(&kernel->firewalls, &report->firewall); break;
	case RULES_SCANNED: firewalls_scanned(&kernel->firewalls, kernel->coexist); break;
	default: break; /* what only ends or starts a list, or is natd's */
	}
}
