/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_many: the sections of natd.conf of which there may be thousands: clients and publishes. What no
 * single one shows, two that want the same, is found by sorting. */
#ifndef NATD_CONFIG_MANY_H
#define NATD_CONFIG_MANY_H

#include <confuse.h>
#include <stdbool.h>

#include "natd/config.h"
#include "natd/setting.h"

/* Adds every client and publish of the file, in their orders. False after cfg_error(). */
bool config_add_many(struct config *config, cfg_t *cfg);

/* Reads every value of one section. */
void config_read_section(cfg_t *section, struct target *target);

#endif
