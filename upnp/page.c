/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/page.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "upnp/client.h"

#define HTTP_PORT 80

/* On the same link: a page that takes longer is not worth waiting for. */
#define PAGE_WAIT_MS 1000

/* The first `what` in the bytes, in capitals or not; NULL: there is none. */
static const char *find(const char *bytes, size_t size, const char *what)
{
	size_t length = strlen(what);

	for (; size >= length; bytes++, size--)
		if (strncasecmp(bytes, what, length) == 0)
			return bytes;
	return NULL;
}

/* Takes what stands from `at` to the first of `ends`, blanks made one. */
static void take(char title[UPNP_TEXT_MAX], const char *at, const char *end, const char *ends)
{
	size_t used = 0;

	for (; at < end && *at && !strchr(ends, *at) && used < UPNP_TEXT_MAX - 1; at++) {
		bool blank = isspace((unsigned char)*at);

		if (blank && (!used || title[used - 1] == ' '))
			continue;
		title[used++] = blank ? ' ' : *at;
	}
	while (used && title[used - 1] == ' ')
		used--;
	title[used] = '\0';
}

void page_title(char title[UPNP_TEXT_MAX], const char *bytes, size_t size)
{
	/* In the order of what says most. */
	static const struct {
		const char *before;
		const char *ends;
		char until; /* passed over, up to this */
	} signs[] = {
		{ "<title", "<", '>' },
		{ "realm=\"", "\"\r\n", '\0' },
		{ "\nServer:", "\r\n", '\0' },
	};
	const char *end = bytes + size;
	char raw[UPNP_TEXT_MAX];

	raw[0] = '\0';
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]) && !raw[0]; i++) {
		const char *at = find(bytes, size, signs[i].before);

		if (!at)
			continue;
		at += strlen(signs[i].before);
		while (signs[i].until && at < end && *at++ != signs[i].until)
			;
		take(raw, at, end, signs[i].ends);
	}
	say(title, "%s", raw);
}

static bool wait_for(int page, short events, int64_t deadline_us)
{
	struct pollfd wait = { .fd = page, .events = events };
	int64_t left = deadline_us - now_us();

	return left > 0 && poll(&wait, 1, (int)(left / 1000) + 1) > 0;
}

static bool connect_to(int page, struct in_addr router, int64_t deadline_us)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(HTTP_PORT),
				  .sin_addr = router };
	socklen_t size = sizeof(int);
	int error = 0;

	if (connect(page, (struct sockaddr *)&to, sizeof(to)) == 0)
		return true;
	return errno == EINPROGRESS && wait_for(page, POLLOUT, deadline_us) &&
	       getsockopt(page, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

static bool send_question(int page, struct in_addr router)
{
	char address[INET_ADDRSTRLEN];
	char question[128];
	int size;

	inet_ntop(AF_INET, &router, address, sizeof(address));
	size = snprintf(
		question, sizeof(question),
		"GET / HTTP/1.0\r\nHost: %s\r\nUser-Agent: natd\r\nConnection: close\r\n\r\n",
		address);
	return send(page, question, (size_t)size, MSG_NOSIGNAL) == size;
}

void page_fetch(char title[UPNP_TEXT_MAX], struct in_addr router)
{
	static char bytes[PAGE_BYTES_MAX];
	int64_t deadline_us = now_us() + PAGE_WAIT_MS * 1000;
	int page = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t size = 0;
	ssize_t got;

	title[0] = '\0';
	if (page < 0)
		return;
	if (connect_to(page, router, deadline_us) && send_question(page, router)) {
		while (size < sizeof(bytes) && wait_for(page, POLLIN, deadline_us)) {
			got = recv(page, bytes + size, sizeof(bytes) - size, 0);
			if (got <= 0)
				break;
			size += (size_t)got;
		}
		page_title(title, bytes, size);
	}
	close(page);
}
