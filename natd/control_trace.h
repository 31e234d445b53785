/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control_trace: natctl test and natctl why at natd's end: rules follows packets, one client is told.
 *
 * Lines are {"left": SECONDS}, {"packet": {...}} for one that does not decide, and the result. */
#ifndef NATD_CONTROL_TRACE_H
#define NATD_CONTROL_TRACE_H

#include "natd/control_client.h"

/* How long a client waits for its packet where it does not say. */
#define TRACE_SECONDS 30

void control_do_test(struct client *client);
void control_do_why(struct client *client);

/* rules has begun, or cannot; it has followed a packet to its end. */
void control_tracing(struct control *control, int error);
void control_traced(struct control *control, const struct rules_traced *traced);

/* A second has gone by. */
void control_trace_tick(struct client *client);

/* The client has gone: nothing is followed any more. */
void control_trace_over(struct control *control);

#endif
