/* SPDX-License-Identifier: GPL-2.0-or-later */
/* description: the few words of a router's description (an XML file of UPnP) that tell a human which
 * box it is. A scanner for exactly that: it builds no tree, allocates nothing and reads each byte
 * once. What the router can do, libminiupnpc reads from the same bytes. */
#ifndef UPNP_DESCRIPTION_H
#define UPNP_DESCRIPTION_H

#include <stddef.h>
#include <stdint.h>

#include "upnp/upnp.h"
#include "upnp/url.h"

#define DESCRIPTION_WORD_MAX 80

/* Each is the first of its name, which is the root device's; "" where there is none. Entities are
 * decoded, control characters and broken UTF-8 replaced. */
struct description {
	char device_type[DESCRIPTION_WORD_MAX];
	char friendly_name[DESCRIPTION_WORD_MAX];
	char manufacturer[DESCRIPTION_WORD_MAX];
	char model_name[DESCRIPTION_WORD_MAX];
	char model_number[DESCRIPTION_WORD_MAX];
	char presentation_url[URL_TEXT_MAX];
};

/* Reads any bytes, however broken. */
void description_read(struct description *description, const char *bytes, size_t size);

/* Puts it into words: .model "FRITZ!Box 7530 (AVM Berlin)", .url absolute, .igd_version. `location` is
 * where the description was found. Leaves .server alone. */
void description_router(struct upnp_router *router, const struct description *description,
			const struct url *location);

#endif
