/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPnP-IGD: the services of a description, by libminiupnpc. */
#include <miniupnpc/igd_desc_parse.h>
#include <miniupnpc/miniupnpc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "upnp/igd.h"

/* Old routers name the same devices and services so (field/routers.md 20). libminiupnpc knows only the
 * names of the standard. */
#define DSLFORUM "urn:dslforum-org:"
#define STANDARD "urn:schemas-upnp-org:"

/* A copy of the description with the names of the standard; the caller frees it. NULL: no memory. */
static char *standardise(const char *bytes, int size, int *length)
{
	const char *end = bytes + size;
	/* Were it nothing but such names. */
	size_t room = (size_t)size / strlen(DSLFORUM) * strlen(STANDARD) + strlen(STANDARD);
	char *copy = malloc(room + (size_t)size);
	char *to = copy;

	while (copy && bytes < end) {
		const char *name = memmem(bytes, (size_t)(end - bytes), DSLFORUM, strlen(DSLFORUM));
		size_t before = (size_t)((name ? name : end) - bytes);

		memcpy(to, bytes, before);
		to += before;
		bytes += before;
		if (!name)
			break;
		memcpy(to, STANDARD, strlen(STANDARD));
		to += strlen(STANDARD);
		bytes += strlen(DSLFORUM);
	}
	*length = copy ? (int)(to - copy) : 0;
	return copy;
}

/* The service is asked by the name that its router gave it. */
static void restore_name(struct IGDdatas_service *service, const char *bytes, int size)
{
	char own[sizeof(service->servicetype)];

	if (strncmp(service->servicetype, STANDARD, strlen(STANDARD)) != 0)
		return;
	snprintf(own, sizeof(own), "%s%s", DSLFORUM, service->servicetype + strlen(STANDARD));
	if (memmem(bytes, (size_t)size, own, strlen(own)))
		memcpy(service->servicetype, own, sizeof(own));
}

void igd_parse(struct IGDdatas *data, const char *bytes, int size)
{
	int length;
	char *copy = standardise(bytes, size, &length);

	memset(data, 0, sizeof(*data));
	if (copy)
		parserootdesc(copy, length, data);
	free(copy);
	restore_name(&data->first, bytes, size);
	restore_name(&data->second, bytes, size);
}
