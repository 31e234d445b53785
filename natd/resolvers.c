/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/resolvers.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_v4(const char *text, struct upnp_resolver *resolver)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) != 1)
		return false;
	*resolver = (struct upnp_resolver){ .address = upnp_v4_mapped(v4) };
	return true;
}

/* "fe80::1%eth0" or "fe80::1%2" */
static bool parse_v6(char *text, const struct network *network, struct upnp_resolver *resolver)
{
	char *scope = strchr(text, '%');
	const struct network_link *link;

	*resolver = (struct upnp_resolver){ 0 };
	if (scope) {
		*scope++ = '\0';
		link = network_link_by_name(network, scope);
		resolver->scope = link ? link->index : (uint32_t)strtoul(scope, NULL, 10);
	}
	return inet_pton(AF_INET6, text, &resolver->address) == 1;
}

size_t resolvers_read(const char *path, const struct network *network,
		      struct upnp_resolver resolvers[UPNP_RESOLVERS_MAX])
{
	FILE *file = fopen(path, "re");
	char line[256];
	char address[64];
	size_t count = 0;

	if (!file)
		return 0;
	while (count < UPNP_RESOLVERS_MAX && fgets(line, sizeof(line), file))
		if (sscanf(line, " nameserver %63s", address) == 1 &&
		    (parse_v4(address, &resolvers[count]) ||
		     parse_v6(address, network, &resolvers[count])))
			count++;
	fclose(file);
	if (!count && parse_v4("127.0.0.1", &resolvers[0]))
		count = 1;
	return count;
}
