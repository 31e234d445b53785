/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/pinhole.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "natd/log.h"
#include "upnp/client.h"
#include "upnp/requests.h"

#define CONNECT_SECONDS 2

#define FOR_EACH_PINHOLE(client, task)                                                             \
	for (struct pinhole_task *task = (client)->pinholes.tasks;                                 \
	     task < (client)->pinholes.tasks + PINHOLES_MAX; task++)

void pinhole_tasks_init(struct pinhole_tasks *pinholes)
{
	for (size_t i = 0; i < PCP6_ENDS; i++)
		pinholes->ends[i].socket = -1;
}

bool pinhole_is_valid(const struct upnp_pinhole *pinhole)
{
	return requests_order_is_valid(pinhole->order, pinhole->count) &&
	       (pinhole->protocol == IPPROTO_UDP || pinhole->protocol == IPPROTO_TCP) &&
	       (pinhole->via == UPNP_PCP || pinhole->via == UPNP_IGD || pinhole->via == UPNP_ANY) &&
	       pinhole->port != 0;
}

/* From `own`; NULL: from where the kernel chooses. */
static int dial(int type, const struct sockaddr *own, const struct sockaddr *to, socklen_t size)
{
	const struct timeval wait = { .tv_sec = CONNECT_SECONDS };
	int fd = socket(to->sa_family, type | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -1;
	/* Without a bound of its own, connect(2) begins anew after each alarm of deadline.c, for ever
	 * (signal(7), "Interruption of system calls"). */
	if (!(type & SOCK_NONBLOCK))
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if ((!own || bind(fd, own, size) == 0) && connect(fd, to, size) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int pinhole_connect(const struct upnp_pinhole *pinhole, int type, uint16_t port)
{
	struct sockaddr_in6 own = { .sin6_family = AF_INET6, .sin6_addr = pinhole->address };
	struct sockaddr_in6 router = { .sin6_family = AF_INET6,
				       .sin6_port = htons(port),
				       .sin6_addr = pinhole->gateway };

	if (IN6_IS_ADDR_LINKLOCAL(&pinhole->gateway))
		router.sin6_scope_id = pinhole->ifindex;
	return dial(type, (struct sockaddr *)&own, (struct sockaddr *)&router, sizeof(router));
}

int pinhole_connect_ipv4(const struct url *control)
{
	struct sockaddr_in router = { .sin_family = AF_INET,
				      .sin_port = htons(control->port),
				      .sin_addr = control->host };

	return dial(SOCK_STREAM, NULL, (struct sockaddr *)&router, sizeof(router));
}

static struct pinhole_task *task_of(struct client *client, uint32_t id)
{
	FOR_EACH_PINHOLE(client, task)
	if (task->what != PINHOLE_FREE && task->pinhole.id == id)
		return task;
	return NULL;
}

static struct pinhole_task *task_new(struct client *client)
{
	FOR_EACH_PINHOLE(client, task)
	if (task->what == PINHOLE_FREE)
		return task;
	fatal("more than %d pinholes", PINHOLES_MAX);
}

/* ---- which protocol ---- */

/* What holds it goes first; then the others in natd's order. NAT-PMP knows no IPv6. */
static uint8_t via_of_step(const struct upnp_pinhole *pinhole, uint8_t step)
{
	uint8_t n = 0;

	if (pinhole->via != UPNP_ANY && n++ == step)
		return pinhole->via;
	for (uint8_t i = 0; i < pinhole->count; i++) {
		uint8_t via = pinhole->order[i];

		if (via != UPNP_NATPMP && via != pinhole->via && n++ == step)
			return via;
	}
	return UPNP_ANY;
}

static void report(struct client *client, enum upnp_report_what what, struct pinhole_task *task,
		   const struct upnp_pinned *pinned)
{
	struct upnp_report message = { .what = what, .pinned = *pinned };

	message.pinned.id = task->pinhole.id;
	message.pinned.via = task->via;
	message.pinned.took_us = (uint32_t)(now_us() - task->began_us);
	memset(task, 0, sizeof(*task));
	report_send(client, &message);
}

/* Asks the next protocol; where there is none left, natd is told why nobody did it. */
static void go_on(struct client *client, struct pinhole_task *task)
{
	struct upnp_pinned pinned = { .failure = task->failure };

	task->via = via_of_step(&task->pinhole, task->step++);
	tries_start(&task->tries);
	if (task->via != UPNP_ANY)
		return;
	memcpy(pinned.said, task->said, sizeof(pinned.said));
	report(client, UPNP_PIN_FAILED, task, &pinned);
}

void pinhole_open(struct client *client, const struct upnp_pinhole *pinhole)
{
	struct pinhole_task *task = task_of(client, pinhole->id);

	if (!task)
		task = task_new(client);
	*task = (struct pinhole_task){
		.what = PINHOLE_OPEN,
		.pinhole = *pinhole,
		.began_us = now_us(),
	};
	go_on(client, task);
}

void pinhole_close(struct client *client, const struct upnp_pinhole *pinhole)
{
	struct pinhole_task *task = task_of(client, pinhole->id);
	uint8_t via = pinhole->via;

	if (via == UPNP_ANY && task)
		via = task->via; /* its answer may be on the way */
	if (!task)
		task = task_new(client);
	*task = (struct pinhole_task){
		.what = PINHOLE_CLOSE,
		.pinhole = *pinhole,
		.via = via,
		.began_us = now_us(),
	};
	tries_start(&task->tries);
	if (via == UPNP_ANY)
		pinhole_removed(client, task); /* it was never asked for */
}

/* ---- what came of it ---- */

void pinhole_granted(struct client *client, struct pinhole_task *task, struct upnp_pinned granted)
{
	report(client, UPNP_PINNED, task, &granted);
}

void pinhole_removed(struct client *client, struct pinhole_task *task)
{
	struct upnp_pinned pinned = { .removed = true };

	if (task->anew == ANEW_CLOSING) {
		task->anew = ANEW_OPENING;
		tries_start(&task->tries);
		return;
	}
	report(client, UPNP_UNPINNED, task, &pinned);
}

/* A refusal tells more than silence. */
static bool tells_more(enum upnp_failure failure, uint8_t before)
{
	return before == UPNP_NO_PROTOCOL ||
	       (before == UPNP_NO_ANSWER && failure != UPNP_NO_PROTOCOL);
}

/* miniupnpd 2.3 (nftables) spoils its note of the nonce with the first renewal of a pinhole and then
 * refuses to remove it; UPnP, which has the same table, may, also where it has not answered yet. */
static bool close_otherwise(struct client *client, struct pinhole_task *task,
			    enum upnp_failure failure)
{
	const char *said;

	if (failure != UPNP_HOST_REFUSED || task->via != UPNP_PCP ||
	    igd6_state(client, &said) == IGD6_NONE)
		return false;
	task->via = UPNP_IGD;
	return true;
}

/* The firewall of some cannot change what is there: NO_RESOURCES (field/routers.md 63). Closed and opened
 * again, once. */
static bool open_anew(struct pinhole_task *task, enum upnp_failure failure)
{
	if (task->what != PINHOLE_OPEN || task->via != UPNP_PCP || task->pinhole.via != UPNP_PCP ||
	    failure != UPNP_NO_RESOURCES || task->anew != ANEW_NOT)
		return false;
	task->anew = ANEW_CLOSING;
	tries_start(&task->tries);
	return true;
}

void pinhole_failed(struct client *client, struct pinhole_task *task, enum upnp_failure failure,
		    const char *said)
{
	struct upnp_pinned pinned = { .failure = (uint8_t)failure };
	char before[UPNP_TEXT_MAX];

	if (open_anew(task, failure))
		return;
	if (task->what == PINHOLE_CLOSE && close_otherwise(client, task, failure))
		return;
	if (task->what == PINHOLE_CLOSE) {
		say(pinned.said, "%s", said);
		report(client, UPNP_UNPINNED, task, &pinned);
		return;
	}
	memcpy(before, task->said, sizeof(before));
	say(task->said, "%s%s%s", before, before[0] ? "; " : "", said);
	if (tells_more(failure, task->failure))
		task->failure = (uint8_t)failure;
	go_on(client, task);
}

/* ---- when ---- */

static void run_pcp(struct client *client, struct pinhole_task *task, int64_t now)
{
	if (task->tries.count == TRIES) {
		pinhole_failed(client, task, UPNP_NO_ANSWER, "PCP over IPv6: no answer");
		return;
	}
	tries_step(&task->tries, now);
	pcp6_attempt(client, task);
}

void pinhole_tasks_run(struct client *client, int64_t now)
{
	FOR_EACH_PINHOLE(client, task)
	if (task->what != PINHOLE_FREE && task->via == UPNP_PCP && task->tries.next_us <= now)
		run_pcp(client, task, now);
}

int64_t pinhole_tasks_deadline(const struct client *client)
{
	int64_t next = ASKING_NEVER;

	for (size_t i = 0; i < PINHOLES_MAX; i++) {
		const struct pinhole_task *task = &client->pinholes.tasks[i];

		if (task->what != PINHOLE_FREE && task->via == UPNP_PCP &&
		    task->tries.next_us < next)
			next = task->tries.next_us;
	}
	return next;
}

bool pinhole_tasks_step(struct client *client)
{
	const char *said;
	enum igd6_is igd = igd6_state(client, &said);

	FOR_EACH_PINHOLE(client, task)
	{
		if (task->what == PINHOLE_FREE || task->via != UPNP_IGD)
			continue;
		if (igd == IGD6_NONE) {
			pinhole_failed(client, task, UPNP_NO_PROTOCOL, said);
		} else if (igd == IGD6_READY && !tasks_pending(client)) {
			igd6_attempt(client, task);
			return true;
		}
	}
	return false;
}
