/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/former.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "upnp/bytes.h"
#include "upnp/client.h"
#include "upnp/pcp.h"

#define NATPMP_REMOVAL_SIZE 12
#define NATPMP_REMOVED_SIZE 16
#define NATPMP_RESPONSE     128

#define FOR_EACH_FORMER(former, task)                                                              \
	for (struct former_task *task = (former)->tasks; task < (former)->tasks + FORMER_MAX;      \
	     task++)

void former_init(struct former *former)
{
	memset(former, 0, sizeof(*former));
	former->socket = -1;
}

void former_close(struct former *former)
{
	if (former->socket >= 0)
		close(former->socket);
	former_init(former);
}

static uint8_t natpmp_opcode(const struct upnp_mapping *mapping)
{
	return mapping->protocol == IPPROTO_TCP ? NATPMP_PROTOCOL_TCP : NATPMP_PROTOCOL_UDP;
}

/* RFC 6886 3.4: version, opcode, two reserved octets, our port, external port 0, lifetime 0. */
static size_t encode_natpmp(uint8_t bytes[PCP_REQUEST_SIZE], const struct upnp_mapping *mapping)
{
	memset(bytes, 0, NATPMP_REMOVAL_SIZE);
	bytes[1] = natpmp_opcode(mapping);
	put16(bytes + 4, mapping->port);
	return NATPMP_REMOVAL_SIZE;
}

static struct pcp_map pcp_map_of(const struct upnp_mapping *mapping)
{
	struct pcp_map map = { .protocol = mapping->protocol, .internal_port = mapping->port };

	memcpy(map.nonce, mapping->nonce, sizeof(map.nonce));
	return map;
}

static size_t encode_pcp(uint8_t bytes[PCP_REQUEST_SIZE], const struct upnp_mapping *mapping)
{
	struct pcp_map map = pcp_map_of(mapping);

	return pcp_encode_map(bytes, mapping->former, 0, &map);
}

static bool open_socket(struct former *former, const struct client *client, struct in_addr address)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr = address };
	struct sockaddr_in server = { .sin_family = AF_INET,
				      .sin_port = htons(PCP_PORT),
				      .sin_addr = client->network.gateway };

	if (former->socket >= 0 && former->address.s_addr == address.s_addr)
		return true;
	former_close(former);
	former->address = address;
	former->socket = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return former->socket >= 0 &&
	       bind(former->socket, (struct sockaddr *)&own, sizeof(own)) == 0 &&
	       connect(former->socket, (struct sockaddr *)&server, sizeof(server)) == 0;
}

static void give_up(struct former *former, int error)
{
	log_debug("what the former address has stays till its time is over (%s)", strerror(error));
	former_close(former);
}

static void step(struct former *former, struct former_task *task, int64_t now)
{
	uint8_t bytes[PCP_REQUEST_SIZE];
	bool pcp = task->mapping.former_via == UPNP_PCP;
	size_t size =
		pcp ? encode_pcp(bytes, &task->mapping) : encode_natpmp(bytes, &task->mapping);

	if (task->tries.count == TRIES) {
		task->tries.active = false;
		return;
	}
	tries_step(&task->tries, now);
	if (send(former->socket, bytes, size, 0) >= 0)
		return;
	log_debug("a removal for the former address: %s", strerror(errno));
	if (errno == ECONNREFUSED)
		give_up(former, errno);
}

/* The one of this mapping, or a free one. */
static struct former_task *task_for(struct former *former, const struct upnp_mapping *mapping)
{
	struct former_task *free = NULL;

	FOR_EACH_FORMER(former, task)
	{
		if (task->tries.active && task->mapping.id == mapping->id)
			return task;
		if (!task->tries.active)
			free = task;
	}
	return free;
}

void former_leave(struct client *client, const struct upnp_mapping *mapping)
{
	struct former *former = &client->former;
	struct former_task *task;

	if (!mapping->former.s_addr ||
	    (mapping->former_via != UPNP_PCP && mapping->former_via != UPNP_NATPMP))
		return;
	if (!open_socket(former, client, mapping->former)) {
		give_up(former, errno);
		return;
	}
	task = task_for(former, mapping);
	if (!task)
		return;
	task->mapping = *mapping;
	tries_start(&task->tries);
	step(former, task, now_us());
}

void former_run(struct former *former, int64_t now)
{
	FOR_EACH_FORMER(former, task)
	if (task->tries.active && task->tries.next_us <= now)
		step(former, task, now);
}

int64_t former_deadline(const struct former *former)
{
	int64_t next = ASKING_NEVER;

	for (size_t i = 0; i < FORMER_MAX; i++)
		if (former->tasks[i].tries.active && former->tasks[i].tries.next_us < next)
			next = former->tasks[i].tries.next_us;
	return next;
}

/* Is it the answer to this removal? Then `removed` says whether it was done. */
static bool is_answer(const struct former_task *task, const uint8_t *bytes, size_t size,
		      bool *removed)
{
	const struct pcp_map map = pcp_map_of(&task->mapping);
	struct pcp_response response;

	if (task->mapping.former_via == UPNP_PCP) {
		if (!pcp_decode(&response, bytes, size) || response.opcode != PCP_MAP ||
		    !response.has_map || !pcp_answers(&response, &map))
			return false;
		*removed = response.result == PCP_SUCCESS && response.lifetime == 0;
		return true;
	}
	if (size < NATPMP_REMOVED_SIZE || bytes[0] != 0 ||
	    bytes[1] != (NATPMP_RESPONSE | natpmp_opcode(&task->mapping)) ||
	    get16(bytes + 8) != task->mapping.port)
		return false;
	*removed = get16(bytes + 2) == 0;
	return true;
}

static void on_datagram(struct client *client, const uint8_t *bytes, size_t size)
{
	FOR_EACH_FORMER(&client->former, task)
	{
		bool removed;

		if (!task->tries.active || !is_answer(task, bytes, size, &removed))
			continue;
		log_debug("%s: what the former address has is %s",
			  protocols[task->mapping.former_via]->name,
			  removed ? "removed" : "kept by the router");
		if (removed && task->tries.count > 1)
			holder_is(client, task->mapping.id, task->mapping.former, true);
		task->tries.active = false;
	}
}

void former_receive(struct client *client)
{
	struct former *former = &client->former;
	uint8_t bytes[PCP_MESSAGE_MAX + 1];
	ssize_t size;

	while (former->socket >= 0 && (size = recv(former->socket, bytes, sizeof(bytes), 0)) >= 0)
		on_datagram(client, bytes, (size_t)size);
	if (former->socket >= 0 && errno != EAGAIN && errno != EWOULDBLOCK)
		give_up(former, errno);
}
