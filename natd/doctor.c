/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/doctor.h"

#include <stdlib.h>

#include "natd/log.h"
#include "natd/loop.h"
#include "natd/status.h"

static const char *const result_names[] = {
	[FOUND_OK] = "ok",     [FOUND_INFO] = "info",       [FOUND_WARN] = "warn",
	[FOUND_FAIL] = "fail", [FOUND_UNKNOWN] = "unknown",
};

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

static void take_step(struct doctor *doctor, const struct doctor_step *step, bool late)
{
	size_t items = step->items(doctor);

	for (size_t item = 0; item < items; item++) {
		struct finding finding = { .result = FOUND_OK };

		step->look(doctor, item, &finding);
		if (!finding.text[0])
			continue;
		if (late && finding.result == FOUND_OK)
			finding.result = FOUND_UNKNOWN;
		json_array_append_new(doctor->found,
				      json_pack("{s:s, s:s, s:s}", "name", step->name, "result",
						result_names[finding.result], "text",
						finding.text));
	}
}

json_t *doctor_look(struct doctor *doctor)
{
	int64_t took = natd_now() - doctor->began;

	while (doctor->next < doctor_step_count) {
		const struct doctor_step *step = &doctor_steps[doctor->next];
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
