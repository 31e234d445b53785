/* SPDX-License-Identifier: GPL-2.0-or-later */
/* notify: tells systemd how natd stands, sd_notify(3)'s protocol; silent without $NOTIFY_SOCKET. */
#ifndef NATD_NOTIFY_H
#define NATD_NOTIFY_H

/* Connects to $NOTIFY_SOCKET. Call before the sandbox. */
void notify_open(void);

void notify_ready(void);
void notify_stopping(void);

/* One line for `systemctl status`. */
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
