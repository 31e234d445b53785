/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/legacy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The kernel's own limit: XT_TABLE_MAXNAMELEN of linux/netfilter/x_tables.h. */
#define NAME_MAX_OF_TABLE (32 + sizeof("\n"))

json_t *legacy_tables(bool ipv6)
{
	const char *path = ipv6 ? "/proc/net/ip6_tables_names" : "/proc/net/ip_tables_names";
	FILE *file = fopen(path, "re");
	char line[NAME_MAX_OF_TABLE];
	json_t *tables;

	/* Without the file the kernel has no iptables-legacy, or has not loaded it. */
	if (!file && errno != ENOENT)
		return json_null();
	tables = json_array();
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		json_array_append_new(tables, json_string(line));
	}
	if (file)
		fclose(file);
	return tables;
}
