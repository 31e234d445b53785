/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/list.h"

#include "natd/ctl/client.h"
#include "natd/ctl/members.h"
#include "natd/ctl/print.h"

#define ROW_FORMAT "%-5s  %-8s  %-21s  %-8s  %-9s  %s\n"

static void port_text(const json_t *mapping, const char *member, char *text, size_t size)
{
	json_int_t port;

	if (number_of(mapping, member, &port))
		snprintf(text, size, "%lld", (long long)port);
	else
		snprintf(text, size, "?");
}

static void show_mapping(FILE *out, const json_t *mapping)
{
	const json_t *enabled = json_object_get(mapping, "enabled");
	const char *owner = text_of(mapping, "owner");
	char external[24];
	char port[24];
	char to[80];
	char expires[DURATION_TEXT_MAX] = "never";
	json_int_t seconds;

	port_text(mapping, "external_port", external, sizeof(external));
	port_text(mapping, "port", port, sizeof(port));
	snprintf(to, sizeof(to), "%s:%s", text_of(mapping, "client"), port);
	if (number_of(mapping, "expires_in", &seconds) && seconds > 0)
		print_duration(seconds, expires);
	if (json_is_false(enabled))
		snprintf(expires, sizeof(expires), "disabled");
	fprintf(out, ROW_FORMAT, text_of(mapping, "protocol"), external, to, expires,
		*owner ? owner : "?", text_of(mapping, "description"));
}

void list_show(FILE *out, const json_t *list)
{
	const json_t *mappings = json_object_get(list, "mappings");
	const char *reason = text_of(list, "reason");
	const json_t *mapping;
	size_t i;

	if (json_array_size(mappings) > 0)
		fprintf(out, ROW_FORMAT, "PROTO", "EXTERNAL", "TO", "EXPIRES", "WHOSE",
			"DESCRIPTION");
	json_array_foreach(mappings, i, mapping)
		show_mapping(out, mapping);
	if (!json_is_true(json_object_get(list, "complete")))
		fprintf(out, "The router's table could not be read to its end%s%s\n",
			*reason ? ": " : "", reason);
	else if (json_array_size(mappings) == 0)
		fprintf(out, "The router has no port open\n");
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
