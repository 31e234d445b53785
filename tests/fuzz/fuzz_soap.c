/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sources: upnp/soap.c upnp/header.c */
/* What a router answers to a request of SOAP. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "upnp/soap.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	/* Exactly as long: what is read beyond it is seen. */
	char *copy = malloc(size ? size : 1);
	unsigned int status = 0;
	size_t length = size;
	const char *body;

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, bytes, size);
	soap_is_whole(copy, size);
	body = soap_body(copy, &length, &status);
	if (body && (body < copy || length > size || (size_t)(body - copy) > size - length))
		abort();
	free(copy);
	return 0;
}
