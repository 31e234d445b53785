/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gena_message: what is said about events (UPnP Device Architecture 1.1, section 4), bytes only. */
#ifndef UPNP_GENA_MESSAGE_H
#define UPNP_GENA_MESSAGE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "upnp/url.h"

#define GENA_SID_MAX     80
#define GENA_REQUEST_MAX (2 * URL_TEXT_MAX + GENA_SID_MAX + 256)
#define GENA_FOR_EVER    UINT32_MAX

enum gena_request { GENA_SUBSCRIBE, GENA_RENEW, GENA_UNSUBSCRIBE };

struct gena_answer {
	unsigned int status;    /* of HTTP */
	char sid[GENA_SID_MAX]; /* of the subscription; "": not said */
	uint32_t timeout;       /* seconds; GENA_FOR_EVER */
};

/* What changed, as far as it says so. */
struct gena_notice {
	char sid[GENA_SID_MAX];
	uint32_t seq; /* 0 for the first, which tells everything */
	bool has_wan;
	struct in_addr wan; /* 0.0.0.0: it says that it has none */
};

enum gena_reading { GENA_MORE, GENA_WHOLE, GENA_NONSENSE };

/* Writes a request to `place`. SUBSCRIBE names the URL where this host hears; the others name the
 * subscription. Returns its size. */
size_t gena_write(char text[GENA_REQUEST_MAX], enum gena_request what, const struct url *place,
		  const struct url *callback, const char *sid);

/* Reads the answer to a request as far as it has come. */
enum gena_reading gena_read_answer(struct gena_answer *answer, const char *bytes, size_t size);

/* Reads a NOTIFY as far as it has come. Values are taken out of any text: what they mean is asked of the
 * router again. */
enum gena_reading gena_read_notice(struct gena_notice *notice, const char *bytes, size_t size);

#endif
