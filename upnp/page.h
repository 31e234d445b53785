/* SPDX-License-Identifier: GPL-2.0-or-later */
/* page: how the router's own web page calls itself. */
#ifndef UPNP_PAGE_H
#define UPNP_PAGE_H

#include <netinet/in.h>
#include <stddef.h>

#include "upnp/upnp.h"

/* What is read of it: the head of a page, with the title in it, is far below this. */
#define PAGE_BYTES_MAX 16384

/* The page's title; else what it says before it asks for a password (the realm), else which program
 * serves it. Cut to fit and cleaned; empty: nothing of that. */
void page_title(char title[UPNP_TEXT_MAX], const char *bytes, size_t size);

/* Fetches the page at port 80 of `router` and says how it calls itself; takes up to a second. */
void page_fetch(char title[UPNP_TEXT_MAX], struct in_addr router);

#endif
