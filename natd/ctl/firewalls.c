/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/firewalls.h"

#include <string.h>

#include "natd/ctl/members.h"
#include "natd/ctl/print.h"
#include "natd/ctl/text.h"

static const char *owner_name(const char *owner)
{
	static const char *const names[][2] = {
		{ "docker", "Docker" },
		{ "other", N_("another program") },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(owner, names[i][0]) == 0)
			return _(names[i][1]);
	return owner;
}

static void add_firewall(struct row *row, const json_t *firewall)
{
	row_break(row);
	row_add(row, "%s (%s %s)", owner_name(text_of(firewall, "owner")),
		text_of(firewall, "table"), text_of(firewall, "chain"));
	row_add(row, "%s",
		json_is_true(json_object_get(firewall, "passed"))
			? _("natd's rules let the VPN pass")
			: _("drops what it does not know"));
}

void firewalls_show(FILE *out, const json_t *status)
{
	struct row row = row_start(out, _(" Firewalls"), PRINT_INDENT);
	const json_t *firewall;
	size_t i;

	json_array_foreach(json_object_get(status, "firewalls"), i, firewall)
		if (strcmp(text_of(firewall, "hook"), "forward") == 0 &&
		    json_is_true(json_object_get(firewall, "closes")))
			add_firewall(&row, firewall);
	row_end(&row);
}
