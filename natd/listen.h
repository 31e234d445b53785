/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listen: does anything on this host listen on a port? (sock_diag(7), no privilege needed) */
#ifndef NATD_LISTEN_H
#define NATD_LISTEN_H

#include <stdint.h>

enum listen_answer { LISTEN_NO, LISTEN_YES, LISTEN_UNKNOWN };

/* `protocol`: IPPROTO_UDP or IPPROTO_TCP; `port` in host byte order. A UDP socket counts when it is
 * not connected, a TCP socket when it listens. A socket on the loopback address does not count: nothing
 * from outside reaches it. LISTEN_UNKNOWN where the kernel does not answer. */
enum listen_answer listen_check(uint8_t protocol, uint16_t port);

/* A random port of 49152 to 65535, which are nobody's (RFC 6335 6), at which nothing listens; 0: none was
 * found. */
uint16_t listen_free_port(uint8_t protocol);

#endif
