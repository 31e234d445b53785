/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/single.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "natd/log.h"

/* A natd that is just ending. */
#define ENDS_MS 2000
#define LOOK_MS 20

/* An abstract name belongs to the network (unix(7)), and goes with its socket however natd ends. */
static const struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0natd" };

#define NAME_SIZE ((socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof("\0natd") - 1))

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		fatal("cannot make a socket: %s", strerror(errno));
	return fd;
}

/* Anybody may take the name: whether that is a natd, the kernel says. Anybody may call, too: a natd
 * whose callers wait in a queue is given the time to send them away. */
static bool is_natd(uid_t user, struct ucred *holder)
{
	socklen_t size = sizeof(*holder);
	int fd = new_socket();
	bool known = connect(fd, (const struct sockaddr *)&name, NAME_SIZE) == 0;

	for (int waited = 0; !known && errno == EAGAIN && waited < ENDS_MS; waited += LOOK_MS) {
		poll(NULL, 0, LOOK_MS);
		known = connect(fd, (const struct sockaddr *)&name, NAME_SIZE) == 0;
	}
	known = known && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, holder, &size) == 0;
	close(fd);
	return known && (holder->uid == 0 || holder->uid == user);
}

static bool take(int fd)
{
	if (bind(fd, (const struct sockaddr *)&name, NAME_SIZE) == 0 && listen(fd, SOMAXCONN) == 0)
		return true;
	if (errno != EADDRINUSE)
		fatal("cannot take natd's name in this network: %s", strerror(errno));
	return false;
}

int single_require(uid_t user)
{
	struct ucred holder = { 0 };
	int fd = new_socket();

	for (int waited = 0; waited < ENDS_MS; waited += LOOK_MS) {
		if (take(fd))
			return fd;
		poll(NULL, 0, LOOK_MS);
	}
	if (is_natd(user, &holder))
		fatal("another natd (pid %d) keeps this network: stop it first", (int)holder.pid);
	log_warning("somebody who is no natd has its name in this network: a second natd would not "
		    "be noticed");
	close(fd);
	return -1;
}

void single_on_caller(evutil_socket_t socket, short what, void *unused)
{
	int caller = accept4(socket, NULL, NULL, SOCK_CLOEXEC);

	(void)what;
	(void)unused;
	if (caller >= 0)
		close(caller);
}
