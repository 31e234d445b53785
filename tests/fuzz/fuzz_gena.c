/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sources: upnp/gena_message.c upnp/header.c upnp/url.c */
/* What comes from the router's address to where events are awaited, and its answers to subscriptions. */
#include <stdlib.h>
#include <string.h>

#include "upnp/gena_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	/* Exactly as long: what is read beyond it is seen. */
	char *copy = malloc(size ? size : 1);
	struct gena_answer answer;
	struct gena_notice notice;

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, bytes, size);
	gena_read_answer(&answer, copy, size);
	if (strlen(answer.sid) >= sizeof(answer.sid))
		abort();
	if (gena_read_notice(&notice, copy, size) == GENA_WHOLE && !notice.sid[0])
		abort();
	free(copy);
	return 0;
}
