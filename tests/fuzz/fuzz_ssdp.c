/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sources: upnp/ssdp.c upnp/header.c upnp/url.c natd/log.c */
/* An answer to a search or a NOTIFY, from anybody on the link. */
#include <stdlib.h>
#include <string.h>

#include "upnp/ssdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct upnp_network network = { .gateway = { htonl(0xc0a84d01) }, .prefix = 24 };
	struct ssdp_answer answer;
	struct url url;
	char text[URL_TEXT_MAX];

	if (!ssdp_parse(&answer, (const char *)bytes, size))
		return 0;
	if (strlen(answer.uuid) >= SSDP_UUID_MAX || strlen(answer.target) >= sizeof(answer.target))
		abort();
	if (!ssdp_accept(&url, &answer, &network))
		return 0;
	/* What is followed leads to the gateway and is one clean line. */
	if (url.host.s_addr != network.gateway.s_addr || url.port == 0 || url.path[0] != '/')
		abort();
	if (strpbrk(url_print(&url, text), " \r\n\t") || !url_parse(&url, text))
		abort();
	return 0;
}
