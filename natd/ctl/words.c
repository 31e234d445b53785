/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/words.h"

#include "natd/ctl/text.h"

#include <string.h>

struct word {
	const char *key;
	const char *word;
};

const char *const words_protocols[WORDS_PROTOCOLS] = { "pcp", "nat-pmp", "upnp" };

/* `words` ends with a key of NULL. */
static const char *find(const struct word *words, const char *key)
{
	for (; words->key; words++)
		if (strcmp(words->key, key) == 0)
			return _(words->word);
	return key;
}

const char *word_protocol(const char *key)
{
	static const struct word words[] = {
		{ "pcp", "PCP" },
		{ "nat-pmp", "NAT-PMP" },
		{ "upnp", "UPnP" },
		{ "manual", N_("hand") },
		{ 0 },
	};

	return find(words, key);
}

const char *word_state(const char *key)
{
	static const struct word words[] = {
		{ "off", N_("not asked") },
		{ "asking", N_("asking") },
		{ "ok", N_("yes") },
		{ "silent", N_("no answer") },
		{ "refused", N_("refused") },
		{ "unsupported", N_("not offered") },
		{ "error", N_("answers with an error") },
		{ 0 },
	};

	return find(words, key);
}

const char *word_wan_kind(const char *key)
{
	static const struct word words[] = {
		{ "public", N_("public") },
		{ "private", N_("private: there is a second router in front of this one") },
		{ "cgnat", N_("shared by many customers of your provider (carrier-grade NAT)") },
		{ "none", N_("none: the router says that it has no IPv4 address of its own") },
		{ "unknown", N_("not known") },
		{ 0 },
	};

	return find(words, key);
}

const char *word_transport(const char *key)
{
	static const struct word words[] = { { "udp", "UDP" },
					     { "tcp", "TCP" },
					     { "icmp", "ICMP" },
					     { "icmpv6", "ICMPv6" },
					     { 0 } };

	return find(words, key);
}

const char *word_owner(const char *key)
{
	static const struct word words[] = {
		{ "us", N_("us") },
		{ "us before", N_("us before") },
		{ "other", N_("other") },
		{ 0 },
	};

	return *key ? find(words, key) : "?";
}
