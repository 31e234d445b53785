/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/doctor.h"

#include <string.h>

#include "natd/ctl/follow.h"
#include "natd/ctl/headline.h"
#include "natd/ctl/members.h"
#include "natd/ctl/print.h"
#include "natd/ctl/sentences.h"
#include "natd/ctl/text.h"
#include "natd/peers.h"

/* natd has given up on the router well before. */
#define SILENCE_SECONDS 20

/* Where the sentences begin: after a space and the longest mark ("FAIL", "異常"). */
#define STEP_INDENT 7

static const struct mark {
	const char *result;
	const char *mark;
	enum print_colour colour;
} marks[] = {
	{ "ok", N_("ok"), PRINT_GREEN },      { "info", N_("info"), PRINT_PLAIN },
	{ "warn", N_("WARN"), PRINT_YELLOW }, { "fail", N_("FAIL"), PRINT_RED },
	{ "unknown", N_("?"), PRINT_YELLOW },
};

static const struct mark *mark_of(const char *result)
{
	size_t i = sizeof(marks) / sizeof(marks[0]) - 1;

	while (i > 0 && strcmp(marks[i].result, result) != 0)
		i--;
	return &marks[i];
}

void doctor_show_step(FILE *out, const json_t *step)
{
	const struct mark *mark = mark_of(text_of(step, "result"));
	const char *word = _(mark->mark);
	struct row row = row_start(out, "", STEP_INDENT);
	char translated[SENTENCE_MAX];

	if (!*text_of(step, "text"))
		return;
	fputc(' ', out);
	print_coloured(out, mark->colour, word);
	fprintf(out, "%*s", STEP_INDENT - 1 - (int)print_width(word), "");
	row.column = STEP_INDENT;
	row_add(&row, "%s", sentence(text_of(step, "text"), translated));
	row_end(&row);
}

void doctor_show_verdict(FILE *out, const json_t *result)
{
	const json_t *verdict = json_object_get(result, "verdict");

	fputc('\n', out);
	headline_show(out, verdict);
	headline_show_advice(out, verdict);
}

void doctor_show(FILE *out, const json_t *result)
{
	const json_t *step;
	size_t i;

	json_array_foreach(json_object_get(result, "steps"), i, step)
		doctor_show_step(out, step);
	doctor_show_verdict(out, result);
}

/* A step may find what no verdict is about. */
int doctor_exit(const json_t *result)
{
	int status = headline_exit(json_object_get(result, "verdict"));
	const json_t *step;
	size_t i;

	json_array_foreach(json_object_get(result, "steps"), i, step) {
		const char *found = text_of(step, "result");
		bool is_bad = strcmp(found, "warn") == 0 || strcmp(found, "fail") == 0;

		if (is_bad && status == NATCTL_WELL)
			status = NATCTL_WARNING;
	}
	return status;
}

/* A WireGuard in user space that natd may not ask answers root. */
static void complete(json_t *step)
{
	const char *interface = text_of(step, "unasked");
	struct rules_peers peers = { .ago = -1 };
	char text[PEERS_TEXT_MAX];
	bool shaken;

	if (!*interface || strlen(interface) >= sizeof(peers.interface))
		return;
	memcpy(peers.interface, interface, strlen(interface));
	if (!rules_userspace_peers(interface, &peers))
		return;
	shaken = peers_print(&peers, text);
	json_object_set_new(step, "result", json_string(shaken ? "ok" : "info"));
	json_object_set_new(step, "text", json_string(text));
	json_object_del(step, "unasked");
}

static void on_line(const json_t *line, void *data)
{
	const struct invocation *typed = data;
	json_t *step = json_object_get(line, "step");

	if (typed->json || !step)
		return;
	complete(step);
	doctor_show_step(stdout, step);
	fflush(stdout); /* as it happens */
}

int command_doctor(const struct invocation *typed)
{
	const struct control_request request = { .command = CONTROL_DOCTOR };
	struct invocation asked = *typed;
	json_t *result;
	json_t *step;
	int status;
	size_t i;

	rules_open();
	result = follow_natd(typed, request, SILENCE_SECONDS, on_line, &asked, &status);
	if (!result)
		return status;
	json_array_foreach(json_object_get(result, "steps"), i, step)
		complete(step);
	if (typed->json)
		say_json(result);
	else
		doctor_show_verdict(stdout, result);
	status = doctor_exit(result);
	json_decref(result);
	return status;
}
