/* SPDX-License-Identifier: GPL-2.0-or-later */
/* element: what the sets and maps of the table hold. */
#ifndef RULES_ELEMENT_H
#define RULES_ELEMENT_H

#include "rules/batch.h"
#include "rules/set.h"

/* Appends the elements of every set, each counter at what its item has counted so far. */
void elements_write(struct batch *batch, const struct set *set);

/* A key of the sets of ports: inet_proto . inet_service, each part in four bytes. */
#define PORT_KEY_SIZE 8
void port_key(uint8_t key[PORT_KEY_SIZE], const struct rules_port *port);

#endif
