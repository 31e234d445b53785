/* SPDX-License-Identifier: GPL-2.0-or-later */
/* words: how a person calls, in the user's language, what the JSON names with a key. An unknown key is
 * its own word. */
#ifndef NATD_CTL_WORDS_H
#define NATD_CTL_WORDS_H

#include <stddef.h>

/* The protocols in natd's order of preference: their keys in the JSON. */
#define WORDS_PROTOCOLS 3
extern const char *const words_protocols[WORDS_PROTOCOLS];

/* "pcp": "PCP"; "upnp": "UPnP" */
const char *word_protocol(const char *key);

/* "silent": "no answer" */
const char *word_state(const char *key);

/* "cgnat": "shared by many customers of your provider (carrier-grade NAT)" */
const char *word_wan_kind(const char *key);

/* "udp": "UDP" */
const char *word_transport(const char *key);

/* "us before": "us before"; "?" for no key */
const char *word_owner(const char *key);

#endif
