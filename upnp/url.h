/* SPDX-License-Identifier: GPL-2.0-or-later */
/* url: the http URLs of a home router. A host name is never resolved: the router is known by its
 * number, so a URL that names anything else is turned to the router or refused. */
#ifndef UPNP_URL_H
#define UPNP_URL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define URL_PATH_MAX 256
#define URL_TEXT_MAX (URL_PATH_MAX + 32)

struct url {
	struct in_addr host;     /* network byte order */
	uint16_t port;           /* host byte order */
	char path[URL_PATH_MAX]; /* with the query; starts with '/'; printable ASCII, no space */
};

/* Reads "http://192.168.1.1:5000/rootDesc.xml". False for any other scheme, a host that is not an
 * IPv4 address, a port of 0 or a path that does not fit. */
bool url_parse(struct url *url, const char *text);

/* Reads "http://[fe80::1]:5000/rootDesc.xml", with `instead` for its host. */
bool url_parse_ipv6(struct url *url, const char *text, struct in_addr instead);

/* Where `reference`, found in the router's description, leads on the router itself: a URL with the
 * host of `base` keeps its port; of any other URL only the path counts; a relative one starts at
 * the root, as every IGD client reads it. False where the path does not fit or is not clean. */
bool url_resolve(struct url *url, const struct url *base, const char *reference);

const char *url_print(const struct url *url, char text[URL_TEXT_MAX]);

#endif
