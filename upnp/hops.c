/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/hops.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"

/* Where the datagrams are addressed to: 203.0.113.1, of a network for documentation (RFC 5737). Every
 * home router sends it towards the provider like any address of the internet, and nobody is there: at
 * three hops it would reach no one even if it were somebody's. Traceroute's ports, one per probe, so
 * that the error says which probe it is about. */
#define HOPS_TARGET     0xcb007101
#define HOPS_PORT_FIRST 33434

/* Tries at 0, 200 and 600 ms, ended at 1400: the third router is a few milliseconds away, or at most
 * tens of them (DSL). */
#define HOPS_TRIES        3
#define HOPS_TRY_FIRST_US 200000

#define RECORD_ROUTE 7 /* RFC 791 3.1: type, length, pointer (from 1), addresses */
#define RECORD_SIZE  (3 + 4 * HOPS_RECORDS)
#define OPTIONS_MAX  40

#define SIZE_BYTES (UPNP_MTU_MAX - 20 - 8) /* less the headers of IP and UDP */

/* Two plain ones first: what they say decides, and they are answered most of all. */
enum { PROBE_1, PROBE_2, PROBE_3, PROBE_RECORD_2, PROBE_RECORD_3, PROBE_SIZE };

static const struct {
	int ttl;
	bool record;
	size_t bytes; /* of data */
} probes[HOPS_PROBES] = {
	[PROBE_1] = { 1, false, 0 },       [PROBE_2] = { 2, false, 0 },
	[PROBE_3] = { 3, false, 0 },       [PROBE_RECORD_2] = { 2, true, 0 },
	[PROBE_RECORD_3] = { 3, true, 0 }, [PROBE_SIZE] = { 3, false, SIZE_BYTES },
};

void hops_init(struct hops *hops)
{
	memset(hops, 0, sizeof(*hops));
	hops->socket = -1;
	hops->next_us = INT64_MAX;
}

void hops_close(struct hops *hops)
{
	if (hops->socket >= 0)
		close(hops->socket);
	hops_init(hops);
}

static int open_socket(struct in_addr own)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = own };
	int whole = IP_PMTUDISC_PROBE; /* whatever the kernel believes of the path */
	int yes = 1;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && setsockopt(fd, IPPROTO_IP, IP_RECVERR, &yes, sizeof(yes)) == 0 &&
	    setsockopt(fd, IPPROTO_IP, IP_RECVOPTS, &yes, sizeof(yes)) == 0 &&
	    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof(whole)) == 0 &&
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0)
		return fd;
	log_debug("hops: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

void hops_start(struct hops *hops, const struct upnp_network *network)
{
	hops_close(hops);
	hops->own = network->address;
	hops->ifindex = network->ifindex;
	hops->socket = open_socket(network->address);
	hops->next_us = 0; /* also without a socket: nothing is found then, which is an answer */
}

/* ---- sending ---- */

static void add_control(struct msghdr *message, int type, const void *value, size_t size)
{
	struct cmsghdr *control =
		(struct cmsghdr *)((char *)message->msg_control + message->msg_controllen);

	control->cmsg_level = IPPROTO_IP;
	control->cmsg_type = type;
	control->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(control), value, size);
	message->msg_controllen += CMSG_SPACE(size);
}

static void send_probe(const struct hops *hops, unsigned int index)
{
	static char nothing[SIZE_BYTES];
	static const uint8_t record[RECORD_SIZE + 1] = { RECORD_ROUTE, RECORD_SIZE, 4 };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)(HOPS_PORT_FIRST + index)),
				  .sin_addr.s_addr = htonl(HOPS_TARGET) };
	/* By this link whatever the routes of a VPN say (field/routers.md 67). */
	struct in_pktinfo link = { .ipi_ifindex = (int)hops->ifindex, .ipi_spec_dst = hops->own };
	_Alignas(struct cmsghdr) char control[128] = { 0 };
	struct iovec data = { nothing, probes[index].bytes };
	struct msghdr message = { .msg_name = &to,
				  .msg_namelen = sizeof(to),
				  .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control };

	add_control(&message, IP_PKTINFO, &link, sizeof(link));
	add_control(&message, IP_TTL, &probes[index].ttl, sizeof(int));
	if (probes[index].record)
		add_control(&message, IP_RETOPTS, record, sizeof(record));
	/* The error of an earlier probe is told here once and keeps this one back. */
	for (int i = 0; i < 3 && sendmsg(hops->socket, &message, 0) < 0; i++)
		if (errno != EHOSTUNREACH && errno != ENETUNREACH && errno != EACCES)
			break;
}

static void send_missing(struct hops *hops, int64_t now_us)
{
	for (unsigned int i = 0; i < HOPS_PROBES; i++)
		if (!hops->answered[i])
			send_probe(hops, i);
	hops->next_us = now_us + ((int64_t)HOPS_TRY_FIRST_US << hops->tries);
	hops->tries++;
}

/* ---- what comes back ---- */

size_t hops_record(const uint8_t *options, size_t size, struct in_addr records[HOPS_RECORDS])
{
	size_t at = 0;
	size_t count;

	while (at < size && options[at] != IPOPT_EOL) {
		size_t length = options[at] == IPOPT_NOP                ? 1
				: at + 1 < size && options[at + 1] >= 2 ? options[at + 1]
									: size;

		if (length > size - at)
			return 0;
		if (options[at] != RECORD_ROUTE || length < 3) {
			at += length;
			continue;
		}
		/* The pointer is past what was recorded, and no further than one past the end. */
		if (options[at + 2] < 4 || options[at + 2] > length + 1)
			return 0;
		count = (size_t)(options[at + 2] - 4) / 4;
		count = count < HOPS_RECORDS ? count : HOPS_RECORDS;
		memcpy(records, options + at + 3, count * sizeof(*records));
		return count;
	}
	return 0;
}

/* "Fragmentation needed": the router behind which the line is narrow tells its MTU. Old ones tell 0. */
static void on_narrow(struct hops *hops, unsigned int index, uint32_t mtu)
{
	if (index != PROBE_SIZE)
		return;
	hops->answered[index] = true;
	if (mtu >= UPNP_MTU_MIN && mtu < UPNP_MTU_MAX && (!hops->mtu || mtu < hops->mtu))
		hops->mtu = (uint16_t)mtu;
}

/* One error: who sent it, in answer to which probe. */
static void on_error(struct hops *hops, struct msghdr *message, uint16_t port)
{
	unsigned int index = (unsigned int)port - HOPS_PORT_FIRST;
	const struct sock_extended_err *error = NULL;
	struct in_addr records[HOPS_RECORDS] = { 0 };
	struct sockaddr_in from = { 0 };

	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control;
	     control = CMSG_NXTHDR(message, control)) {
		size_t size = control->cmsg_len - CMSG_LEN(0);

		if (control->cmsg_level != IPPROTO_IP)
			continue;
		if (control->cmsg_type == IP_RECVOPTS)
			hops_record(CMSG_DATA(control), size, records);
		if (control->cmsg_type == IP_RECVERR && size >= sizeof(*error) + sizeof(from)) {
			error = (const void *)CMSG_DATA(control);
			memcpy(&from, SO_EE_OFFENDER(error), sizeof(from));
		}
	}
	/* A router where it died, or one that has no way on; errors of this host are none. */
	if (index >= HOPS_PROBES || !error || error->ee_origin != SO_EE_ORIGIN_ICMP ||
	    (error->ee_type != ICMP_TIME_EXCEEDED && error->ee_type != ICMP_DEST_UNREACH) ||
	    from.sin_family != AF_INET)
		return;
	if (error->ee_type == ICMP_DEST_UNREACH && error->ee_code == ICMP_FRAG_NEEDED) {
		on_narrow(hops, index, error->ee_info);
		return;
	}
	hops->answered[index] = true;
	hops->from[index] = from.sin_addr;
	memcpy(hops->records[index], records, sizeof(records));
}

static void receive(struct hops *hops)
{
	struct sockaddr_in to = { 0 };
	_Alignas(struct cmsghdr) char control[256];
	char bytes[64];
	struct iovec data = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };
	socklen_t size = sizeof(int);
	int error;

	for (;;) {
		message.msg_name = &to;
		message.msg_namelen = sizeof(to);
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		if (recvmsg(hops->socket, &message, MSG_ERRQUEUE) < 0)
			break;
		if (message.msg_namelen == sizeof(to) && to.sin_addr.s_addr == htonl(HOPS_TARGET))
			on_error(hops, &message, ntohs(to.sin_port));
	}
	/* Nobody may answer from there, and an error that found no room must not wake us for ever. */
	while (recv(hops->socket, bytes, sizeof(bytes), 0) >= 0)
		;
	getsockopt(hops->socket, SOL_SOCKET, SO_ERROR, &error, &size);
}

static bool all_answered(const struct hops *hops)
{
	for (size_t i = 0; i < HOPS_PROBES; i++)
		if (!hops->answered[i])
			return false;
	return true;
}

/* Every answer is there, or no more can come: there is no socket, or the tries are used up. */
static bool is_over(const struct hops *hops, int64_t now_us)
{
	return hops->socket < 0 || all_answered(hops) ||
	       (hops->tries == HOPS_TRIES && now_us >= hops->next_us);
}

bool hops_step(struct hops *hops, int64_t now_us, struct upnp_hops *found)
{
	if (hops->next_us == INT64_MAX)
		return false;
	if (hops->socket >= 0)
		receive(hops);
	if (!is_over(hops, now_us)) {
		if (now_us >= hops->next_us)
			send_missing(hops, now_us);
		return false;
	}
	*found = hops_found(hops);
	hops_close(hops);
	return true;
}

/* ---- what it means ---- */

static bool is_among(struct in_addr address, const struct in_addr *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].s_addr == address.s_addr)
			return true;
	return false;
}

/* The address that router number `index` has recorded before the packet died further on. A router that
 * does not record leaves its place to the next one, which is the one that answered: that is no WAN
 * address of a router before it. */
static struct in_addr recorded(const struct hops *hops, const struct upnp_hops *found,
			       unsigned int probe, unsigned int index)
{
	const struct in_addr *records = hops->records[probe];
	struct in_addr none = { INADDR_ANY };

	if (records[0].s_addr != hops->own.s_addr || records[index].s_addr == hops->own.s_addr ||
	    records[index].s_addr == hops->from[probe].s_addr ||
	    is_among(records[index], found->router, UPNP_HOPS))
		return none;
	return records[index];
}

struct upnp_hops hops_found(const struct hops *hops)
{
	struct upnp_hops found = { .mtu = hops->mtu };

	for (unsigned int i = 0; i < UPNP_HOPS; i++)
		/* A router that has no way on answers for those behind it as well. */
		if (hops->answered[i] && !is_among(hops->from[i], found.router, i))
			found.router[i] = hops->from[i];
	found.wan[0] = recorded(hops, &found, PROBE_RECORD_2, 1);
	if (found.wan[0].s_addr && hops->records[PROBE_RECORD_3][1].s_addr == found.wan[0].s_addr)
		found.wan[1] = recorded(hops, &found, PROBE_RECORD_3, 2);
	return found;
}
