/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a task: from what natd asks to what it is told, and from one protocol to the next. */
#include "upnp/client.h"

#include <string.h>

#include "natd/log.h"
#include "upnp/former.h"
#include "upnp/igd.h"

/* A mapping whose creation was given up is watched for a late answer this long. */
#define ABANDONED_US 30000000

#define FOR_EACH_TASK(client, task)                                                                \
	for (struct task *task = (client)->tasks; task < (client)->tasks + TASKS_MAX; task++)

static bool is_under_way(const struct task *task)
{
	return task->what == TASK_MAP || task->what == TASK_UNMAP;
}

/* Is it about a mapping that no protocol has granted yet? */
static bool is_creation(const struct task *task)
{
	return task->what == TASK_MAP && task->mapping.via == UPNP_ANY;
}

static struct task *task_of(struct client *client, uint32_t id)
{
	FOR_EACH_TASK(client, task)
	if (task->what != TASK_FREE && task->what != TASK_ABANDONED && !task->quiet &&
	    task->mapping.id == id)
		return task;
	return NULL;
}

/* A free slot; else one that waits only for an answer that should not come. */
static struct task *task_new(struct client *client)
{
	struct task *spare = NULL;

	FOR_EACH_TASK(client, task)
	{
		if (task->what == TASK_FREE)
			return task;
		if (task->what == TASK_ABANDONED && task != client->natpmp_task)
			spare = task;
	}
	return spare;
}

static void task_free(struct client *client, struct task *task)
{
	bool held_natpmp = client->natpmp_task == task;

	memset(task, 0, sizeof(*task));
	if (held_natpmp) {
		client->natpmp_task = NULL;
		client->natpmp_busy = false;
		tasks_wake(client, UPNP_NATPMP);
	}
}

void tasks_forget(struct client *client)
{
	FOR_EACH_TASK(client, task)
	if (task->what != TASK_FREE)
		memset(task, 0, sizeof(*task));
	client->natpmp_task = NULL;
	client->natpmp_busy = false;
}

struct task *tasks_asked(struct client *client)
{
	struct task *first = NULL;

	FOR_EACH_TASK(client, task)
	{
		if (task->what != TASK_WAITING)
			continue;
		task->asked = true;
		if (!first)
			first = task;
	}
	return first;
}

bool tasks_under_way(const struct client *client, uint8_t via)
{
	for (const struct task *task = client->tasks; task < client->tasks + TASKS_MAX; task++)
		if (is_under_way(task) && task->via == via)
			return true;
	return false;
}

bool tasks_pending(const struct client *client)
{
	for (const struct task *task = client->tasks; task < client->tasks + TASKS_MAX; task++)
		if (is_under_way(task) || task->what == TASK_WAITING || task->what == TASK_LEAVING)
			return true;
	return false;
}

void task_start(struct task *task, enum task_what what, uint8_t via)
{
	task->what = what;
	task->via = via;
	tries_start(&task->tries);
}

/* The task of a mapping, as natd asks for it now. */
static struct task *task_take(struct client *client, const struct upnp_mapping *mapping)
{
	struct task *task = task_of(client, mapping->id);

	if (!task)
		task = task_new(client);
	if (!task)
		fatal("more than %d mappings", UPNP_MAPPINGS_MAX);
	if (task != client->natpmp_task)
		memset(task, 0, sizeof(*task));
	task->mapping = *mapping;
	task->began_us = now_us();
	task->failed_via = UPNP_ANY;
	task->quiet = false;
	task->forgotten = false;
	return task;
}

void task_map(struct client *client, const struct upnp_mapping *mapping)
{
	struct task *task = task_take(client, mapping);

	former_leave(client, mapping);
	if (mapping->via == UPNP_ANY)
		task->what = TASK_WAITING;
	else
		task_start(task, TASK_MAP, mapping->via);
}

/* natd does not want it any more: a late answer is still undone, but nothing is made again. */
static void forget_abandoned(struct client *client, uint32_t id)
{
	FOR_EACH_TASK(client, task)
	if ((task->what == TASK_ABANDONED || task->quiet) && task->mapping.id == id)
		task->forgotten = true;
}

static void report_unmapped(struct client *client, uint32_t id, bool removed, const char *said)
{
	struct upnp_report report = { .what = UPNP_UNMAPPED, .unmapped = { id, removed, "" } };

	say(report.unmapped.said, "%s", said);
	report_send(client, &report);
}

void task_unmap(struct client *client, const struct upnp_mapping *mapping)
{
	struct task *task = task_of(client, mapping->id);
	uint8_t via = mapping->via;

	forget_abandoned(client, mapping->id);
	former_leave(client, mapping);
	if (via == UPNP_ANY && task && is_under_way(task))
		via = task->via;
	task = task_take(client, mapping);
	task_start(task, via == UPNP_ANY ? TASK_LEAVING : TASK_UNMAP, via);
}

/* The protocol may have done it and its answer be lost or late: then the mapping would exist twice.
 * Keeps the task as the one who knows, and returns a new one to go on with. */
static struct task *task_abandon(struct client *client, struct task *task)
{
	struct task *next = task->tries.count > 0 ? task_new(client) : NULL;

	if (!next || task->via == UPNP_IGD) /* an HTTP answer is never late: its call has ended */
		return task;
	*next = *task;
	task->what = TASK_ABANDONED;
	task->tries.next_us = now_us() + ABANDONED_US;
	log_debug("%s %u: no answer from %s yet, another protocol does it",
		  task->mapping.protocol == IPPROTO_TCP ? "tcp" : "udp", task->mapping.port,
		  protocols[task->via]->name);
	return next;
}

static void report_failed(struct client *client, const struct task *task, uint8_t via,
			  uint8_t failure, const char *said)
{
	struct upnp_report report = { .what = UPNP_FAILED,
				      .failed = { task->mapping.id, via, failure, "" } };

	say(report.failed.said, "%s", said);
	report_send(client, &report);
}

/* What was abandoned is gone from the table of its protocol. Where both share one table, that may have
 * taken the mapping of the protocol that writes along: it is made again, by that one. */
static void restore(struct client *client, struct task *task)
{
	uint8_t writer = client->asking.writer;

	if (task->forgotten || writer == UPNP_ANY || writer == task->via) {
		task_free(client, task);
		return;
	}
	task->quiet = false;
	task->mapping.via = writer;
	task->began_us = now_us();
	task_start(task, TASK_MAP, writer);
}

void task_granted(struct client *client, struct task *task, struct upnp_granted granted)
{
	struct upnp_report report = { .what = UPNP_MAPPED, .granted = granted };

	if (task->what == TASK_ABANDONED) {
		log_debug("a late answer of %s: its mapping is removed again",
			  protocols[task->via]->name);
		task->quiet = true;
		task_start(task, TASK_UNMAP, task->via);
		return;
	}
	report.granted.id = task->mapping.id;
	report.granted.via = task->via;
	report.granted.took_us = (uint32_t)(now_us() - task->began_us);
	client->proven[task->via] = true;
	router_heard(client);
	report_send(client, &report);
	igd_displaced(client, &task->mapping, task->via, granted.external_port);
	task_free(client, task);
}

void task_removed(struct client *client, struct task *task)
{
	if (task->quiet) {
		restore(client, task);
		return;
	}
	report_unmapped(client, task->mapping.id, true, "");
	task_free(client, task);
}

/* Does the failure tell about the protocol rather than about this port? */
static bool blames_protocol(enum upnp_failure failure)
{
	return failure == UPNP_HOST_REFUSED || failure == UPNP_OTHER_FAILURE ||
	       failure == UPNP_NO_ANSWER || failure == UPNP_NOT_DONE;
}

static void remember_failure(struct task *task, uint8_t via, enum upnp_failure failure,
			     const char *said)
{
	task->failure = (uint8_t)failure;
	task->failed_via = via;
	say(task->said, "%s", said);
}

/* The other mappings that no protocol has granted fail for the same reason, if none does: this one is not
 * asked for them any more. A yes that was none is about its own port. */
static void share_failure(struct client *client, uint8_t via, enum upnp_failure failure,
			  const char *said)
{
	if (failure == UPNP_NOT_DONE)
		return;
	FOR_EACH_TASK(client, task)
	if ((is_creation(task) && task->via == via) || task->what == TASK_WAITING)
		remember_failure(task, via, failure, said);
}

/* PCP removes nothing that another protocol has made. UPnP sees the whole table, and removes there what is
 * this host's. */
static bool ask_upnp_instead(const struct client *client, const struct task *task)
{
	uint8_t state = client->asking.state[UPNP_IGD];

	return task->guessed && task->via != UPNP_IGD && (state == UPNP_OK || state == UPNP_ASKING);
}

void task_failed(struct client *client, struct task *task, enum upnp_failure failure,
		 const char *said)
{
	uint8_t via = task->via;

	if (task->what == TASK_ABANDONED || task->quiet) {
		restore(client, task);
	} else if (task->what == TASK_UNMAP && ask_upnp_instead(client, task)) {
		task_start(task, TASK_UNMAP, UPNP_IGD);
	} else if (task->what == TASK_UNMAP) {
		report_unmapped(client, task->mapping.id, false, said);
		task_free(client, task);
	} else if (is_creation(task) && !client->proven[via] && blames_protocol(failure)) {
		/* Another protocol may do it; if none does, this is what natd is told. */
		task->what = TASK_WAITING;
		remember_failure(task, via, failure, said);
		share_failure(client, via, failure, said);
		protocol_is(client, via, UPNP_ERROR, said);
	} else {
		report_failed(client, task, via, (uint8_t)failure, said);
		task_free(client, task);
	}
}

void task_was_not_done(struct client *client, const struct upnp_mapping *mapping, const char *said)
{
	struct task *task = task_of(client, mapping->id);
	uint8_t via = mapping->via;

	if (task) /* natd asks for something else by now */
		return;
	task = task_take(client, mapping);
	task->mapping.via = UPNP_ANY;
	task->asked = true;
	task->via = via;
	task->what = TASK_MAP;
	client->proven[via] = false;
	task_failed(client, task, UPNP_NOT_DONE, said);
	client->igd.manners.natpmp_lies |= via == UPNP_NATPMP;
}

void tasks_give_back(struct client *client, uint8_t via, enum upnp_state state, const char *said)
{
	FOR_EACH_TASK(client, task)
	{
		if (!is_under_way(task) || task->via != via)
			continue;
		if (!is_creation(task))
			task_failed(client, task, UPNP_NO_ANSWER, said);
		else if (state == UPNP_SILENT)
			task_abandon(client, task)->what = TASK_WAITING;
		else
			task->what = TASK_WAITING;
	}
}

/* Nobody can do it: the last refusal says more than that nobody answers. */
static void fail_waiting(struct client *client, struct task *task)
{
	if (task->failed_via == UPNP_ANY)
		report_failed(client, task, UPNP_ANY, UPNP_NO_PROTOCOL, "");
	else
		report_failed(client, task, task->failed_via, task->failure, task->said);
	task_free(client, task);
}

/* The preferred protocol was asked at once and another one writes now. */
static void take_over(struct client *client, uint8_t writer)
{
	FOR_EACH_TASK(client, task)
	{
		if (!is_creation(task) || task->via == writer || client->proven[task->via])
			continue;
		if (!client->probes[task->via].active) /* goes on with what changes nothing */
			client->probes[task->via] = task->tries;
		task_abandon(client, task)->what = TASK_WAITING;
	}
}

/* Before this UPNP_USE, or by the run before, it may have been asked for, and the answer was not waited for:
 * the router has it by the protocol that writes, most likely, or not at all. */
static void leave(struct client *client, struct task *task, uint8_t writer)
{
	if (writer != UPNP_ANY) {
		task->guessed = true;
		task_start(task, TASK_UNMAP, writer);
		return;
	}
	report_unmapped(client, task->mapping.id, true, "");
	task_free(client, task);
}

void tasks_assign(struct client *client, int64_t now)
{
	uint8_t writer = asking_choose(&client->asking, now);
	bool over = asking_over(&client->asking);

	if (writer != UPNP_ANY)
		take_over(client, writer);
	FOR_EACH_TASK(client, task)
	{
		if (task->what == TASK_LEAVING && (writer != UPNP_ANY || over))
			leave(client, task, writer);
		if (task->what != TASK_WAITING)
			continue;
		if (writer != UPNP_ANY)
			task_start(task, TASK_MAP, writer);
		else if (over && task->asked)
			fail_waiting(client, task);
	}
}

/* Something is to be sent, or to be given up, at tries.next_us. */
static bool has_deadline(const struct task *task)
{
	return is_under_way(task) || task->what == TASK_ABANDONED;
}

int64_t tasks_deadline(const struct client *client)
{
	int64_t next = ASKING_NEVER;

	for (const struct task *task = client->tasks; task < client->tasks + TASKS_MAX; task++)
		if (has_deadline(task) && task->tries.next_us < next)
			next = task->tries.next_us;
	return next;
}

static void no_answer(struct client *client, struct task *task)
{
	char said[UPNP_TEXT_MAX];

	say(said, "%s does not answer", protocols[task->via]->name);
	if (task->what == TASK_ABANDONED)
		task_free(client, task);
	else
		protocol_is(client, task->via, UPNP_SILENT, said);
}

void tasks_run(struct client *client, int64_t now)
{
	FOR_EACH_TASK(client, task)
	{
		struct tries before = task->tries;

		if (!has_deadline(task) || task->tries.next_us > now)
			continue;
		if (task->what == TASK_ABANDONED || task->tries.count == TRIES) {
			no_answer(client, task);
			continue;
		}
		tries_step(&task->tries, now);
		if (client->asked_us[task->via] == 0)
			client->asked_us[task->via] = now;
		if (protocols[task->via]->attempt(client, task) == ATTEMPT_BUSY) {
			task->tries = before;
			task->tries.next_us = ASKING_NEVER;
		}
	}
}

void tasks_wake(struct client *client, uint8_t via)
{
	FOR_EACH_TASK(client, task)
	if (is_under_way(task) && task->via == via && task->tries.next_us == ASKING_NEVER)
		task->tries.next_us = 0;
	if (client->probes[via].active && client->probes[via].next_us == ASKING_NEVER)
		client->probes[via].next_us = 0;
}
