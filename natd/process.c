/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"

/* A child that has left so many messages, several of the largest sets of rules, does not work any
 * more. */
#define WAITING_MAX 65536

struct process_message {
	struct process_message *next;
	size_t size;
	unsigned char bytes[];
};

void process_require(enum process_privilege privilege)
{
	cap_flag_value_t permitted = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (caps)
		cap_get_flag(caps, CAP_NET_ADMIN, CAP_PERMITTED, &permitted);
	cap_free(caps);
	if (privilege == PROCESS_NET_ADMIN && permitted != CAP_SET)
		fatal("CAP_NET_ADMIN is missing: start natd as root or give it that capability");
}

/* Without CAP_SETPCAP we were not started by root, and no_new_privs alone holds the line. */
static void drop_bounding_set(void)
{
	static bool dropped; /* for all children, too */

	for (cap_value_t cap = 0; !dropped && cap_drop_bound(cap) == 0; cap++)
		;
	dropped = true;
}

/* Exactly `privilege` in the permitted and effective sets, nothing inheritable, nothing ambient. */
static void keep_capabilities(enum process_privilege privilege)
{
	static const cap_value_t net_admin[] = { CAP_NET_ADMIN };
	cap_t caps = cap_init();

	if (!caps)
		fatal("no memory for a capability set");
	if (privilege == PROCESS_NET_ADMIN) {
		cap_set_flag(caps, CAP_PERMITTED, 1, net_admin, CAP_SET);
		cap_set_flag(caps, CAP_EFFECTIVE, 1, net_admin, CAP_SET);
	}
	if (cap_set_proc(caps) < 0)
		fatal("cannot set the capabilities: %s", strerror(errno));
	cap_free(caps);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

void process_become(const struct identity *identity, enum process_privilege privilege)
{
	if (geteuid() == 0) {
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
		if (setgroups(0, NULL) < 0 ||
		    setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
		    setresuid(identity->uid, identity->uid, identity->uid) < 0)
			fatal("cannot become uid %d: %s", (int)identity->uid, strerror(errno));
		prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	}
	keep_capabilities(privilege);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		fatal("cannot give up new privileges: %s", strerror(errno));
	if (setuid(0) == 0 || geteuid() == 0)
		fatal("still root after becoming uid %d", (int)identity->uid);
}

/* What a child was still doing must not outlive natd: upnp might open a port that nobody closes. */
static void die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		_exit(EXIT_FAILURE);
}

void process_start(struct process *process, const char *name, enum process_privilege privilege,
		   const struct identity *identity, void (*run)(int socket))
{
	pid_t parent = getpid();
	int pair[2];

	*process = (struct process){ .name = name };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		fatal("cannot make a socket pair for %s: %s", name, strerror(errno));
	process->socket = pair[0];
	drop_bounding_set(); /* here, once for parent and children */
	process->pid = fork();
	if (process->pid < 0)
		fatal("cannot start %s: %s", name, strerror(errno));
	if (process->pid == 0) {
		close(pair[0]);
		log_rename(name);
		prctl(PR_SET_NAME, name, 0, 0, 0);
		/* Ctrl-C reaches the whole group: natd decides when its children end. */
		signal(SIGINT, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		signal(SIGUSR1, SIG_IGN);
		process_become(identity, privilege);
		die_with(parent); /* a change of uid would have undone it */
		run(pair[1]);
		_exit(EXIT_FAILURE); /* run() does not return */
	}
	close(pair[1]);
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
		fatal("cannot talk to %s: %s", name, strerror(errno));
}

bool process_send(int socket, const void *message, size_t size)
{
	ssize_t sent;

	do
		sent = send(socket, message, size, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)size;
}

static void keep(struct process *process, const void *message, size_t size)
{
	struct process_message *kept = malloc(sizeof(*kept) + size);

	if (!kept)
		fatal("no memory for a message to %s", process->name);
	if (process->waiting_count == WAITING_MAX)
		fatal("%s hangs: it has not taken %d messages", process->name, WAITING_MAX);
	kept->next = NULL;
	kept->size = size;
	memcpy(kept->bytes, message, size);
	*(process->waiting ? &process->waiting_last->next : &process->waiting) = kept;
	process->waiting_last = kept;
	if (process->waiting_count++ == 0 && process->on_waiting)
		process->on_waiting(process->context);
}

static bool is_busy(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM;
}

void process_post(struct process *process, const void *message, size_t size)
{
	if (process->waiting || (!process_send(process->socket, message, size) && is_busy(errno)))
		keep(process, message, size);
}

bool process_flush(struct process *process)
{
	while (process->waiting) {
		struct process_message *first = process->waiting;

		if (!process_send(process->socket, first->bytes, first->size) && is_busy(errno))
			return false;
		process->waiting = first->next;
		process->waiting_count--;
		free(first);
	}
	return true;
}

void process_withdraw(struct process *process,
		      bool (*is_stale)(const void *waiting, const void *next), const void *next)
{
	struct process_message **link = &process->waiting;
	struct process_message *last = NULL;

	while (*link) {
		struct process_message *kept = *link;

		if (is_stale(kept->bytes, next)) {
			*link = kept->next;
			process->waiting_count--;
			free(kept);
		} else {
			link = &kept->next;
			last = kept;
		}
	}
	process->waiting_last = last;
}

int process_receive(int socket, void *message, size_t size, bool wait)
{
	ssize_t got;

	do
		got = recv(socket, message, size, MSG_TRUNC | (wait ? 0 : MSG_DONTWAIT));
	while (got < 0 && errno == EINTR);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (got <= 0)
		return -1;
	if ((size_t)got != size)
		fatal("a message of %zd bytes where %zu belong: not from this build of natd", got,
		      size);
	return 1;
}
