/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/shared.h"

#include "natd/ctl/members.h"
#include "natd/ctl/sentences.h"
#include "natd/ctl/text.h"

void status_shared_add(struct row *row, const json_t *shared)
{
	char service[SENTENCE_MAX];
	json_int_t count;

	if (json_is_true(json_object_get(shared, "certain")) && number_of(shared, "count", &count))
		row_add(row, _("shared (%s): %lld of its ports are yours"),
			sentence(text_of(shared, "service"), service), (long long)count);
}

void shared_show(FILE *out, const json_t *shared, size_t indent)
{
	struct row row = row_start(out, "", indent);
	char service[SENTENCE_MAX];
	json_int_t suggested;
	const json_t *range;
	size_t i;

	if (!number_of(shared, "suggested", &suggested))
		return;
	if (json_is_true(json_object_get(shared, "certain")))
		row_add(&row, _("This line (%s) shares its address. It owns only these ports:"),
			sentence(text_of(shared, "service"), service));
	else
		row_add(&row,
			_("If this line is %s, as its IPv6 address says, use %lld as external "
			  "port: it then owns only these:"),
			sentence(text_of(shared, "service"), service), (long long)suggested);
	row_break(&row);
	json_array_foreach(json_object_get(shared, "ports"), i, range)
		if (json_is_string(range))
			row_add(&row, "%s", json_string_value(range));
	row_end(&row);
}
