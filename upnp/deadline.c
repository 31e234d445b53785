/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "natd/log.h"

/* If the call opens its socket only after the first alarm, the next one finds it. */
#define DEADLINE_REPEAT_US 100000

/* The descriptor that the next socket(2) will get. */
static volatile sig_atomic_t library_socket = -1;

static void on_alarm(int signal_number)
{
	int saved = errno;

	(void)signal_number;
	shutdown(library_socket, SHUT_RDWR); /* shutdown(2) may be called here: signal-safety(7) */
	errno = saved;
}

void deadline_set(unsigned int milliseconds)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct itimerval timer = {
		.it_value = { milliseconds / 1000, (suseconds_t)(milliseconds % 1000) * 1000 },
		.it_interval = { 0, DEADLINE_REPEAT_US },
	};
	/* POSIX gives the lowest free descriptor, here and in socket(2); we have one thread. */
	int next = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

	if (next < 0)
		fatal("no descriptor is free: %s", strerror(errno));
	close(next);
	library_socket = next;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

void deadline_clear(void)
{
	static const struct itimerval off;

	setitimer(ITIMER_REAL, &off, NULL);
}
