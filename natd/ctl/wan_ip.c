/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "natd/address.h"
#include "natd/ctl/client.h"
#include "natd/ctl/members.h"
#include "natd/ctl/print.h"

/* ddclient and inadyn publish whatever this prints: a public address of the family asked for, or
 * nothing at all. */
static bool publishable(const char *text, uint8_t family)
{
	struct address address;

	return address_parse(&address, text) && address.family == family &&
	       address_kind(&address) == ADDRESS_PUBLIC;
}

int command_wan_ip(const struct invocation *typed)
{
	uint8_t family = typed->ipv6 ? AF_INET6 : AF_INET;
	struct control_request request = { .command = CONTROL_WAN_IP, .family = family };
	int status;
	json_t *answer = must_ask_natd(typed, &request, &status);
	const char *address = text_of(answer, "address");
	bool known = publishable(address, family);

	if (!answer)
		return status;
	if (typed->json && known)
		say_json(answer);
	else if (typed->json)
		puts("{\n  \"address\": null\n}");
	else if (known)
		puts(address);
	json_decref(answer);
	return known ? NATCTL_WELL : NATCTL_WARNING;
}
