/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/control_doctor.h"

#include "natd/doctor.h"

/* The steps that wait for the router or for rules are looked at so often. */
#define DOCTOR_LOOK_MS 50

static bool is_listening(const struct client *client)
{
	return client->socket >= 0 && client->waiting == WAITING_DOCTOR;
}

static bool anybody_listens(const struct control *control)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (is_listening(&control->clients[i]))
			return true;
	return false;
}

void control_doctor_tell(struct client *client)
{
	struct doctor *doctor = client->control->doctor;
	json_t *result = doctor_look(doctor);

	for (json_t *step; (step = doctor_step(doctor, client->steps)); client->steps++)
		if (!client_tell(client, json_pack("{s:O}", "step", step)))
			break;
	if (result && client->socket >= 0)
		client_answer(client, result);
	else
		json_decref(result);
}

static void tell_all(struct control *control)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (is_listening(&control->clients[i]))
			control_doctor_tell(&control->clients[i]);
}

void control_do_doctor(struct client *client)
{
	struct timeval look = { .tv_usec = DOCTOR_LOOK_MS * 1000 };
	struct control *control = client->control;

	if (!anybody_listens(control)) {
		doctor_free(control->doctor);
		control->doctor = doctor_new(control->natd);
	}
	client->waiting = WAITING_DOCTOR;
	client->steps = 0;
	event_add(client->event, &look);
	control_doctor_tell(client);
}

void control_doctor_counted(struct control *control)
{
	if (!control->doctor)
		return;
	doctor_counted(control->doctor);
	tell_all(control);
}

void control_doctor_probed(struct control *control)
{
	if (!control->doctor)
		return;
	doctor_probed(control->doctor);
	tell_all(control);
}
