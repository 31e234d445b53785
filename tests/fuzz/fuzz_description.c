/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sources: upnp/description.c upnp/url.c natd/log.c */
/* A description, from whoever answers HTTP at the gateway's address. */
#include <stdlib.h>
#include <string.h>

#include "upnp/description.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_line(const char *text, size_t size)
{
	if (!memchr(text, '\0', size))
		abort();
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct description description;
	struct upnp_router router;
	struct url location;

	if (!url_parse(&location, "http://192.168.77.1:5000/rootDesc.xml"))
		abort();
	description_read(&description, (const char *)bytes, size);
	description_router(&router, &description, &location);
	check_line(description.friendly_name, sizeof(description.friendly_name));
	check_line(router.model, sizeof(router.model));
	check_line(router.url, sizeof(router.url));
	if (router.igd_version > 2)
		abort();
	return 0;
}
