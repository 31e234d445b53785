/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stop: how natd ends. First the router's mappings go, then the rules and the kernel's switches; neither a
 * silent router nor a hanging child holds it up for long. Or all stays, for the natd that comes next. */
#ifndef NATD_STOP_H
#define NATD_STOP_H

#include "natd/natd.h"

/* Goes on to the rules when the router has nothing of ours left, and ends the loop after them. */
void stop_check(struct natd *natd);

/* Events; the context is struct natd. */
void stop_on_signal(evutil_socket_t signal_number, short what, void *context);
void stop_on_handover(evutil_socket_t signal_number, short what, void *context);
void stop_on_timer(evutil_socket_t none, short what, void *context);

#endif
