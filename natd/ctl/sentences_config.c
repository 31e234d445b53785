/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forms of what is wrong in natd.conf: natd/config*.c, natd/parser.c, natd/comments.c, and what
 * natd/setting.c says is allowed. */
#include <stddef.h>

#include "natd/ctl/sentences.h"
#include "natd/ctl/text.h"

/* clang-format off */
const char *const sentence_config[] = {
	N_("%s:%d: %s = \"%s\" is not allowed; allowed: %s"),
	N_("%s:%d: no such option '%s'; allowed here: %s"),
	N_("%s:%d: a section is not closed; allowed: a '}' at the end of each section"),
	N_("%s:%d: unexpected closing brace; allowed: one '}' for each '{'"),
	N_("%s:%d: premature end of file; allowed: each list closed, and a value behind each '='"),
	N_("%s:%d: unexpected token '%s'; allowed: NAME = VALUE, or SECTION { ... }"),
	N_("%s:%d: missing title for section '%s'; allowed: a name in quotes, like forward \"wireguard\" { ... }"),
	N_("%s:%d: missing equal sign after option '%s'"),
	N_("%s:%d: missing opening brace for section '%s'"),
	N_("%s:%d: found duplicate title '%s'; allowed: each name once"),
	N_("%s:%d: %s \"%s\": allowed is %s"),
	N_("%s:%d: %s \"%s\" is one too many; allowed: %u"),
	N_("%s:%d: a comment is not closed; allowed: a '*/' at the end of each '/*', or '#'"),
	N_("%s:%d: a string is not closed; allowed: a second '\"' on the line of the first"),
	N_("%s:%d: a string is not closed; allowed: a second ' on the line of the first"),
	N_("%s:%d: forward \"%s\" has no port; allowed: port = 1 to 65535"),
	N_("%s:%d: forward \"%s\" wants external port %u, which forward \"%s\" has; allowed: each port once per protocol"),
	N_("%s:%d: client \"%s\" has no egress; allowed: egress = %s"),
	N_("%s:%d: client \"%s\" cannot leave with %s; allowed: %s address"),
	N_("%s:%d: client \"%s\" is there twice; allowed: each client once"),
	N_("%s:%d: publish \"%s\" has no %s; allowed: %s = %s"),
	N_("%s:%d: publish \"%s\": %u ports from to-port %u on end beyond 65535; allowed: to-port = 1 to %u"),
	N_("%s:%d: publish \"%s\" wants port %u, which publish \"%s\" has; allowed: each port once per protocol and family"),
	N_("%s: cannot be read: %s"),
	N_("%s: is longer than %d bytes"),
	N_("%s: is not text: it holds a NUL byte"),
	/* what is allowed */
	N_("true or false"),
	N_("a whole DNS name, like \"myhome.ddns.net\""),
	N_("\"pcp\", \"nat-pmp\" and \"upnp\", each once"),
	N_("seconds, 20 to 604800"),
	N_("an IPv4 address or a name, and a port, like \"stun.example.net:3478\""),
	N_("\"udp\" or \"tcp\""),
	N_("a port, 1 to 65535"),
	N_("a port, 1 to 65535, or several, like \"2000-2499\""),
	N_("at most 16 networks with their length and no host bits, like \"10.8.0.0/24\" or \"fd42::/64\""),
	N_("\"masquerade\", \"none\", an address of this host like \"203.0.113.9\", up to 256 like "
	   "\"203.0.113.8-203.0.113.11\", or an IPv6 prefix like \"2001:db8:1::/64\""),
	N_("\"close\" or \"masquerade\""),
	N_("\"internet\", \"lan\" and \"clients\""),
	N_("\"keep\" or \"hide\""),
	N_("the address of a client, like \"10.8.0.2\""),
	N_("an address or a network with no host bits, like \"10.8.0.2\" or \"fd42::/64\""),
	N_("a name of letters, digits, '.', '_' and '-', at most 31 long"),
	N_("a name of letters, digits, '.', '_' and '-', at most 15 long"),
	NULL
};
/* clang-format on */
