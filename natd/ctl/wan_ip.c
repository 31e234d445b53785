/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <unistd.h>

#include "natd/address.h"
#include "natd/ctl/client.h"
#include "natd/ctl/snapshots.h"
#include "natd/ctl/members.h"
#include "natd/ctl/print.h"
#include "natd/ctl/text.h"

/* Between two looks for a natd that does not run. */
#define WAIT_SECONDS 1

/* ddclient and inadyn publish whatever this prints: a public address of the family asked for, or
 * nothing at all. */
static bool publishable(const char *text, uint8_t family)
{
	struct address address;

	return address_parse(&address, text) && address.family == family &&
	       address_kind(&address) == ADDRESS_PUBLIC;
}

/* natd's snapshots until one has an address. False: natd refused, with one line said. */
static bool wait_at_natd(const struct invocation *typed)
{
	enum snapshots_end end = SNAPSHOTS_NONE;
	struct answer answer = { 0 };
	struct snapshots from;
	json_t *snapshot;
	bool known = false;

	if (!snapshots_open(&from, typed->socket, &answer)) {
		sleep(WAIT_SECONDS); /* it will come */
		return true;
	}
	do {
		end = snapshots_next(&from, 0, &snapshot, &answer);
		if (end == SNAPSHOTS_ONE) {
			known = publishable(text_of(snapshot, "wan_address"), AF_INET);
			json_decref(snapshot);
		}
	} while (end == SNAPSHOTS_ONE && !known);
	snapshots_close(&from);
	if (end == SNAPSHOTS_OVER || end == SNAPSHOTS_SILENT)
		sleep(WAIT_SECONDS);
	if (end == SNAPSHOTS_REFUSED)
		say_error(typed->json, answer.status, "%s", answer.error);
	return end != SNAPSHOTS_REFUSED;
}

/* ddclient 3.10 and inadyn 2.10 tell the provider even of no address, and the provider then takes any:
 * so an updater waits here, as long as it takes, also for natd itself. */
static json_t *wait_until_known(const struct invocation *typed,
				const struct control_request *request, int *status)
{
	do {
		struct answer answer = ask_natd(typed->socket, *request);

		if (publishable(text_of(answer.json, "address"), AF_INET))
			return answer.json;
		json_decref(answer.json);
	} while (wait_at_natd(typed));
	*status = NATCTL_BROKEN;
	return NULL;
}

int command_wan_ip(const struct invocation *typed)
{
	uint8_t family = typed->ipv6 ? AF_INET6 : AF_INET;
	struct control_request request = { .command = CONTROL_WAN_IP, .family = family };
	const char *address;
	json_t *answer;
	bool known;
	int status;

	if (typed->wait && typed->ipv6)
		return say_error(typed->json, NATCTL_USAGE, _("'%s' is not for %s; allowed: %s"),
				 "--wait", "wan-ip -6", "natctl wan-ip --wait");
	answer = typed->wait ? wait_until_known(typed, &request, &status)
			     : must_ask_natd(typed, &request, &status);
	if (!answer)
		return status;
	address = text_of(answer, "address");
	known = publishable(address, family);
	if (typed->json && known)
		say_json(answer);
	else if (typed->json)
		puts("{\n  \"address\": null\n}");
	else if (known)
		puts(address);
	json_decref(answer);
	return known ? NATCTL_WELL : NATCTL_WARNING;
}
