/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control_server: natd's end of the control socket. A slow or hostile client delays nobody. */
#ifndef NATD_CONTROL_SERVER_H
#define NATD_CONTROL_SERVER_H

#include "natd/natd.h"

/* Fatal if another natd answers at `path`: before this one does anything that would disturb it. */
void control_require_free(const char *path);

/* Listens on natd->socket_path (mode 0666). Fatal where that fails. */
struct control *control_open(struct natd *natd);

/* Removes the socket. */
void control_close(struct control *control);

/* What a client may be waiting for. */
void control_counted(struct control *control);
void control_forwards_changed(struct control *control);
void control_router_report(struct control *control, const struct upnp_report *report);

#endif
