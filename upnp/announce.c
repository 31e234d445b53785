/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/announce.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "upnp/bytes.h"
#include "upnp/filter.h"
#include "upnp/igd.h"
#include "upnp/pcp.h"

#define NATPMP_VERSION      0
#define NATPMP_ADDRESS      128 /* the response to opcode 0 */
#define NATPMP_ADDRESS_SIZE 12

static void on_5350(struct client *client, const uint8_t *bytes, size_t size, struct in_addr from);
static void on_1900(struct client *client, const uint8_t *bytes, size_t size, struct in_addr from);

static const struct group {
	const char *address;
	uint16_t port;
	uint8_t protocols; /* bits 1 << enum upnp_protocol */
	void (*on)(struct client *client, const uint8_t *bytes, size_t size, struct in_addr from);
} groups[ANNOUNCE_GROUPS] = {
	/* RFC 6887 14.1.3, RFC 6886 3.2.1 */
	{ "224.0.0.1", 5350, 1 << UPNP_PCP | 1 << UPNP_NATPMP, on_5350 },
	/* UDA 1.1, 1.2 */
	[ANNOUNCE_1900] = { "239.255.255.250", 1900, 1 << UPNP_IGD, on_1900 },
};

static const struct refrain no_refrain;

/* Bound to the group, so that nothing else comes in; shared with other programs that listen. */
static int listen_to(const struct group *group, const struct upnp_network *network)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(group->port) };
	struct ip_mreqn member = { .imr_ifindex = (int)network->ifindex };
	int yes = 1;
	int no = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	filter_attach(fd, network->gateway, (struct in_addr){ 0 }, &no_refrain);
	inet_pton(AF_INET, group->address, &address.sin_addr);
	member.imr_multiaddr = address.sin_addr;
	/* Without it, a group that another program joined on another link would be heard as well. */
	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &no, sizeof(no));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &member, sizeof(member)) == 0)
		return fd;
	log_debug("announcements on %s port %u are not heard: %s", group->address, group->port,
		  strerror(errno));
	close(fd);
	return -1;
}

/* ff02::1, RFC 6887 14.1.3: every host is in that group without asking. */
static int listen_to_all_nodes(const struct upnp_network *network)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6,
					.sin6_port = htons(groups[0].port),
					.sin6_scope_id = network->ifindex };
	int yes = 1;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	inet_pton(AF_INET6, "ff02::1", &address.sin6_addr);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	log_debug("announcements on ff02::1 are not heard: %s", strerror(errno));
	close(fd);
	return -1;
}

void announce_open(struct client *client)
{
	uint8_t wanted = 0;

	if (client->listening || client->network.source.s_addr) /* the latter is on another link */
		return;
	client->listening = true;
	client->refrain = no_refrain;
	for (uint8_t i = 0; i < client->network.count; i++)
		wanted |= (uint8_t)(1 << client->network.order[i]);
	for (size_t i = 0; i < ANNOUNCE_GROUPS; i++)
		if (groups[i].protocols & wanted)
			client->announcements[i] = listen_to(&groups[i], &client->network);
	if (wanted & 1 << UPNP_PCP)
		client->announcements[ANNOUNCE_V6] = listen_to_all_nodes(&client->network);
}

static void refilter(const struct client *client)
{
	if (client->announcements[ANNOUNCE_1900] >= 0)
		filter_attach(client->announcements[ANNOUNCE_1900], client->network.gateway,
			      client->igd.found.source, &client->refrain);
}

void announce_boring(struct client *client, const uint8_t *bytes, size_t size)
{
	if (refrain_learn(&client->refrain, bytes, size))
		refilter(client);
}

void announce_news(struct client *client)
{
	client->refrain = no_refrain;
	refilter(client);
}

void announce_close(struct client *client)
{
	client->listening = false;
	for (size_t i = 0; i < ANNOUNCE_SOCKETS; i++) {
		if (client->announcements[i] >= 0)
			close(client->announcements[i]);
		client->announcements[i] = -1;
	}
}

/* A protocol that was not there speaks: if nothing else opens ports, that is worth a question. */
static void on_newcomer(struct client *client, uint8_t via)
{
	char said[UPNP_TEXT_MAX];

	if (!asking_over(&client->asking) || client->asking.writer != UPNP_ANY)
		return;
	say(said, "%s: the router announces itself", protocols[via]->name);
	mappings_lost(client, via, true, said);
}

/* Whoever plays the gateway makes natd ask no more than once in a while, and write nothing. */
static void on_epoch(struct client *client, uint8_t via, uint32_t epoch)
{
	if (!memchr(client->network.order, via, client->network.count) || announced_waits(client))
		return;
	if (!client->epochs[via].known || client->inherited[via])
		on_newcomer(client, via);
	epoch_is(client, via, epoch, true);
}

/* RFC 6886 3.2.1: the answer to a question for the external address that nobody asked. */
static void on_natpmp(struct client *client, const uint8_t *bytes)
{
	struct in_addr address;

	memcpy(&address, bytes + 8, sizeof(address));
	on_epoch(client, UPNP_NATPMP, get32(bytes + 4));
	if (client->wan_known[UPNP_NATPMP])
		wan_is(client, UPNP_NATPMP, address);
}

static void on_pcp(struct client *client, const uint8_t *bytes, size_t size)
{
	struct pcp_response response;

	if (pcp_decode(&response, bytes, size) && response.opcode == PCP_ANNOUNCE &&
	    response.result == PCP_SUCCESS)
		on_epoch(client, UPNP_PCP, response.epoch);
}

static void on_5350(struct client *client, const uint8_t *bytes, size_t size, struct in_addr from)
{
	if (from.s_addr != client->network.gateway.s_addr)
		log_debug("an announcement that is not of the gateway");
	else if (size == NATPMP_ADDRESS_SIZE && bytes[0] == NATPMP_VERSION &&
		 bytes[1] == NATPMP_ADDRESS && bytes[2] == 0 && bytes[3] == 0)
		on_natpmp(client, bytes);
	else
		on_pcp(client, bytes, size);
}

static void on_1900(struct client *client, const uint8_t *bytes, size_t size, struct in_addr from)
{
	igd_announced(client, (const char *)bytes, size, from);
}

/* The link-local address that a host makes of its MAC address (RFC 4291, appendix A). */
static bool is_made_of(const struct in6_addr *address, const uint8_t mac[6])
{
	const uint8_t made[16] = { 0xfe,       0x80,   0,      0,    0,    0,      0,      0,
				   mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5] };

	return memcmp(address, made, sizeof(made)) == 0;
}

/* Is that link-local address the gateway's? It is where natd says so, who looks at the IPv6 default
 * route and the neighbours, and where it is made of the gateway's MAC address. */
static bool is_router6(const struct upnp_network *network, const struct in6_addr *from)
{
	static const uint8_t none[6];

	if (!IN6_IS_ADDR_LINKLOCAL(from))
		return false;
	return memcmp(from, &network->router6, sizeof(*from)) == 0 ||
	       (memcmp(network->mac, none, sizeof(none)) != 0 && is_made_of(from, network->mac));
}

/* Anybody on the link may send to these groups, faster than they are read: the rest is for the next
 * round, after what else upnp has to do. */
#define AT_ONCE 64

static void receive(struct client *client, size_t index)
{
	uint8_t bytes[SSDP_DATAGRAM_MAX];

	for (int i = 0; i < AT_ONCE && client->announcements[index] >= 0; i++) {
		struct sockaddr_in from = { 0 };
		socklen_t length = sizeof(from);
		ssize_t size = recvfrom(client->announcements[index], bytes, sizeof(bytes), 0,
					(struct sockaddr *)&from, &length);

		if (size < 0)
			return;
		groups[index].on(client, bytes, (size_t)size, from.sin_addr);
	}
}

/* A server for both families has one table and one epoch (RFC 6887 14.1.1): what it says over IPv6 is
 * taken as if it had come from the gateway's IPv4 address. */
static void receive_v6(struct client *client)
{
	uint8_t bytes[PCP_MESSAGE_MAX + 1];

	for (int i = 0; i < AT_ONCE && client->announcements[ANNOUNCE_V6] >= 0; i++) {
		struct sockaddr_in6 from = { 0 };
		socklen_t length = sizeof(from);
		ssize_t size = recvfrom(client->announcements[ANNOUNCE_V6], bytes, sizeof(bytes), 0,
					(struct sockaddr *)&from, &length);

		if (size < 0)
			return;
		if (is_router6(&client->network, &from.sin6_addr))
			on_pcp(client, bytes, (size_t)size);
		else
			log_debug("an announcement over IPv6 that is not of the gateway");
	}
}

void announce_receive(struct client *client)
{
	for (size_t i = 0; i < ANNOUNCE_GROUPS; i++)
		receive(client, i);
	receive_v6(client);
}
