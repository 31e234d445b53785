/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel_set: what the kernel shall hold, as the requests that rules takes for one set. */
#ifndef NATD_KERNEL_SET_H
#define NATD_KERNEL_SET_H

#include "natd/kernel.h"

/* From RULES_BEGIN to RULES_COMMIT, to be freed by the caller; every byte is defined, so that two sets
 * can be compared. `owned`: no other program may change the tables. Fatal without memory. */
struct rules_request *kernel_set(struct kernel *kernel, const struct network *network, bool owned,
				 const struct kernel_port *ports, size_t port_count, size_t *count);

/* The `client` of natd.conf that is just this network; NULL: none. */
struct kernel_client *kernel_client_of(struct kernel *kernel, const struct rules_prefix *network);

#endif
