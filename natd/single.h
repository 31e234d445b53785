/* SPDX-License-Identifier: GPL-2.0-or-later */
/* single: one natd keeps a network. Two, with sockets of their own, would take the tables away from each
 * other. */
#ifndef NATD_SINGLE_H
#define NATD_SINGLE_H

#include <sys/types.h>

/* Takes this network, as ip-netns(8) has several, until the process ends; fatal where another natd has it.
 * That is root's or `user`'s: what anybody else holds in natd's name stops nobody. */
void single_require(uid_t user);

#endif
