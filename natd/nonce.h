/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nonce: PCP's key to a mapping, as text in the state file. */
#ifndef NATD_NONCE_H
#define NATD_NONCE_H

#include <stdbool.h>
#include <stdint.h>

#include "upnp/upnp.h"

#define NONCE_TEXT_MAX (2 * UPNP_NONCE_SIZE + 1)

const char *nonce_print(const uint8_t nonce[UPNP_NONCE_SIZE], char text[NONCE_TEXT_MAX]);
bool nonce_parse(uint8_t nonce[UPNP_NONCE_SIZE], const char *text);

#endif
