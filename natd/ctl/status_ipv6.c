/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/status_ipv6.h"

#include <string.h>

#include "natd/ctl/members.h"
#include "natd/ctl/sentences.h"
#include "natd/ctl/status_router.h"
#include "natd/ctl/text.h"
#include "natd/ctl/words.h"

/* False where the forward has no pinhole, and none is wanted. */
static bool place(const json_t *forward, const char **address, json_int_t *port)
{
	const json_t *pinhole = json_object_get(forward, "ipv6");

	*address = text_of(pinhole, "address");
	return **address && number_of(pinhole, "port", port);
}

void status_ipv6_add(struct row *row, const json_t *forward)
{
	const char *address;
	json_int_t port;

	if (!place(forward, &address, &port) ||
	    strcmp(text_of(json_object_get(forward, "ipv6"), "state"), "open") != 0)
		return;
	row_break(row);
	row_add(row, _("or over IPv6  -> [%s]:%lld"), address, (long long)port);
}

static void add_open(struct row *row, const json_t *pinhole, const char *transport,
		     const char *address, json_int_t port)
{
	row_add(row, _("%s [%s]:%lld opened by %s"), transport, address, (long long)port,
		word_protocol(text_of(pinhole, "via")));
	status_times(row, pinhole);
}

static void add_pinhole(struct row *row, const json_t *forward)
{
	const json_t *pinhole = json_object_get(forward, "ipv6");
	const char *transport = word_transport(text_of(forward, "protocol"));
	const char *state = text_of(pinhole, "state");
	char translated[SENTENCE_MAX];
	const char *reason = sentence(text_of(pinhole, "reason"), translated);
	const char *address;
	json_int_t port;

	if (!place(forward, &address, &port))
		return;
	row_break(row);
	if (strcmp(state, "open") == 0)
		add_open(row, pinhole, transport, address, port);
	else if (strcmp(state, "opening") == 0)
		row_add(row, _("%s [%s]:%lld: asking the router to open it"), transport, address,
			(long long)port);
	else
		row_add(row, _("%s [%s]:%lld not opened%s%s"), transport, address, (long long)port,
			*reason ? ": " : "", reason);
}

void status_ipv6_show(FILE *out, const json_t *status)
{
	struct row row = row_start(out, _(" IPv6"), PRINT_INDENT);
	const json_t *forward;
	size_t i;

	json_array_foreach(json_object_get(status, "forwards"), i, forward)
		add_pinhole(&row, forward);
	row_end(&row);
}
