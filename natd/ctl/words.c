/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/words.h"

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
			return words->word;
	return key;
}

const char *word_protocol(const char *key)
{
	static const struct word words[] = {
		{ "pcp", "PCP" },
		{ "nat-pmp", "NAT-PMP" },
		{ "upnp", "UPnP" },
		{ "manual", "hand" },
		{ 0 },
	};

	return find(words, key);
}

const char *word_state(const char *key)
{
	static const struct word words[] = {
		{ "off", "not asked" },
		{ "asking", "asking" },
		{ "ok", "yes" },
		{ "silent", "no answer" },
		{ "refused", "refused" },
		{ "unsupported", "not offered" },
		{ "error", "answers with an error" },
		{ 0 },
	};

	return find(words, key);
}

const char *word_wan_kind(const char *key)
{
	static const struct word words[] = {
		{ "public", "public" },
		{ "private", "private: there is a second router in front of this one" },
		{ "cgnat", "shared by many customers of your provider (carrier-grade NAT)" },
		{ "none", "none: the router says that it has no IPv4 address of its own" },
		{ "unknown", "not known" },
		{ 0 },
	};

	return find(words, key);
}

const char *word_transport(const char *key)
{
	static const struct word words[] = { { "udp", "UDP" }, { "tcp", "TCP" }, { 0 } };

	return find(words, key);
}
