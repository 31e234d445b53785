/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/gena_message.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "upnp/header.h"

#define ASKED_SECONDS   86400 /* the longest: a renewal is a wake-up */
#define DEFAULT_SECONDS 1800  /* UDA 1.1, 4.1.1, where the router does not say */

size_t gena_write(char text[GENA_REQUEST_MAX], enum gena_request what, const struct url *place,
		  const struct url *callback, const char *sid)
{
	static const char *const methods[] = { "SUBSCRIBE", "SUBSCRIBE", "UNSUBSCRIBE" };
	char host[INET_ADDRSTRLEN];
	char own[URL_TEXT_MAX];
	int size;

	inet_ntop(AF_INET, &place->host, host, sizeof(host));
	size = snprintf(text, GENA_REQUEST_MAX, "%s %s HTTP/1.1\r\nHOST: %s:%u\r\n", methods[what],
			place->path, host, place->port);
	if (what == GENA_SUBSCRIBE)
		size += snprintf(text + size, GENA_REQUEST_MAX - (size_t)size,
				 "CALLBACK: <%s>\r\nNT: upnp:event\r\n", url_print(callback, own));
	else
		size += snprintf(text + size, GENA_REQUEST_MAX - (size_t)size, "SID: %s\r\n", sid);
	if (what != GENA_UNSUBSCRIBE)
		size += snprintf(text + size, GENA_REQUEST_MAX - (size_t)size,
				 "TIMEOUT: Second-%d\r\n", ASKED_SECONDS);
	size += snprintf(text + size, GENA_REQUEST_MAX - (size_t)size, "Connection: close\r\n\r\n");
	return (size_t)size;
}

/* ---- the head of a message of HTTP ---- */

struct head {
	char sid[GENA_SID_MAX];
	char timeout[32];
	char seq[12];
	char length[12];
	size_t size; /* with the empty line */
};

/* False: the empty line at its end has not come yet. */
static bool read_head(struct head *head, const char *bytes, size_t size)
{
	const struct {
		const char *name;
		char *to;
		size_t room;
	} wanted[] = {
		{ "sid", head->sid, sizeof(head->sid) },
		{ "timeout", head->timeout, sizeof(head->timeout) },
		{ "seq", head->seq, sizeof(head->seq) },
		{ "content-length", head->length, sizeof(head->length) },
	};

	head->size = header_head(bytes, size);
	for (size_t i = 0; head->size && i < sizeof(wanted) / sizeof(wanted[0]); i++)
		header_find(wanted[i].to, wanted[i].room, bytes, head->size, wanted[i].name);
	return head->size;
}

static bool starts_with(const char *bytes, size_t size, const char *start)
{
	size_t length = strlen(start);

	return strncasecmp(bytes, start, size < length ? size : length) == 0;
}

/* A decimal number and nothing else. */
static bool number(const char *text, uint32_t *value)
{
	char *end;
	unsigned long long read = strtoull(text, &end, 10);

	*value = (uint32_t)read;
	return *text >= '0' && *text <= '9' && !*end && read <= UINT32_MAX;
}

static uint32_t seconds_of(const char *timeout)
{
	uint32_t seconds;

	if (strcasecmp(timeout, "Second-infinite") == 0 || strcasecmp(timeout, "infinite") == 0)
		return GENA_FOR_EVER;
	if (strncasecmp(timeout, "Second-", strlen("Second-")) == 0 &&
	    number(timeout + strlen("Second-"), &seconds))
		return seconds;
	return DEFAULT_SECONDS;
}

enum gena_reading gena_read_answer(struct gena_answer *answer, const char *bytes, size_t size)
{
	struct head head;

	memset(answer, 0, sizeof(*answer));
	if (!starts_with(bytes, size, "HTTP/"))
		return GENA_NONSENSE;
	if (!read_head(&head, bytes, size))
		return GENA_MORE;
	answer->status = header_status(bytes, head.size);
	memcpy(answer->sid, head.sid, sizeof(answer->sid));
	answer->timeout = seconds_of(head.timeout);
	return GENA_WHOLE;
}

/* ---- the body of a NOTIFY ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The text of the first ExternalIPAddress; prefixes of the namespace stand only at the elements around it
 * (UDA 1.1, 4.3.2). False: there is none, or it does not fit. */
static bool wan_text(const char *body, size_t size, char *text, size_t room)
{
	static const char tag[] = "<ExternalIPAddress>";
	const char *end = body + size;
	const char *at = memmem(body, size, tag, strlen(tag));
	const char *stop;

	if (!at)
		return false;
	at += strlen(tag);
	stop = memchr(at, '<', (size_t)(end - at));
	if (!stop)
		return false;
	while (at < stop && is_blank(*at))
		at++;
	while (stop > at && is_blank(stop[-1]))
		stop--;
	return header_take(text, room, at, stop);
}

static void read_wan(struct gena_notice *notice, const char *body, size_t size)
{
	char text[INET_ADDRSTRLEN];

	/* Empty is legal in IGD:2, while the line is down (field/routers.md 52). */
	notice->has_wan = wan_text(body, size, text, sizeof(text)) &&
			  (!*text || inet_pton(AF_INET, text, &notice->wan) == 1);
}

/* "</e:propertyset>", whatever the prefix; the tag that opens it ends alike where it has no attributes. */
static bool has_end_tag(const char *body, size_t size)
{
	static const char name[] = "propertyset>";
	const char *end = body + size;
	const char *at = body;

	while ((at = memmem(at, (size_t)(end - at), name, strlen(name)))) {
		const char *tag = memrchr(body, '<', (size_t)(at - body));

		if (tag && tag[1] == '/')
			return true;
		at += strlen(name);
	}
	return false;
}

/* Some say no length, and send the body in chunks: it ends with its own end then. */
static bool body_is_whole(const struct head *head, const char *body, size_t size)
{
	uint32_t length;

	return number(head->length, &length) ? size >= length : has_end_tag(body, size);
}

enum gena_reading gena_read_notice(struct gena_notice *notice, const char *bytes, size_t size)
{
	struct head head;

	memset(notice, 0, sizeof(*notice));
	if (!starts_with(bytes, size, "NOTIFY "))
		return GENA_NONSENSE;
	if (!read_head(&head, bytes, size))
		return GENA_MORE;
	memcpy(notice->sid, head.sid, sizeof(notice->sid));
	if (!*notice->sid || !number(head.seq, &notice->seq))
		return GENA_NONSENSE;
	if (!body_is_whole(&head, bytes + head.size, size - head.size))
		return GENA_MORE;
	read_wan(notice, bytes + head.size, size - head.size);
	return GENA_WHOLE;
}
