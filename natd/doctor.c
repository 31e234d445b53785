/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "natd/doctor_steps.h"
#include "natd/log.h"
#include "natd/loop.h"
#include "natd/name_watch.h"
#include "natd/status.h"

static const char *const result_names[] = {
	[FOUND_OK] = "ok",     [FOUND_INFO] = "info",       [FOUND_WARN] = "warn",
	[FOUND_FAIL] = "fail", [FOUND_UNKNOWN] = "unknown",
};

/* A step looks at one thing, or at each of several, when it is ready. */
struct step {
	const char *name;
	bool (*ready)(const struct doctor *doctor);
	size_t (*items)(const struct doctor *doctor);
	void (*look)(const struct doctor *doctor, size_t item, struct finding *finding);
};

static bool at_once(const struct doctor *doctor)
{
	(void)doctor;
	return true;
}

static size_t one(const struct doctor *doctor)
{
	(void)doctor;
	return 1;
}

size_t each_forward(const struct doctor *doctor)
{
	return doctor->natd->engine.forwards.count;
}

static const struct step steps[] = {
	{ "route", at_once, one, look_route },
	{ "router", has_probed, if_asked, look_router },
	{ "wan", has_probed, if_asked, look_wan },
	{ "upstream", has_looked_out, if_asked, look_upstream },
	{ "name", has_name, if_named, look_name },
	{ "mapping", has_confirmed, each_forward, look_mapping },
	{ "listening", at_once, each_forward, look_listening },
	{ "arrival", has_counted, each_forward, look_arrival },
	{ "firewalls", has_counted, one, look_firewalls },
	{ "tunnel", at_once, each_tunnel, look_tunnel },
	{ "handshakes", has_peers, each_wireguard, look_handshakes },
	{ "forwarding", at_once, each_tunnel, look_forwarding },
	{ "egress", at_once, one, look_egress },
	{ "rules", has_counted, one, look_rules },
	{ "size", at_once, each_tunnel, look_size },
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

const struct forward *doctor_forward(const struct doctor *doctor, size_t item)
{
	const struct forward *forward = &doctor->natd->engine.forwards.list[item];

	return forward->state == FORWARD_CLOSING ? NULL : forward;
}

void finding_say(struct finding *finding, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
}

struct doctor *doctor_new(struct natd *natd)
{
	struct doctor *doctor = calloc(1, sizeof(*doctor));

	if (!doctor)
		fatal("no memory for an examination");
	doctor->natd = natd;
	doctor->found = json_array();
	loop_look(natd);
	doctor->began = natd_now();
	doctor->asked = engine_check(&natd->engine);
	upstream_check(&natd->upstream, &natd->engine, &natd->config, doctor->began);
	name_watch_configured(natd);
	kernel_ask_peers(&natd->kernel);
	kernel_count(&natd->kernel);
	return doctor;
}

void doctor_free(struct doctor *doctor)
{
	if (!doctor)
		return;
	json_decref(doctor->found);
	free(doctor);
}

void doctor_counted(struct doctor *doctor)
{
	doctor->counted = true;
}

void doctor_probed(struct doctor *doctor)
{
	doctor->probed = true;
}

static void take_step(struct doctor *doctor, const struct step *step, bool late)
{
	size_t items = step->items(doctor);

	for (size_t item = 0; item < items; item++) {
		struct finding finding = { .result = FOUND_OK };
		json_t *found;

		step->look(doctor, item, &finding);
		if (!finding.text[0])
			continue;
		if (late && finding.result == FOUND_OK)
			finding.result = FOUND_UNKNOWN;
		found = json_pack("{s:s, s:s, s:s}", "name", step->name, "result",
				  result_names[finding.result], "text", finding.text);
		if (finding.unasked[0])
			json_object_set_new(found, "unasked", json_string(finding.unasked));
		json_array_append_new(doctor->found, found);
	}
}

json_t *doctor_look(struct doctor *doctor)
{
	int64_t took = natd_now() - doctor->began;

	while (doctor->next < STEPS) {
		const struct step *step = &steps[doctor->next];
		bool ready = step->ready(doctor);

		if (!ready && took < DOCTOR_MS)
			return NULL;
		take_step(doctor, step, !ready);
		doctor->next++;
	}
	return json_pack("{s:O, s:o, s:I}", "steps", doctor->found, "verdict",
			 status_verdict(doctor->natd), "took_ms", (json_int_t)took);
}

json_t *doctor_step(const struct doctor *doctor, size_t index)
{
	return json_array_get(doctor->found, index);
}
