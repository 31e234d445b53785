/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HTTP_PORT 80

static const char http[] = "http://";

/* Copies a path as it goes into a request line: nothing that could end or split that line. */
static bool set_path(struct url *url, const char *path)
{
	size_t length = strcspn(path, "#");
	size_t slash = *path != '/';

	if (length + slash >= sizeof(url->path))
		return false;
	for (size_t i = 0; i < length; i++)
		if (path[i] <= ' ' || path[i] >= 0x7f)
			return false;
	url->path[0] = '/';
	memcpy(url->path + slash, path, length);
	url->path[length + slash] = '\0';
	return true;
}

/* The decimal port after a colon, up to `end`. */
static bool parse_port(uint16_t *port, const char *at, const char *end)
{
	uint32_t value = 0;

	if (at == end || end - at > 5)
		return false;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			return false;
		value = value * 10 + (uint32_t)(*at - '0');
	}
	*port = (uint16_t)value;
	return value > 0 && value <= UINT16_MAX;
}

static bool parse_host(struct url *url, const char *at, const char *end)
{
	char host[INET_ADDRSTRLEN];
	const char *colon = memchr(at, ':', (size_t)(end - at));
	size_t length = (size_t)((colon ? colon : end) - at);

	if (length >= sizeof(host))
		return false;
	memcpy(host, at, length);
	host[length] = '\0';
	url->port = HTTP_PORT;
	return inet_pton(AF_INET, host, &url->host) == 1 &&
	       (!colon || parse_port(&url->port, colon + 1, end));
}

bool url_parse(struct url *url, const char *text)
{
	const char *host = text + strlen(http);

	if (strncasecmp(text, http, strlen(http)) != 0)
		return false;
	return parse_host(url, host, host + strcspn(host, "/?#")) &&
	       set_path(url, host + strcspn(host, "/?#"));
}

/* "[2001:db8::1]:5000", with or without a zone, up to `end`. */
static bool is_ipv6_host(uint16_t *port, const char *at, const char *end)
{
	char host[INET6_ADDRSTRLEN];
	struct in6_addr address;
	const char *close = memchr(at, ']', (size_t)(end - at));
	size_t length;

	if (*at != '[' || !close)
		return false;
	length = strcspn(at + 1, "%]");
	if (length >= sizeof(host))
		return false;
	memcpy(host, at + 1, length);
	host[length] = '\0';
	*port = HTTP_PORT;
	return inet_pton(AF_INET6, host, &address) == 1 &&
	       (close + 1 == end || (close[1] == ':' && parse_port(port, close + 2, end)));
}

bool url_parse_ipv6(struct url *url, const char *text, struct in_addr instead)
{
	const char *host = text + strlen(http);

	if (strncasecmp(text, http, strlen(http)) != 0 ||
	    !is_ipv6_host(&url->port, host, host + strcspn(host, "/?#")))
		return false;
	url->host = instead;
	return set_path(url, host + strcspn(host, "/?#"));
}

bool url_resolve(struct url *url, const struct url *base, const char *reference)
{
	const char *scheme = strstr(reference, "://");
	struct url own;

	*url = *base;
	if (!scheme || scheme > reference + strcspn(reference, "/?#"))
		return set_path(url, reference);
	if (url_parse(&own, reference) && own.host.s_addr == base->host.s_addr) {
		*url = own;
		return true;
	}
	scheme += strlen("://");
	return set_path(url, scheme + strcspn(scheme, "/?#"));
}

const char *url_print(const struct url *url, char text[URL_TEXT_MAX])
{
	char host[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &url->host, host, sizeof(host));
	if (url->port == HTTP_PORT)
		snprintf(text, URL_TEXT_MAX, "%s%s%s", http, host, url->path);
	else
		snprintf(text, URL_TEXT_MAX, "%s%s:%u%s", http, host, url->port, url->path);
	return text;
}
