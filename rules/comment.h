/* SPDX-License-Identifier: GPL-2.0-or-later */
/* comment: what a rule says of itself, as nft writes it. */
#ifndef RULES_COMMENT_H
#define RULES_COMMENT_H

#include <libnftnl/rule.h>
#include <stddef.h>

/* Its `length` bytes, which mostly end with a NUL, but any program may have put others there. NULL: it
 * has none. */
const char *comment_read(const struct nftnl_rule *rule, size_t *length);

#endif
