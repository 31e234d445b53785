/* SPDX-License-Identifier: GPL-2.0-or-later */
/* parser: libConfuse, told what natd.conf(5) may hold, with its complaints in our words. Each value is
 * checked while the file is read, because only then does libConfuse know the line. */
#ifndef NATD_PARSER_H
#define NATD_PARSER_H

#include <confuse.h>

#include "natd/config.h"
#include "natd/setting.h"

/* libConfuse takes the end of the file for the end of an open section. A last line that only the top
 * of the file knows tells: it belongs behind the text that is parsed. */
#define PARSER_SENTINEL "\n_end = 1\n"

/* A parser, to be closed by the caller; NULL: no memory. The first complaint, also one by cfg_error(),
 * goes into `error` as "path:line: what is wrong and what is allowed", where no line is beyond `lines`.
 * One at a time: libConfuse hands its callbacks nothing of ours. */
cfg_t *parser_open(const char *path, int lines, char error[CONFIG_ERROR_MAX]);
void parser_close(cfg_t *cfg);

/* Reads every value of one option into `target`; the first bad one is the result, NULL if none. */
const char *parser_values(cfg_opt_t *option, const struct setting *setting, struct target *target);

#endif
