/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor_steps: the steps of natctl doctor, each one rung of the ladder that a packet from outside has to
 * climb. doctor.h says what each function of a step is for. */
#ifndef NATD_DOCTOR_STEPS_H
#define NATD_DOCTOR_STEPS_H

#include "natd/doctor.h"

/* doctor_router.c */
bool has_probed(const struct doctor *doctor);
bool has_looked_out(const struct doctor *doctor);
bool has_confirmed(const struct doctor *doctor);
bool has_name(const struct doctor *doctor);
size_t if_asked(const struct doctor *doctor);
size_t if_named(const struct doctor *doctor);
void look_route(const struct doctor *doctor, size_t item, struct finding *finding);
void look_router(const struct doctor *doctor, size_t item, struct finding *finding);
void look_wan(const struct doctor *doctor, size_t item, struct finding *finding);
void look_upstream(const struct doctor *doctor, size_t item, struct finding *finding);
void look_name(const struct doctor *doctor, size_t item, struct finding *finding);
void look_mapping(const struct doctor *doctor, size_t item, struct finding *finding);

/* doctor_host.c */
bool has_counted(const struct doctor *doctor);
bool has_peers(const struct doctor *doctor);
size_t each_tunnel(const struct doctor *doctor);
size_t each_wireguard(const struct doctor *doctor);
void look_listening(const struct doctor *doctor, size_t item, struct finding *finding);
void look_arrival(const struct doctor *doctor, size_t item, struct finding *finding);
void look_firewalls(const struct doctor *doctor, size_t item, struct finding *finding);
void look_tunnel(const struct doctor *doctor, size_t item, struct finding *finding);
void look_handshakes(const struct doctor *doctor, size_t item, struct finding *finding);
void look_forwarding(const struct doctor *doctor, size_t item, struct finding *finding);
void look_egress(const struct doctor *doctor, size_t item, struct finding *finding);
void look_rules(const struct doctor *doctor, size_t item, struct finding *finding);
void look_size(const struct doctor *doctor, size_t item, struct finding *finding);

#endif
