/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict_firewalls: E40 and E41, another firewall of this host drops what arrives or is forwarded. */
#ifndef NATD_VERDICT_FIREWALLS_H
#define NATD_VERDICT_FIREWALLS_H

#include "natd/verdict.h"

bool verdict_is_dropped(const struct facts *facts);
void verdict_say_dropped(const struct facts *facts, struct verdict *verdict);

bool verdict_is_stopped(const struct facts *facts);
void verdict_say_stopped(const struct facts *facts, struct verdict *verdict);

#endif
