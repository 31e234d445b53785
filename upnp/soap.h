/* SPDX-License-Identifier: GPL-2.0-or-later */
/* soap: one request over a connection that the caller has made. A router's IPv6 firewall compares who asks
 * with whom the pinhole is for, so the connection has to come from that address, and libminiupnpc's
 * simpleUPnPcommand() takes no connection of its caller since its API 19. */
#ifndef UPNP_SOAP_H
#define UPNP_SOAP_H

#include <stdbool.h>
#include <stddef.h>

#include "upnp/url.h"

#define SOAP_REQUEST_MAX 2048
#define SOAP_ANSWER_MAX  16384

/* Both as they are written: numbers, addresses and names, in which XML has nothing to escape. */
struct soap_argument {
	const char *name; /* NULL: the last was the one before */
	const char *value;
};

struct soap_request {
	const char *host; /* as in a URL, with the port */
	const char *path;
	const char *service; /* its type, "urn:..." */
	const char *action;
	const struct soap_argument *arguments; /* NULL: none */
};

/* Writes a request (UDA 1.1, 3.2.1). Returns its size; 0: it does not fit. */
size_t soap_write(char text[SOAP_REQUEST_MAX], const struct soap_request *request);

/* Has all of an answer come? Where it does not say how long it is, nobody knows before the other side hangs
 * up. */
bool soap_is_whole(const char *bytes, size_t size);

/* The body of an answer, taken out of its chunks (RFC 9112 7.1), within `bytes`, which change; `size` becomes
 * its size. Of an answer that was cut off, what has come of it. NULL: this is no answer. */
char *soap_body(char *bytes, size_t *size, unsigned int *status);

/* Sends the request over `fd`, a connected stream, and waits for the answer; deadline.h bounds that. Returns
 * its body, within `answer`, as soap_body(). */
char *soap_ask(int fd, const struct soap_request *request, char answer[SOAP_ANSWER_MAX],
	       size_t *size, unsigned int *status);

#endif
