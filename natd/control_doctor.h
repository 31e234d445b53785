/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control_doctor: natctl doctor at natd's end. One examination at a time: who asks while it goes on is
 * told of the same one. */
#ifndef NATD_CONTROL_DOCTOR_H
#define NATD_CONTROL_DOCTOR_H

#include "natd/control_client.h"

void control_do_doctor(struct client *client);

/* Tells a client what it has not been told yet; ends the conversation with the verdict. */
void control_doctor_tell(struct client *client);

/* What the examination waits for has come. */
void control_doctor_counted(struct control *control);
void control_doctor_probed(struct control *control);

#endif
