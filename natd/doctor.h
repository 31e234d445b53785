/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor: looks at everything afresh, in the order of a packet's way from outside.
 *
 * What takes time (the router, the counters of rules) is asked for at once when it begins; the steps are
 * then said in their order, each as soon as it is known and those before it are. */
#ifndef NATD_DOCTOR_H
#define NATD_DOCTOR_H

#include <jansson.h>

#include "natd/natd.h"

/* What has not answered by then is said to be unknown. */
#define DOCTOR_MS 12000

struct doctor;

/* Looks at the network again, and asks the router and rules. To be freed with doctor_free(). */
struct doctor *doctor_new(struct natd *natd);
void doctor_free(struct doctor *doctor);

/* rules has counted, every protocol of the router has answered or had its time. */
void doctor_counted(struct doctor *doctor);
void doctor_probed(struct doctor *doctor);

/* Takes the steps that are due. {"steps", "verdict", "took_ms"}, a new reference, when all are; NULL
 * before. */
json_t *doctor_look(struct doctor *doctor);

/* Step `index` as it was found: {"name", "result", "text"} and perhaps "unasked", a borrowed reference; NULL: not yet. */
json_t *doctor_step(const struct doctor *doctor, size_t index);

/* ---- between doctor.c and the steps, doctor_steps.h ---- */

enum finding_result { FOUND_OK, FOUND_INFO, FOUND_WARN, FOUND_FAIL, FOUND_UNKNOWN };

#define FINDING_TEXT_MAX 320 /* not below PEERS_TEXT_MAX */

struct finding {
	enum finding_result result;
	char text[FINDING_TEXT_MAX]; /* empty: there is nothing to say */
	char unasked[IF_NAMESIZE];   /* a WireGuard that natd may not ask; natctl may, as root */
};

struct doctor {
	struct natd *natd;
	int64_t began; /* CLOCK_BOOTTIME, ms */
	bool asked;    /* there is a router to ask */
	bool probed;
	bool counted;
	size_t next; /* step */
	json_t *found;
};

/* In one of the forms of natd/ctl/sentences_steps.c. */
void finding_say(struct finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

size_t each_forward(const struct doctor *doctor);

/* One of them; NULL: it is being closed. */
const struct forward *doctor_forward(const struct doctor *doctor, size_t item);

#endif
