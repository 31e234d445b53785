/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/list.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "natd/ctl/client.h"
#include "natd/ctl/members.h"
#include "natd/ctl/print.h"
#include "natd/ctl/sentences.h"
#include "natd/ctl/text.h"
#include "natd/ctl/words.h"

/* Columns of the table, without the last, which takes what it needs. */
static const size_t widths[] = { 5, 8, 21, 8, 9 };

#define COLUMNS (sizeof(widths) / sizeof(widths[0]) + 1)

static void show_row(FILE *out, const char *const cells[COLUMNS])
{
	size_t column = 0;

	for (size_t i = 0; i < COLUMNS - 1; i++) {
		size_t width = print_width(cells[i]);

		column += (width < widths[i] ? widths[i] : width) + 2;
		fprintf(out, "%s%*s  ", cells[i], (int)(width < widths[i] ? widths[i] - width : 0),
			"");
	}
	/* A person reads it under its line, a program in it. */
	if (column + print_width(cells[COLUMNS - 1]) > PRINT_COLUMNS && isatty(fileno(out)))
		fprintf(out, "\n%*s", (int)widths[0] + 2, "");
	fprintf(out, "%s\n", cells[COLUMNS - 1]);
}

static void port_text(const json_t *mapping, const char *member, char *text, size_t size)
{
	json_int_t port;

	if (number_of(mapping, member, &port))
		snprintf(text, size, "%lld", (long long)port);
	else
		snprintf(text, size, "?");
}

/* The name that this host's own files have for another: the DNS, which a stranger may fill, is not asked. */
static const char *name_in_files(const char *address)
{
	struct in_addr v4;
	const struct hostent *host;
	const char *name = "";

	if (inet_pton(AF_INET, address, &v4) != 1)
		return "";
	sethostent(0);
	while (!*name && (host = gethostent()))
		if (host->h_addrtype == AF_INET && memcmp(host->h_addr, &v4, sizeof(v4)) == 0)
			name = host->h_name;
	endhostent();
	return name;
}

/* Another host by its name, where that is known. */
static const char *whose(const json_t *mapping)
{
	const char *owner = text_of(mapping, "owner");
	const char *name =
		strcmp(owner, "other") == 0 ? name_in_files(text_of(mapping, "client")) : "";

	return *name ? name : word_owner(owner);
}

static void show_mapping(FILE *out, const json_t *mapping)
{
	const json_t *enabled = json_object_get(mapping, "enabled");
	const char *mac = text_of(mapping, "mac");
	char description[200];
	char external[24];
	char port[24];
	char to[80];
	char expires[DURATION_TEXT_MAX];
	json_int_t seconds;

	snprintf(expires, sizeof(expires), "%s", _("never"));
	port_text(mapping, "external_port", external, sizeof(external));
	port_text(mapping, "port", port, sizeof(port));
	snprintf(to, sizeof(to), "%s:%s", text_of(mapping, "client"), port);
	if (number_of(mapping, "expires_in", &seconds) && seconds > 0)
		print_duration(seconds, expires);
	if (json_is_false(enabled))
		snprintf(expires, sizeof(expires), "%s", _("disabled"));
	snprintf(description, sizeof(description), "%s%s%s", text_of(mapping, "description"),
		 *mac ? "  " : "", mac);
	show_row(out, (const char *[]){ text_of(mapping, "protocol"), external, to, expires,
					whose(mapping), description });
}

void list_show(FILE *out, const json_t *list)
{
	const json_t *mappings = json_object_get(list, "mappings");
	char translated[SENTENCE_MAX];
	const char *reason = sentence(text_of(list, "reason"), translated);
	const json_t *mapping;
	size_t i;

	if (json_array_size(mappings) > 0)
		show_row(out, (const char *[]){ _("PROTO"), _("EXTERNAL"), _("TO"), _("EXPIRES"),
						_("WHOSE"), _("DESCRIPTION") });
	json_array_foreach(mappings, i, mapping)
		show_mapping(out, mapping);
	if (!json_is_true(json_object_get(list, "complete")))
		fprintf(out, _("The router's table could not be read to its end%s%s\n"),
			*reason ? ": " : "", reason);
	else if (json_array_size(mappings) == 0)
		fputs(_("The router has no port open\n"), out);
}

static int list_status(const json_t *list)
{
	if (json_is_true(json_object_get(list, "complete")))
		return NATCTL_WELL;
	return json_array_size(json_object_get(list, "mappings")) > 0 ? NATCTL_WARNING
								      : NATCTL_BROKEN;
}

int command_list(const struct invocation *typed)
{
	const struct control_request request = { .command = CONTROL_LIST };
	int status;
	json_t *list = must_ask_natd(typed, &request, &status);

	if (!list)
		return status;
	if (typed->json)
		say_json(list);
	else
		list_show(stdout, list);
	status = list_status(list);
	json_decref(list);
	return status;
}
