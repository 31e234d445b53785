/* SPDX-License-Identifier: GPL-2.0-or-later */
/* process: how one of our three processes starts and what it may be.
 *
 * Children are forks, not re-executions: they share natd's pages, so three processes cost little
 * more memory than one. Each talks to natd over one SOCK_SEQPACKET pair (a message is a datagram,
 * and an empty read is the end of the other side). */
#ifndef NATD_PROCESS_H
#define NATD_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum process_privilege {
	PROCESS_NO_CAPABILITY, /* natd, upnp */
	PROCESS_NET_ADMIN,     /* rules: CAP_NET_ADMIN and nothing else */
};

/* Whom the processes become; uid 0 where natd was not started by root and stays who it is. */
struct identity {
	uid_t uid;
	gid_t gid;
};

struct process_message;

struct process {
	const char *name;
	pid_t pid;
	int socket; /* SOCK_SEQPACKET, non-blocking at natd's end; blocking at the child's */

	/* What a busy child has not taken yet, oldest first. */
	struct process_message *waiting;
	struct process_message *waiting_last;
	size_t waiting_count;
	void (*on_waiting)(void *context); /* the first message waits now; may be NULL */
	void *context;
};

/* Empties the capability bounding set, where the kernel lets us, and forks. The child names itself
 * `name` in the log, gives up everything but `privilege` and calls `run` with its end of the socket
 * pair; `run` enters its own sandbox first. It is killed when its parent ends. Fatal on error. */
void process_start(struct process *process, const char *name, enum process_privilege privilege,
		   const struct identity *identity, void (*run)(int socket));

/* Fatal unless this process may give `privilege` to a child: nothing has happened yet then. */
void process_require(enum process_privilege privilege);

/* Becomes `identity` for good with no more than `privilege`: groups, uid, capability sets,
 * no_new_privs, no ptrace by others of the same uid. Then tries to become root again and is fatal if
 * that works. */
void process_become(const struct identity *identity, enum process_privilege privilege);

/* Sends one whole message. False if the other side is gone or its queue is full (errno says). */
bool process_send(int socket, const void *message, size_t size);

/* Sends one whole message, or keeps it until process_flush() where the child is busy; never waits.
 * Fatal if the child hangs: it has left thousands of messages. One that has gone is found by
 * process_receive(), so what is for it is dropped here. */
void process_post(struct process *process, const void *message, size_t size);

/* Sends what waits, as far as the child takes it. True if nothing waits any more. */
bool process_flush(struct process *process);

/* Drops the messages that wait and that `is_stale` says `next` takes the place of. */
void process_withdraw(struct process *process,
		      bool (*is_stale)(const void *waiting, const void *next), const void *next);

/* Receives one message of exactly `size` bytes. 1: received; 0: none waiting (EAGAIN; only on a
 * non-blocking socket or with `wait` false); -1: the other side has gone. A message of another size
 * is not from our build: fatal, which ends the daemon. */
int process_receive(int socket, void *message, size_t size, bool wait);

#endif
