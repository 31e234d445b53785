/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/soap.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "upnp/header.h"

/* ---- requests ---- */

/* Text that is written in pieces; one that has not fitted makes all of it worth nothing. */
struct pen {
	char *text;
	size_t room;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static void put(struct pen *pen, const char *format, ...)
{
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(pen->text + pen->size, pen->room - pen->size, format, arguments);
	va_end(arguments);
	pen->size += (size_t)size;
	if (pen->size >= pen->room)
		pen->size = pen->room - 1;
}

static bool fits(const struct pen *pen)
{
	return pen->size < pen->room - 1;
}

static void put_body(struct pen *pen, const struct soap_request *request)
{
	put(pen,
	    "<?xml version=\"1.0\"?>\r\n"
	    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
	    "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\">"
	    "<s:Body><u:%s xmlns:u=\"%s\">",
	    request->action, request->service);
	for (const struct soap_argument *one = request->arguments; one && one->name; one++)
		put(pen, "<%s>%s</%s>", one->name, one->value, one->name);
	put(pen, "</u:%s></s:Body></s:Envelope>\r\n", request->action);
}

/* With the headers that libminiupnpc sends, which routers are used to (field/routers.md 24 to 29). */
size_t soap_write(char text[SOAP_REQUEST_MAX], const struct soap_request *request)
{
	char body[SOAP_REQUEST_MAX];
	struct pen content = { .text = body, .room = sizeof(body) };
	struct pen whole = { .text = text, .room = SOAP_REQUEST_MAX };

	put_body(&content, request);
	put(&whole,
	    "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: natd, UPnP/1.1\r\nContent-Length: %zu\r\n"
	    "Content-Type: text/xml; charset=\"utf-8\"\r\nSOAPAction: \"%s#%s\"\r\n"
	    "Connection: Close\r\nCache-Control: no-cache\r\nPragma: no-cache\r\n\r\n%s",
	    request->path, request->host, content.size, request->service, request->action, body);
	return fits(&content) && fits(&whole) ? whole.size : 0;
}

/* ---- answers ---- */

static bool is_chunked(const char *head, size_t size)
{
	char coding[16];

	header_find(coding, sizeof(coding), head, size, "transfer-encoding");
	return strcasecmp(coding, "chunked") == 0;
}

struct chunks {
	const char *at;
	const char *end;
	bool last; /* the one of no size, after which nothing comes, is there */
};

/* The next chunk, as far as it has come; NULL: nothing of it has, or it is the last. Its size is read from a
 * line that has an end, which stops strtoul(). */
static const char *next_chunk(struct chunks *chunks, size_t *size)
{
	const char *line_end = memchr(chunks->at, '\n', (size_t)(chunks->end - chunks->at));
	size_t said;

	if (!line_end)
		return NULL;
	said = isxdigit((unsigned char)*chunks->at) ? strtoul(chunks->at, NULL, 16) : 0;
	*size = (size_t)(chunks->end - line_end - 1);
	if (*size > said)
		*size = said;
	chunks->last = said == 0;
	chunks->at = line_end + 1 + *size;
	if (chunks->at < chunks->end && *chunks->at == '\r')
		chunks->at++;
	if (chunks->at < chunks->end && *chunks->at == '\n')
		chunks->at++;
	return *size ? line_end + 1 : NULL;
}

/* Returns the size of what they hold, at the start of `body`. */
static size_t join_chunks(char *body, size_t size)
{
	struct chunks chunks = { .at = body, .end = body + size };
	const char *chunk;
	size_t joined = 0;

	while ((chunk = next_chunk(&chunks, &size))) {
		memmove(body + joined, chunk, size);
		joined += size;
	}
	return joined;
}

static bool chunks_are_whole(const char *body, size_t size)
{
	struct chunks chunks = { .at = body, .end = body + size };

	while (next_chunk(&chunks, &size))
		;
	return chunks.last;
}

static bool is_interim(unsigned int status)
{
	return status >= 100 && status < 200;
}

/* The size of the head of what is no "100 Continue", which may come before; `bytes` moves there. 0: it has not
 * come. */
static size_t find_head(const char **bytes, size_t *size, unsigned int *status)
{
	size_t head;

	while ((head = header_head(*bytes, *size))) {
		*status = header_status(*bytes, head);
		if (!is_interim(*status))
			return head;
		*bytes += head;
		*size -= head;
	}
	return 0;
}

bool soap_is_whole(const char *bytes, size_t size)
{
	unsigned int status;
	size_t head = find_head(&bytes, &size, &status);
	char length[12];
	size_t come = size - head;

	if (!head)
		return false;
	if (is_chunked(bytes, head))
		return chunks_are_whole(bytes + head, come);
	header_find(length, sizeof(length), bytes, head, "content-length");
	return length[0] >= '0' && length[0] <= '9' && come >= strtoul(length, NULL, 10);
}

char *soap_body(char *bytes, size_t *size, unsigned int *status)
{
	const char *at = bytes;
	size_t left = *size;
	size_t head = find_head(&at, &left, status);
	char *body = bytes + (at - bytes) + head;

	if (!head || strncasecmp(at, "HTTP/", head < 5 ? head : 5) != 0 || !*status)
		return NULL;
	*size = left - head;
	if (is_chunked(at, head))
		*size = join_chunks(body, *size);
	return body;
}

char *soap_ask(int fd, const struct soap_request *request, char answer[SOAP_ANSWER_MAX],
	       size_t *size, unsigned int *status)
{
	char text[SOAP_REQUEST_MAX];
	size_t length = soap_write(text, request);
	size_t come = 0;
	ssize_t got = 1;

	if (!length || send(fd, text, length, MSG_NOSIGNAL) != (ssize_t)length)
		return NULL;
	while (got > 0 && come < SOAP_ANSWER_MAX && !soap_is_whole(answer, come)) {
		got = recv(fd, answer + come, SOAP_ANSWER_MAX - come, 0);
		come += got > 0 ? (size_t)got : 0;
	}
	*size = come;
	return soap_body(answer, size, status);
}
