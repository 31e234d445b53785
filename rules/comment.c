/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/comment.h"

#include <libnftnl/udata.h>
#include <stdint.h>

/* Userdata is what any program has put there: parts of a byte of type, a byte of length, and that many
 * bytes (libnftnl's udata.c). nftnl_udata_parse() believes the length of the last. */
const char *comment_read(const struct nftnl_rule *rule, size_t *length)
{
	uint32_t left = 0;
	const uint8_t *part = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &left);

	while (part && left >= 2 && left - 2 >= part[1]) {
		uint32_t size = 2U + part[1];

		if (part[0] == NFTNL_UDATA_RULE_COMMENT) {
			*length = part[1];
			return (const char *)part + 2;
		}
		part += size;
		left -= size;
	}
	return NULL;
}
