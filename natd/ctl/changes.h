/* SPDX-License-Identifier: GPL-2.0-or-later */
/* changes: what happened between two of natd's snapshots (natd/snapshot.h). */
#ifndef NATD_CTL_CHANGES_H
#define NATD_CTL_CHANGES_H

#include <jansson.h>

/* An array of events, in this order: {"event": "wan-changed", "wan_address", "old_wan_address"};
 * "host-changed" with "host_address" and "old_host_address";
 * "mapping-lost", "mapping-opened", "port-changed" with "name", "protocol", "port", "external_port" and
 * for the last "old_external_port"; "rules-repaired" with "repairs" and "program"; "name-stale" and
 * "name-right" with "name", "addresses" and "wan_address". The caller releases it. */
json_t *changes_between(const json_t *before, const json_t *after);

/* Takes into `after` each address of `before` that is not known there: it is the one from before when the
 * next one comes. `before` may be NULL. */
void changes_remember(const json_t *before, json_t *after);

#endif
