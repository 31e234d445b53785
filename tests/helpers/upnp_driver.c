/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upnp_driver: natd's side of upnp, by hand. Starts the real upnp process as uid nobody; lines on
 * standard input become requests, reports become lines on standard output.
 *
 *   use GATEWAY ADDRESS IFNAME PREFIX GENERATION CHECK PROTOCOL...   pcp nat-pmp upnp, preferred first
 *   map ID udp|tcp VIA PORT EXTERNAL LIFETIME NAME [NONCE [WANTED [FORMER [VIA PORT]]]]   VIA: a protocol or any
 *   unmap (the same)                                            NONCE: 24 hex digits
 *   service URL TYPE                                            for the next use
 *   epoch PROTOCOL SECONDS AGO       for the next use: what it said, and how many seconds ago; "-": before
 *                                    this host started
 *   router6 ADDRESS MAC                                         for the next use; "::" and "-": none
 *   hop N SOURCE                     for the next requests: which router, and from where ("hop 0 0.0.0.0")
 *   stun ADDRESS PORT
 *   lookup ID NAME RESOLVER...
 *   pin ID udp|tcp VIA PORT LIFETIME ADDRESS GATEWAY IFNAME UNIQUE-ID PROTOCOL...   over IPv6
 *   unpin (the same)
 *   ask | probe | list | look-out | knock | raw TEXT (a message that is no request)
 *
 * Ends with the end of its input; then upnp sees its natd go. The first line says upnp's pid. */
#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "natd/log.h"
#include "natd/process.h"
#include "upnp/upnp.h"

#define NOBODY 65534

static const char *const vias[] = { "pcp", "nat-pmp", "upnp", "any" };
static const char *const states[] = { "off",     "asking",      "ok",   "silent",
				      "refused", "unsupported", "error" };
static const char *const failures[] = { "no-protocol", "no-answer",    "host-refused",
					"port-taken",  "no-resources", "network-failure",
					"other",       "not-done" };

static uint8_t via_of(const char *name)
{
	for (uint8_t i = 0; i <= UPNP_ANY; i++)
		if (name && strcmp(vias[i], name) == 0)
			return i;
	fatal("no such protocol: %s", name ? name : "(none)");
}

static const char *word(void)
{
	return strtok(NULL, " \n");
}

static unsigned int number(void)
{
	const char *text = word();

	return text ? (unsigned int)strtoul(text, NULL, 10) : 0;
}

static void address(struct in_addr *to)
{
	const char *text = word();

	if (!text || inet_pton(AF_INET, text, to) != 1)
		fatal("not an address: %s", text ? text : "(none)");
}

static struct upnp_service remembered;
static struct upnp_epoch epochs[UPNP_PROTOCOLS];
static struct in_addr source;
static uint8_t hop;

static void remember_epoch(void)
{
	struct upnp_epoch *epoch = &epochs[via_of(word()) % UPNP_PROTOCOLS];
	const char *ago;
	struct timespec now;

	epoch->known = true;
	epoch->server = number();
	ago = word();
	epoch->undated = !ago || *ago == '-';
	clock_gettime(CLOCK_BOOTTIME, &now);
	if (!epoch->undated)
		epoch->heard_us = ((int64_t)now.tv_sec - atoi(ago)) * 1000000;
}

static void remember(void)
{
	const char *control = word();
	const char *type = word();

	snprintf(remembered.control, sizeof(remembered.control), "%s", control ? control : "");
	snprintf(remembered.type, sizeof(remembered.type), "%s", type ? type : "");
}

static struct in6_addr router6;
static uint8_t router_mac[6];

static void remember_router6(void)
{
	const char *text = word();
	uint8_t *mac = router_mac;

	if (!text || inet_pton(AF_INET6, text, &router6) != 1)
		fatal("not an address: %s", text ? text : "(none)");
	text = word();
	if (text && sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2],
			   &mac[3], &mac[4], &mac[5]) != 6)
		memset(mac, 0, sizeof(router_mac));
}

static void read_network(struct upnp_request *request)
{
	struct upnp_network *network = &request->network;
	const char *name;

	address(&network->gateway);
	address(&network->address);
	name = word();
	network->ifindex = name ? if_nametoindex(name) : 0;
	network->prefix = (uint8_t)number();
	request->generation = number();
	network->check = (uint16_t)number();
	network->service = remembered;
	network->router6 = router6;
	memcpy(network->epochs, epochs, sizeof(epochs));
	memcpy(network->mac, router_mac, sizeof(network->mac));
	network->source = source;
	while (network->count < UPNP_PROTOCOLS && (name = word()))
		network->order[network->count++] = via_of(name);
}

static void read_nonce(uint8_t nonce[UPNP_NONCE_SIZE], uint32_t id)
{
	const char *text = word();

	memset(nonce, (int)id, UPNP_NONCE_SIZE);
	for (size_t i = 0; text && i < UPNP_NONCE_SIZE && text[2 * i] && text[2 * i + 1]; i++)
		nonce[i] = (uint8_t)strtoul((char[]){ text[2 * i], text[2 * i + 1], 0 }, NULL, 16);
}

static void read_mapping(struct upnp_mapping *mapping)
{
	const char *name;

	mapping->id = number();
	name = word();
	mapping->protocol = name && strcmp(name, "tcp") == 0 ? IPPROTO_TCP : IPPROTO_UDP;
	mapping->via = via_of(word());
	mapping->port = (uint16_t)number();
	mapping->external_port = (uint16_t)number();
	mapping->lifetime = number();
	name = word();
	snprintf(mapping->name, sizeof(mapping->name), "%s", name ? name : "test");
	read_nonce(mapping->nonce, mapping->id);
	mapping->wanted_port = (uint16_t)number();
	name = word();
	if (name && inet_pton(AF_INET, name, &mapping->former) != 1)
		fatal("not an address: %s", name);
	name = word();
	mapping->former_via = name ? via_of(name) : UPNP_ANY;
	mapping->former_port = (uint16_t)number();
}

/* ID NAME RESOLVER... */
static void read_lookup(struct upnp_lookup *lookup)
{
	const char *name;
	struct in_addr v4;

	lookup->id = number();
	name = word();
	snprintf(lookup->name, sizeof(lookup->name), "%s", name ? name : "");
	while (lookup->count < UPNP_RESOLVERS_MAX && (name = word())) {
		struct in6_addr *to = &lookup->resolvers[lookup->count++].address;

		if (inet_pton(AF_INET, name, &v4) == 1) {
			to->s6_addr[10] = to->s6_addr[11] = 0xff;
			memcpy(to->s6_addr + 12, &v4, sizeof(v4));
		} else if (inet_pton(AF_INET6, name, to) != 1) {
			fatal("not an address: %s", name);
		}
	}
}

static void address6(struct in6_addr *to)
{
	const char *text = word();

	if (!text || inet_pton(AF_INET6, text, to) != 1)
		fatal("not an IPv6 address: %s", text ? text : "(none)");
}

static void read_pinhole(struct upnp_pinhole *pinhole)
{
	const char *name;

	pinhole->id = number();
	name = word();
	pinhole->protocol = name && strcmp(name, "tcp") == 0 ? IPPROTO_TCP : IPPROTO_UDP;
	pinhole->via = via_of(word());
	pinhole->port = (uint16_t)number();
	pinhole->lifetime = number();
	address6(&pinhole->address);
	address6(&pinhole->gateway);
	name = word();
	pinhole->ifindex = name ? if_nametoindex(name) : 0;
	pinhole->unique_id = (uint16_t)number();
	memset(pinhole->nonce, (int)pinhole->id, sizeof(pinhole->nonce));
	while (pinhole->count < UPNP_PROTOCOLS && (name = word()))
		pinhole->order[pinhole->count++] = via_of(name);
}

static void request(int upnp, char *line)
{
	static const char *const names[UPNP_REQUESTS] = { "use",    "map",    "unmap",    "ask",
							  "probe",  "list",   "look-out", "stun",
							  "lookup", "knock",  "pin",      "unpin",
							  "page",   "probe6", "leave" };
	struct upnp_request message = { 0 };
	const char *name = strtok(line, " \n");
	int what = 0;

	if (name && strcmp(name, "raw") == 0) {
		process_send(upnp, name, strlen(name));
		return;
	}
	if (name && strcmp(name, "epoch") == 0) {
		remember_epoch();
		return;
	}
	if (name && strcmp(name, "router6") == 0) {
		remember_router6();
		return;
	}
	if (name && strcmp(name, "service") == 0) {
		remember();
		return;
	}
	if (name && strcmp(name, "hop") == 0) {
		hop = (uint8_t)number();
		address(&source);
		return;
	}
	while (what < UPNP_REQUESTS && (!name || strcmp(names[what], name) != 0))
		what++;
	message.what = (enum upnp_request_what)what;
	message.hop = hop;
	if (what == UPNP_USE)
		read_network(&message);
	else if (what == UPNP_MAP || what == UPNP_UNMAP)
		read_mapping(&message.mapping);
	else if (what == UPNP_LOOKUP)
		read_lookup(&message.lookup);
	if (what == UPNP_STUN) {
		address(&message.server.address);
		message.server.port = (uint16_t)number();
	}
	if (what == UPNP_PIN || what == UPNP_UNPIN || what == UPNP_PROBE6)
		read_pinhole(&message.pinhole);
	process_send(upnp, &message, sizeof(message));
}

static const char *ip(struct in_addr address_)
{
	static char text[INET_ADDRSTRLEN];

	return inet_ntop(AF_INET, &address_, text, sizeof(text));
}

static const char *transport(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : "udp";
}

static void print_hops(const struct upnp_hops *hops)
{
	printf("hops");
	for (size_t i = 0; i < UPNP_HOPS; i++)
		printf(" %s", ip(hops->router[i]));
	printf(" wan");
	for (size_t i = 0; i < UPNP_HOPS - 1; i++)
		printf(" %s", ip(hops->wan[i]));
	printf("\n");
}

static void print_resolved(const struct upnp_resolved *resolved)
{
	static const char *const results[] = { "known", "missing", "unanswered" };
	char text[INET6_ADDRSTRLEN];

	printf("resolved %u %s %u", resolved->id, results[resolved->result], resolved->ttl);
	for (uint8_t i = 0; i < resolved->count; i++)
		printf(" %s", inet_ntop(AF_INET6, &resolved->addresses[i], text, sizeof(text)));
	printf(" %s\n", resolved->said);
}

static void print_pinned(enum upnp_report_what what, const struct upnp_pinned *pinned)
{
	char text[INET6_ADDRSTRLEN];

	if (what == UPNP_PINNED)
		printf("pinned %u %s %u [%s]:%u %u %s\n", pinned->id, vias[pinned->via],
		       pinned->unique_id,
		       inet_ntop(AF_INET6, &pinned->external_address, text, sizeof(text)),
		       pinned->external_port, pinned->lifetime, pinned->said);
	else if (what == UPNP_PIN_FAILED)
		printf("pin-failed %u %s %s\n", pinned->id, failures[pinned->failure],
		       pinned->said);
	else
		printf("unpinned %u %s %s\n", pinned->id, pinned->removed ? "removed" : "kept",
		       pinned->said);
}

static void print(const struct upnp_report *r)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("%lld.%06ld %u ", (long long)now.tv_sec, now.tv_nsec / 1000, r->generation);
	if (r->hop)
		printf("hop %u: ", r->hop);
	switch (r->what) {
	case UPNP_PROTOCOL:
		printf("protocol %s %s %u %s\n", vias[r->protocol.protocol],
		       states[r->protocol.state], r->protocol.took_us, r->protocol.said);
		break;
	case UPNP_ROUTER:
		printf("router igd=%u model=[%s] url=[%s] server=[%s]\n", r->router.igd_version,
		       r->router.model, r->router.url, r->router.server);
		break;
	case UPNP_WAN: printf("wan %s %s\n", vias[r->wan.via], ip(r->wan.address)); break;
	case UPNP_MAPPED:
		printf("mapped %u %s %u %s %u %u %s\n", r->granted.id, vias[r->granted.via],
		       r->granted.external_port, ip(r->granted.external_address),
		       r->granted.lifetime, r->granted.took_us, r->granted.said);
		break;
	case UPNP_FAILED:
		printf("failed %u %s %s %s\n", r->failed.id, vias[r->failed.via],
		       failures[r->failed.failure], r->failed.said);
		break;
	case UPNP_UNMAPPED:
		printf("unmapped %u %s %s\n", r->unmapped.id,
		       r->unmapped.removed ? "removed" : "kept", r->unmapped.said);
		break;
	case UPNP_ENTRY:
		printf("entry %s %u %s %u %u %d [%s]\n", transport(r->entry.protocol),
		       r->entry.external_port, ip(r->entry.client), r->entry.port, r->entry.lease,
		       r->entry.enabled, r->entry.description);
		break;
	case UPNP_LISTED:
		printf("listed %u %s %s\n", r->listed.count,
		       r->listed.complete ? "complete" : "incomplete", r->listed.said);
		break;
	case UPNP_PROBED: printf("probed\n"); break;
	case UPNP_LOST:
		printf("lost %s %u %s\n", vias[r->lost.via], r->lost.delay_ms, r->lost.said);
		break;
	case UPNP_SERVICE: printf("service %s %s\n", r->service.control, r->service.type); break;
	case UPNP_EPOCH:
		printf("epoch %s %u %s %s\n", vias[r->told.via], r->told.epoch.server,
		       r->told.restarted ? "restarted" : "new", r->told.said);
		break;
	case UPNP_FOUND_HOPS: print_hops(&r->hops); break;
	case UPNP_MAPPED_AS: printf("mapped-as %s\n", ip(r->mapped_as)); break;
	case UPNP_PAGE_IS: printf("page %s\n", r->title); break;
	case UPNP_RESOLVED: print_resolved(&r->resolved); break;
	case UPNP_HOLDER:
		printf("holder %u %s %s\n", r->holder.id, ip(r->holder.address),
		       r->holder.removed ? "removed" : "stays");
		break;
	case UPNP_PINNED:
	case UPNP_PIN_FAILED:
	case UPNP_UNPINNED: print_pinned(r->what, &r->pinned); break;
	case UPNP_PINS_LOST: printf("pins-lost %u %s\n", r->lost.delay_ms, r->lost.said); break;
	case UPNP_PROBED6:
		printf("probed6 pcp %s [%s] firewall %s %d %d [%s]\n", states[r->probed6.pcp.state],
		       r->probed6.pcp.said, states[r->probed6.firewall.state], r->probed6.enabled,
		       r->probed6.allowed, r->probed6.firewall.said);
		break;
	case UPNP_REPORTS: printf("?\n"); break;
	}
	fflush(stdout);
}

static bool read_requests(int upnp, char *line, size_t size)
{
	/* Every line that waits goes out at once, as natd sends them. */
	ssize_t got = read(STDIN_FILENO, line, size - 1);
	char *next;

	if (got <= 0)
		return false;
	line[got] = '\0';
	for (char *at = line; *at; at = next) {
		next = at + strcspn(at, "\n");
		if (*next)
			*next++ = '\0';
		request(upnp, at);
	}
	return true;
}

int main(void)
{
	static const struct identity nobody = { NOBODY, NOBODY };
	struct process upnp;
	struct upnp_report report;
	char line[4096];
	int status = 0;

	log_open("driver", getenv("UPNP_QUIET") == NULL);
	process_start(&upnp, "upnp", PROCESS_NO_CAPABILITY, &nobody, upnp_main);
	printf("pid %d\n", upnp.pid);
	fflush(stdout);
	for (;;) {
		struct pollfd both[] = { { upnp.socket, POLLIN, 0 }, { STDIN_FILENO, POLLIN, 0 } };
		int received;

		poll(both, 2, -1);
		while ((received = process_receive(upnp.socket, &report, sizeof(report), false)) >
		       0)
			print(&report);
		if (received < 0)
			break;
		if (both[1].revents && !read_requests(upnp.socket, line, sizeof(line)))
			break;
	}
	close(upnp.socket);
	waitpid(upnp.pid, &status, 0);
	printf("upnp ended %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	return 0;
}
