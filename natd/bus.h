/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bus: sd-bus, loaded where something is to be said over D-Bus, which is where firewalld is.
 *
 * libsystemd brings five more libraries along. Linked to them, natd would pay a millisecond of each
 * start, a fifth of the way to the first request, and a third of its memory for what most hosts
 * never use. systemd's own programs load such libraries in the same way. */
#ifndef NATD_BUS_H
#define NATD_BUS_H

#include <systemd/sd-bus.h>

/* The calls that natd uses, without their sd_bus_. */
#define BUS_CALLS(CALL)                                                                            \
	CALL(open_system)                                                                          \
	CALL(unref)                                                                                \
	CALL(get_fd)                                                                               \
	CALL(get_events)                                                                           \
	CALL(get_timeout)                                                                          \
	CALL(process)                                                                              \
	CALL(call)                                                                                 \
	CALL(call_async)                                                                           \
	CALL(add_match_async)                                                                      \
	CALL(message_new_method_call)                                                              \
	CALL(message_open_container)                                                               \
	CALL(message_append)                                                                       \
	CALL(message_close_container)                                                              \
	CALL(message_read)                                                                         \
	CALL(message_get_error)                                                                    \
	CALL(message_get_sender)                                                                   \
	CALL(message_unref)

struct bus_calls {
#define BUS_POINTER(name) __typeof__(sd_bus_##name) *name;
	BUS_CALLS(BUS_POINTER)
#undef BUS_POINTER
};

/* Loads libsystemd; in the sandbox that is not possible any more. Never unloaded. NULL: the library
 * is not there or lacks a call, `*why` says what the loader says of it. */
const struct bus_calls *bus_load(const char **why);

#endif
