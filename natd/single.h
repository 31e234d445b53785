/* SPDX-License-Identifier: GPL-2.0-or-later */
/* single: one natd keeps a network. Two, with sockets of their own, would take the tables away from each
 * other. */
#ifndef NATD_SINGLE_H
#define NATD_SINGLE_H

#include <event2/util.h>
#include <sys/types.h>

/* Takes this network, as ip-netns(8) has several, until the process ends or closes what is returned, a
 * socket that hears who calls; fatal where another natd has it. That is root's or `user`'s: what anybody
 * else holds in natd's name stops nobody, and -1 is returned. */
int single_require(uid_t user);

/* Who calls has learned who is here, and goes: a queue of callers would hide natd from the next one.
 * `socket`: single_require()'s, readable. */
void single_on_caller(evutil_socket_t socket, short what, void *unused);

#endif
