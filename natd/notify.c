/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "natd/log.h"

static int notify_socket = -1;

void notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = path ? strlen(path) : 0;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);

	if (!length || length >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* abstract */
	notify_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify_socket >= 0 && connect(notify_socket, (struct sockaddr *)&address, size) < 0) {
		log_warning("the service manager's socket %s does not answer: %s", path,
			    strerror(errno));
		close(notify_socket);
		notify_socket = -1;
	}
}

static void notify(const char *text, int flags)
{
	if (notify_socket >= 0)
		send(notify_socket, text, strlen(text), MSG_NOSIGNAL | flags);
}

void notify_ready(void)
{
	notify("READY=1", 0);
}

void notify_stopping(void)
{
	notify("STOPPING=1", 0);
}

void notify_status(const char *format, ...)
{
	char text[256] = "STATUS=";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + 7, sizeof(text) - 7, format, arguments);
	va_end(arguments);
	notify(text, MSG_DONTWAIT); /* one more or less: natd does not wait for a busy manager */
}
