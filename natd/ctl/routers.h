/* SPDX-License-Identifier: GPL-2.0-or-later */
/* routers: the file of makers, how to recognise their routers and where their menus are.
 *
 * routers.conf is shipped and read with libConfuse; /etc/natd/routers.conf has the same form and goes
 * first. What is allowed is said in the shipped file's head. */
#ifndef NATD_CTL_ROUTERS_H
#define NATD_CTL_ROUTERS_H

#include <jansson.h>
#include <stdbool.h>

#define ROUTERS_ERROR_MAX 256

#define ROUTERS_OWN "/etc/natd/routers.conf"

/* Reads `path`: an array with an object for each router, in the file's order, keys as in the file
 * and "id" for its title; the caller releases it. With `optional`, a file that does not exist is an
 * empty one. NULL with "file:line: what is wrong" in `error`. */
json_t *routers_read(const char *path, bool optional, char error[ROUTERS_ERROR_MAX]);

/* The user's file and then the installed one, in one array. A file that is wrong is complained of on
 * standard error and left out. */
json_t *routers_installed(void);

#endif
