/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nonce: PCP's key to a mapping (RFC 6887 11.1): random, and text in the state file. */
#ifndef NATD_NONCE_H
#define NATD_NONCE_H

#include <stdbool.h>
#include <stdint.h>

#include "upnp/upnp.h"

#define NONCE_TEXT_MAX (2 * UPNP_NONCE_SIZE + 1)

/* Ends the process where the kernel gives no random numbers. */
void nonce_make(uint8_t nonce[UPNP_NONCE_SIZE]);

const char *nonce_print(const uint8_t nonce[UPNP_NONCE_SIZE], char text[NONCE_TEXT_MAX]);
bool nonce_parse(uint8_t nonce[UPNP_NONCE_SIZE], const char *text);

#endif
