/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/test.h"

#include <string.h>
#include <time.h>

#include "natd/ctl/headline.h"
#include "natd/ctl/members.h"
#include "natd/ctl/packet.h"
#include "natd/ctl/print.h"
#include "natd/ctl/text.h"

static const json_t *packet_from_outside(const json_t *result)
{
	return strcmp(text_of(result, "result"), "outside") == 0 ? json_object_get(result, "packet")
								 : NULL;
}

static void advise(FILE *out, const char *first, const char *second)
{
	struct row row = headline_start_advice(out);

	row_add(&row, "%s", first);
	row_break(&row);
	row_add(&row, "%s", second);
	row_end(&row);
}

static void show_none(FILE *out, const json_t *result)
{
	json_int_t from_home = 0;

	number_of(result, "from_home", &from_home);
	if (from_home)
		fputs(_("only packets from home came: they do not prove that the router "
			"forwards\n"),
		      out);
	else
		fputs(_("no packet from outside came\n"), out);
	advise(out, _("turn Wi-Fi off on the phone, switch its VPN on, and try again."),
	       _("If nothing comes then: natctl doctor"));
}

void test_show(FILE *out, const json_t *result, const char *clock)
{
	const json_t *packet = packet_from_outside(result);

	if (!packet) {
		show_none(out, result);
		return;
	}
	fprintf(out, _("a packet from outside came at %s\n"), clock);
	packet_show(out, packet);
}

int test_exit(const json_t *result)
{
	const json_t *packet = packet_from_outside(result);

	return packet ? packet_exit(packet) : NATCTL_NOT_KNOWN;
}

int command_test(const struct invocation *typed)
{
	const struct control_request request = { .command = CONTROL_TEST };
	char clock[sizeof("00:00:00")];
	time_t now;
	struct tm local;
	int status;
	json_t *result = packet_wait(typed, request,
				     _("waiting for a packet from outside: switch on a phone's "
				       "VPN, Wi-Fi off"),
				     &status);

	if (!result)
		return status;
	now = time(NULL);
	localtime_r(&now, &local);
	strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	if (typed->json)
		say_json(result);
	else
		test_show(stdout, result, clock);
	status = test_exit(result);
	json_decref(result);
	return status;
}
