/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/ssdp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "upnp/header.h"

#define SSDP_PORT  1900
#define SSDP_GROUP "239.255.255.250"
#define SSDP_HOPS  2 /* UDA 1.1, 1.3.2 */

#define DEVICE_1 "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
#define DEVICE_2 "urn:schemas-upnp-org:device:InternetGatewayDevice:2"
#define IP_1     "urn:schemas-upnp-org:service:WANIPConnection:1"
#define IP_2     "urn:schemas-upnp-org:service:WANIPConnection:2"
#define PPP_1    "urn:schemas-upnp-org:service:WANPPPConnection:1"
#define ROOT     "upnp:rootdevice"

/* What each try asks. Some routers answer one of the two ways only, some know only some types
 * (field/routers.md 1, 2, 18); the first try asks for what most of them answer. */
static const struct {
	const char *unicast[2];
	const char *multicast[2];
} searches[SSDP_TRIES] = {
	{ { DEVICE_1 }, { DEVICE_1, DEVICE_2 } },
	{ { IP_1, DEVICE_2 }, { IP_1, PPP_1 } },
	{ { DEVICE_1, PPP_1 }, { DEVICE_1, IP_2 } },
	{ { IP_2, ROOT }, { DEVICE_2, ROOT } },
};

int ssdp_open(const struct upnp_network *network)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr = upnp_source(network) };
	struct ip_mreqn link = { .imr_ifindex = (int)network->ifindex };
	int hops = SSDP_HOPS;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof(hops));
	if (bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0 &&
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &link, sizeof(link)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void search(int fd, struct in_addr to, const char *target)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(SSDP_PORT),
				       .sin_addr = to };
	char text[256];
	char host[INET_ADDRSTRLEN];
	int length;

	inet_ntop(AF_INET, &to, host, sizeof(host));
	/* MX 1, the least: 0 makes some servers divide by it (field/routers.md 13). */
	length = snprintf(text, sizeof(text),
			  "M-SEARCH * HTTP/1.1\r\nHOST: %s:%d\r\nMAN: \"ssdp:discover\"\r\n"
			  "MX: 1\r\nST: %s\r\n\r\n",
			  host, SSDP_PORT, target);
	if (sendto(fd, text, (size_t)length, 0, (struct sockaddr *)&address, sizeof(address)) < 0)
		log_debug("SSDP search to %s: %s", host, strerror(errno));
}

void ssdp_search(int fd, const struct upnp_network *network, unsigned int try)
{
	struct in_addr group;

	inet_pton(AF_INET, SSDP_GROUP, &group);
	for (size_t i = 0; i < 2; i++)
		if (searches[try].unicast[i])
			search(fd, network->gateway, searches[try].unicast[i]);
	for (size_t i = 0; i < 2 && !network->source.s_addr; i++)
		if (searches[try].multicast[i])
			search(fd, group, searches[try].multicast[i]);
}

/* A SERVER line that is too long is not worth the answer: its start is kept. */
static void take_server(struct ssdp_answer *answer, const char *value, const char *end)
{
	if ((size_t)(end - value) >= sizeof(answer->server))
		end = value + sizeof(answer->server) - 1;
	if (header_take(answer->server, sizeof(answer->server), value, end))
		log_clean(answer->server);
}

/* "uuid:1bc32b33-...::urn:schemas-upnp-org:..." up to the second colon pair. */
static void take_uuid(struct ssdp_answer *answer, const char *value, const char *end)
{
	const char *colons = memmem(value, (size_t)(end - value), "::", 2);

	header_take(answer->uuid, sizeof(answer->uuid), value, colons ? colons : end);
}

static void take_boot_id(struct ssdp_answer *answer, const char *value, const char *end)
{
	char number[16];

	if (header_take(number, sizeof(number), value, end))
		answer->boot_id = (uint32_t)strtoul(number, NULL, 10);
}

static void take_kind(struct ssdp_answer *answer, const char *value, const char *end)
{
	char kind[16] = "";

	header_take(kind, sizeof(kind), value, end);
	if (strcasecmp(kind, "ssdp:byebye") == 0)
		answer->kind = SSDP_GOODBYE;
}

static void read_header(struct ssdp_answer *answer, const char *line, const char *end)
{
	const char *value;

	if ((value = header_value(line, end, "location")) && !answer->location[0])
		header_take(answer->location, sizeof(answer->location), value, end);
	else if ((value = header_value(line, end, "st")) || (value = header_value(line, end, "nt")))
		header_take(answer->target, sizeof(answer->target), value, end);
	else if ((value = header_value(line, end, "usn")))
		take_uuid(answer, value, end);
	else if ((value = header_value(line, end, "bootid.upnp.org")))
		take_boot_id(answer, value, end);
	else if ((value = header_value(line, end, "nts")) && answer->kind != SSDP_ANSWER)
		take_kind(answer, value, end);
	else if ((value = header_value(line, end, "server")))
		take_server(answer, value, end);
}

/* "HTTP/1.1 200 OK"; the version and the words vary. */
static bool is_ok(const char *line, const char *end)
{
	const char *space = memchr(line, ' ', (size_t)(end - line));

	return space && end - line >= 5 && strncasecmp(line, "HTTP/", 5) == 0 && end - space >= 4 &&
	       memcmp(space + 1, "200", 3) == 0;
}

static bool is_notify(const char *line, const char *end)
{
	return end - line >= 8 && memcmp(line, "NOTIFY *", 8) == 0;
}

bool ssdp_parse(struct ssdp_answer *answer, const char *bytes, size_t size)
{
	const char *end = bytes + size;
	const char *line_end = memchr(bytes, '\n', size);

	memset(answer, 0, sizeof(*answer));
	if (!line_end)
		return false;
	if (is_notify(bytes, line_end))
		answer->kind = SSDP_ALIVE;
	else if (!is_ok(bytes, line_end))
		return false;
	for (const char *line = line_end + 1; line < end; line = line_end + 1) {
		line_end = memchr(line, '\n', (size_t)(end - line));
		if (!line_end)
			line_end = end;
		read_header(answer, line, line_end);
	}
	return answer->location[0] || answer->kind == SSDP_GOODBYE;
}

static bool on_link(struct in_addr address, const struct upnp_network *network)
{
	uint32_t mask = network->prefix ? ~(uint32_t)0 << (32 - network->prefix) : 0;

	return ((ntohl(address.s_addr) ^ ntohl(network->gateway.s_addr)) & mask) == 0;
}

bool ssdp_is_router(const struct ssdp_answer *answer)
{
	return strstr(answer->target, ":InternetGatewayDevice:") ||
	       strstr(answer->target, ":WANIPConnection:") ||
	       strstr(answer->target, ":WANPPPConnection:");
}

bool ssdp_accept(struct url *description, const struct ssdp_answer *answer,
		 const struct upnp_network *network)
{
	/* Some name their IPv6 address although IPv4 has asked (field/routers.md 7). */
	if (url_parse_ipv6(description, answer->location, network->gateway))
		return true;
	if (!url_parse(description, answer->location) || !on_link(description->host, network))
		return false;
	description->host = network->gateway;
	return true;
}
