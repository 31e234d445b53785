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
	for (cap_value_t cap = 0; cap_drop_bound(cap) == 0; cap++)
		;
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

void process_start(struct process *process, const char *name, enum process_privilege privilege,
		   const struct identity *identity, void (*run)(int socket))
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		fatal("cannot make a socket pair for %s: %s", name, strerror(errno));
	process->name = name;
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
		process_become(identity, privilege);
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
