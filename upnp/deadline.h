/* SPDX-License-Identifier: GPL-2.0-or-later */
/* deadline: ends a call into libminiupnpc that would last for ever.
 *
 * The library bounds each read (5 s), not their sum: a router that sends one byte now and then would
 * hold this process. When the time is up, a signal handler shuts down the one socket that such a call
 * opens; the library then sees the end of the answer and returns. */
#ifndef UPNP_DEADLINE_H
#define UPNP_DEADLINE_H

/* Arms it for the next call that opens a socket. */
void deadline_set(unsigned int milliseconds);

void deadline_clear(void);

#endif
