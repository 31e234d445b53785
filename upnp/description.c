/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/description.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "natd/log.h"

/* A run of bytes inside the file. */
struct span {
	const char *at;
	const char *end;
};

static const struct {
	const char *element;
	size_t offset;
	size_t size;
} words[] = {
#define WORD(element, field)                                                                       \
	{                                                                                          \
		element, offsetof(struct description, field),                                      \
			sizeof(((struct description *)0)->field)                                   \
	}
	WORD("deviceType", device_type),    WORD("friendlyName", friendly_name),
	WORD("manufacturer", manufacturer), WORD("modelName", model_name),
	WORD("modelNumber", model_number),  WORD("presentationURL", presentation_url),
#undef WORD
};

static const struct {
	const char *name;
	char character;
} entities[] = {
	{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&apos;", '\'' },
};

/* One character of text: of an entity that we know, or the byte itself. */
static char next_character(struct span *text)
{
	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		size_t length = strlen(entities[i].name);

		if ((size_t)(text->end - text->at) >= length &&
		    memcmp(text->at, entities[i].name, length) == 0) {
			text->at += length;
			return entities[i].character;
		}
	}
	return *text->at++;
}

static bool is_blank(char character)
{
	return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

static void take_text(char *to, size_t size, struct span text)
{
	size_t used = 0;

	while (text.at < text.end && is_blank(*text.at))
		text.at++;
	while (text.at < text.end && used < size - 1) {
		char character = next_character(&text);

		to[used++] = character ? character : '?';
	}
	while (used > 0 && is_blank(to[used - 1]))
		used--;
	to[used] = '\0';
	log_clean(to);
}

/* The name of an element without its namespace: "d:modelName a='b'" is "modelName". */
static struct span local_name(struct span tag)
{
	const char *end = tag.at;

	while (end < tag.end && !is_blank(*end) && *end != '/') {
		if (*end++ == ':')
			tag.at = end;
	}
	tag.end = end;
	return tag;
}

static bool span_is(struct span span, const char *text)
{
	return (size_t)(span.end - span.at) == strlen(text) &&
	       memcmp(span.at, text, strlen(text)) == 0;
}

static void take_word(struct description *description, struct span name, struct span text)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char *to = (char *)description + words[i].offset;

		if (span_is(name, words[i].element) && !*to)
			take_text(to, words[i].size, text);
	}
}

static const char *find(const char *at, const char *end, const char *text)
{
	const char *found = at < end ? memmem(at, (size_t)(end - at), text, strlen(text)) : NULL;

	return found ? found : end;
}

/* Steps over the markup after a '<' and returns where its text starts; `name` is empty for what is no
 * opening element: comments, closing elements, declarations. */
static const char *read_tag(struct span *name, const char *at, const char *end)
{
	const char *close = find(at, end, ">");

	name->at = name->end = at;
	if (end - at >= 3 && memcmp(at, "!--", 3) == 0) {
		close = find(at + 3, end, "-->");
		return close < end ? close + 3 : end;
	}
	if (at < end && *at != '/' && *at != '!' && *at != '?')
		*name = local_name((struct span){ at, close });
	return close < end ? close + 1 : end;
}

void description_read(struct description *description, const char *bytes, size_t size)
{
	const char *end = bytes + size;
	const char *at = find(bytes, end, "<");

	memset(description, 0, sizeof(*description));
	while (at < end) {
		struct span name;
		const char *text = read_tag(&name, at + 1, end);

		at = find(text, end, "<");
		if (name.at < name.end && at < end)
			take_word(description, name, (struct span){ text, at });
	}
}

/* Adds a word that is not there already, with `before` between and `after` behind. */
static void append(char text[UPNP_TEXT_MAX], const char *before, const char *word,
		   const char *after)
{
	size_t used = strlen(text);

	if (!*word || strcasestr(text, word))
		return;
	snprintf(text + used, UPNP_TEXT_MAX - used, "%s%s%s", used ? before : "", word,
		 used ? after : "");
}

/* "urn:schemas-upnp-org:device:InternetGatewayDevice:2" */
static uint8_t igd_version(const char *device_type)
{
	static const char igd[] = ":InternetGatewayDevice:";
	const char *at = strstr(device_type, igd);
	long version = at ? strtol(at + strlen(igd), NULL, 10) : 0;

	return version == 1 || version == 2 ? (uint8_t)version : 0;
}

/* The page for a human: only what a browser opens; another scheme (javascript:) is no page. */
static void set_page(struct upnp_router *router, const char *page, const struct url *location)
{
	char text[URL_TEXT_MAX];
	struct url url;

	router->url[0] = '\0';
	if (!*page)
		return;
	if (strncasecmp(page, "http://", 7) == 0 || strncasecmp(page, "https://", 8) == 0)
		snprintf(text, sizeof(text), "%s", page);
	else if (!strchr(page, ':') && url_resolve(&url, location, page))
		url_print(&url, text);
	else
		return;
	if (strlen(text) < sizeof(router->url) && !strpbrk(text, " \"'<>"))
		strcpy(router->url, text);
}

void description_router(struct upnp_router *router, const struct description *description,
			const struct url *location)
{
	router->model[0] = '\0';
	append(router->model, "", description->friendly_name, "");
	append(router->model, " ", description->model_name, "");
	/* "1" says nothing; "v2.1" does. */
	if (strlen(description->model_number) > 2)
		append(router->model, " ", description->model_number, "");
	append(router->model, " (", description->manufacturer, ")");
	log_clean(router->model);
	router->igd_version = igd_version(description->device_type);
	set_page(router, description->presentation_url, location);
}
