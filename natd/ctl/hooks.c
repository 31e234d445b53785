/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/hooks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "natd/ctl/members.h"
#include "natd/ctl/text.h"

/* A hook that hangs must not keep the next address from the others. */
#define HOOK_SECONDS 60

static bool others_may_write(const struct stat *file)
{
	return file->st_mode & (S_IWGRP | S_IWOTH) ||
	       (file->st_uid != 0 && file->st_uid != geteuid());
}

bool hooks_are_safe(const char *directory, const char **error)
{
	struct stat file;

	if (stat(directory, &file) < 0)
		*error = strerror(errno);
	else if (!S_ISDIR(file.st_mode))
		*error = strerror(ENOTDIR);
	else if (others_may_write(&file))
		*error = _("others may write into it");
	else
		return true;
	return false;
}

/* As run-parts(8): no hidden files, no leftovers of editors and packages. */
static int is_program_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	       strspn(entry->d_name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_-") == strlen(entry->d_name);
}

static void set_number(const char *name, const json_t *object, const char *member)
{
	char text[24] = "";
	json_int_t number;

	if (number_of(object, member, &number))
		snprintf(text, sizeof(text), "%lld", (long long)number);
	setenv(name, text, 1);
}

static void set_environment(const json_t *event, const json_t *snapshot)
{
	bool of_a_port = json_object_get(event, "external_port") != NULL;
	const json_t *first = json_array_get(json_object_get(snapshot, "forwards"), 0);

	setenv("NATD_EVENT", text_of(event, "event"), 1);
	setenv("NATD_WAN4", text_of(snapshot, "wan_address"), 1);
	setenv("NATD_OLD_WAN4", text_of(event, "old_wan_address"), 1);
	set_number("NATD_EXT_PORT", of_a_port ? event : first, "external_port");
}

static _Noreturn void become_hook(const char *path)
{
	int nothing = open("/dev/null", O_RDONLY);

	/* Standard output holds the events. */
	if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(126);
	execl(path, path, (char *)NULL);
	_exit(127);
}

/* Waits for `pid`, and kills it when its time is over. Returns its wait status. Where there are no pidfds
 * (Linux before 5.3, valgrind) it has all the time that it wants. */
static int wait_for_hook(pid_t pid)
{
	struct pollfd wait = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	int status = 0;
	int ended = 1;

	if (wait.fd >= 0)
		do
			ended = poll(&wait, 1, HOOK_SECONDS * 1000);
		while (ended < 0 && errno == EINTR);
	if (ended <= 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (wait.fd >= 0)
		close(wait.fd);
	return status;
}

static void run_hook(const char *path)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_hook(path);
	status = pid < 0 ? -1 : wait_for_hook(pid);
	if (pid < 0)
		fprintf(stderr, "natctl: %s: %s\n", path, strerror(errno));
	else if (WIFSIGNALED(status))
		fprintf(stderr, _("natctl: %s was ended by signal %d\n"), path, WTERMSIG(status));
	else if (WEXITSTATUS(status))
		fprintf(stderr, _("natctl: %s ended with status %d\n"), path, WEXITSTATUS(status));
}

static void run_all(const char *directory, const json_t *event, const json_t *snapshot)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_program_name, alphasort);
	char path[4096];

	set_environment(event, snapshot);
	for (int i = 0; i < count; i++) {
		struct stat file;

		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		free(entries[i]);
		if (stat(path, &file) < 0 || !S_ISREG(file.st_mode) || access(path, X_OK) < 0)
			continue;
		if (others_may_write(&file))
			fprintf(stderr, _("natctl: %s is not run: others may write into it\n"),
				path);
		else
			run_hook(path);
	}
	if (count >= 0)
		free(entries);
}

static void run_now(struct hooks *hooks, const json_t *event, const json_t *snapshot)
{
	if (hooks->directory)
		run_all(hooks->directory, event, snapshot);
}

static void forget_waiting(struct hooks *hooks)
{
	json_decref(hooks->event);
	json_decref(hooks->snapshot);
	hooks->event = hooks->snapshot = NULL;
}

/* Of several changes the last one counts; what the hooks were told is what was before it. */
static void put_off(struct hooks *hooks, json_t *event, json_t *snapshot)
{
	forget_waiting(hooks);
	json_object_set_new(event, "old_wan_address", json_string(hooks->told));
	hooks->event = json_incref(event);
	hooks->snapshot = json_incref(snapshot);
}

static void tell_address(struct hooks *hooks, const json_t *event, const json_t *snapshot,
			 int64_t now)
{
	snprintf(hooks->told, sizeof(hooks->told), "%s", text_of(event, "wan_address"));
	hooks->told_at = now;
	run_now(hooks, event, snapshot);
}

void hooks_event(struct hooks *hooks, json_t *event, json_t *snapshot, int64_t now)
{
	bool moved = strcmp(text_of(event, "event"), "wan-changed") == 0;

	if (!moved)
		run_now(hooks, event, snapshot);
	else if (!hooks->told_at || now - hooks->told_at >= HOOKS_REST_MS)
		tell_address(hooks, event, snapshot, now);
	else if (strcmp(text_of(event, "wan_address"), hooks->told) == 0)
		forget_waiting(hooks); /* it is back at what they know */
	else
		put_off(hooks, event, snapshot);
}

int64_t hooks_deadline(const struct hooks *hooks)
{
	return hooks->event ? hooks->told_at + HOOKS_REST_MS : 0;
}

void hooks_run_due(struct hooks *hooks, int64_t now)
{
	if (!hooks->event || now < hooks_deadline(hooks))
		return;
	tell_address(hooks, hooks->event, hooks->snapshot, now);
	forget_waiting(hooks);
}
