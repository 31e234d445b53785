/* SPDX-License-Identifier: GPL-2.0-or-later */
/* manual_facts: what natctl manual says in text and in JSON alike. `facts` is natd's status or what
 * survey_take() found. */
#ifndef NATD_CTL_MANUAL_FACTS_H
#define NATD_CTL_MANUAL_FACTS_H

#include <jansson.h>
#include <stdbool.h>

#define MANUAL_PAGE_MAX 192

/* Is there a router, and an address of ours to forward to? */
bool manual_has_router(const json_t *facts);

/* What keeps a port that is opened by hand from being reached, in English and in the catalogue; NULL:
 * nothing known. */
const char *manual_obstacle(const json_t *facts);

/* The router's own page for people, or else where such a page usually is. */
const char *manual_page(const json_t *facts, char page[MANUAL_PAGE_MAX]);

/* The port in `member` of a forward, or else its "port". */
json_int_t manual_port(const json_t *forward, const char *member);

/* The second router before this one; NULL: none is known. */
const json_t *manual_outer(const json_t *facts);

/* Does natd keep the forward open there by itself? */
bool manual_outer_is_open(const json_t *forward);

/* The external port in the home router, where a second one hands on to it; else the forward's. */
json_int_t manual_home_port(const json_t *forward);

/* What routers.conf says of the recognised router in the reader's language; "" if nothing. */
const char *manual_recognised(const json_t *facts, const char *member);

/* Was its menu compared with the maker's own words, and is it sure that it is this maker's? */
bool manual_menu_is_checked(const json_t *facts);

#endif
