/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forms of the reasons that upnp gives: what the router answered, with its number, which the maker's
 * help may know, or what came instead (say() in upnp/). */
#include <stddef.h>

#include "natd/ctl/sentences.h"
#include "natd/ctl/text.h"

/* clang-format off */
const char *const sentence_router[] = {
	N_("UPnP 401 Invalid Action"),
	N_("UPnP 402 Invalid Args"),
	N_("UPnP 501 Action Failed"),
	N_("UPnP 604 Human Intervention Required"),
	N_("UPnP 606 Action not authorized"),
	N_("UPnP 701 PinholeSpaceExhausted"),
	N_("UPnP 702 FirewallDisabled"),
	N_("UPnP 703 InboundPinholeNotAllowed"),
	N_("UPnP 714 NoSuchEntryInArray"),
	N_("UPnP 715 WildCardNotPermittedInSrcIP"),
	N_("UPnP 716 WildCardNotPermittedInExtPort"),
	N_("UPnP 718 ConflictInMappingEntry"),
	N_("UPnP 724 SamePortValuesRequired"),
	N_("UPnP 725 OnlyPermanentLeasesSupported"),
	N_("UPnP 726 RemoteHostOnlySupportsWildcard"),
	N_("UPnP 727 ExternalPortOnlySupportsWildcard"),
	N_("UPnP 728 UnknownError"), /* so in libminiupnpc 2.2.4 */
	N_("UPnP 728 NoPortMapsAvailable"),
	N_("UPnP 729 ConflictWithOtherMechanisms"),
	N_("UPnP %d %s %s is held by %s port %s (%s)"),
	N_("UPnP %d %s %s is not allowed; many routers open no port below 1024"),
	N_("UPnP %d %s %s is taken, the router does not say by whom"),
	N_("UPnP: nobody answers the search"),
	N_("UPnP: an answer that cannot be read"),
	N_("UPnP: the router takes too long to answer"),
	N_("UPnP: no service that opens ports"),
	N_("UPnP: the description at %s has no end"),
	N_("UPnP: no description at %s"),
	N_("UPnP: HTTP %d at %s"),
	N_("UPnP: the table has no end"),
	N_("UPnP is not to be asked (router protocols)"),
	N_("UPnP: the router said yes, but its table does not have it"),
	N_("UPnP: the router said yes, but for %u s and not for %u s"),
	N_("UPnP: the router said yes, but %s %s is held by %s port %s"),
	N_("PCP: the router said yes, but %s %s is held by %s port %s"),
	N_("NAT-PMP: the router said yes, but %s %s is held by %s port %s"),
	N_("PCP version 2, epoch %u"),
	N_("PCP 1 UNSUPP_VERSION"),
	N_("PCP 2 NOT_AUTHORIZED"),
	N_("PCP 3 MALFORMED_REQUEST"),
	N_("PCP 4 UNSUPP_OPCODE"),
	N_("PCP 5 UNSUPP_OPTION"),
	N_("PCP 6 MALFORMED_OPTION"),
	N_("PCP 7 NETWORK_FAILURE"),
	N_("PCP 8 NO_RESOURCES"),
	N_("PCP 9 UNSUPP_PROTOCOL"),
	N_("PCP 10 USER_EX_QUOTA"),
	N_("PCP 11 CANNOT_PROVIDE_EXTERNAL"),
	N_("PCP 12 ADDRESS_MISMATCH"),
	N_("PCP 13 EXCESSIVE_REMOTE_PEERS"),
	N_("NAT-PMP version 0, epoch %u"),
	N_("NAT-PMP 1 unsupported version"),
	N_("NAT-PMP 2 not authorized"),
	N_("NAT-PMP 3 network failure"),
	N_("NAT-PMP 4 out of resources"),
	N_("NAT-PMP 5 unsupported opcode"),
	N_("NAT-PMP: an answer that cannot be read"),
	N_("PCP does not answer"),
	N_("NAT-PMP does not answer"),
	N_("UPnP does not answer"),
	N_("UPnP %d %s"), /* fits much, so it is the last */
	NULL
};
/* clang-format on */
