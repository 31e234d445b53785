/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is between the home router and the internet: each kind of home that field/failures.md names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>

#include "natd/line.h"

static const struct {
	const char *home;
	const char *told; /* NULL: nothing; "0.0.0.0": that it has none */
	const char *hops[UPNP_HOPS];
	const char *recorded; /* its WAN address, by Record Route */
	const char *stun;
	enum line_kind kind;
	const char *wan;
	const char *outer;
} homes[] = {
	{ "public line",
	  "203.0.114.45",
	  { "192.168.1.1", "203.0.114.1", NULL },
	  NULL,
	  NULL,
	  LINE_CLEAR,
	  "203.0.114.45",
	  NULL },
	{ "nothing was looked for yet",
	  "203.0.114.45",
	  { NULL },
	  NULL,
	  NULL,
	  LINE_CLEAR,
	  "203.0.114.45",
	  NULL },
	{ "public line, the provider's routers are private",
	  "203.0.114.45",
	  { "192.168.1.1", "10.1.2.3", NULL },
	  "203.0.114.45",
	  NULL,
	  LINE_CLEAR,
	  "203.0.114.45",
	  NULL },
	{ "public line, the provider's routers are in 100.64/10",
	  "203.0.114.45",
	  { "192.168.1.1", "100.92.1.1", NULL },
	  NULL,
	  NULL,
	  LINE_CLEAR,
	  "203.0.114.45",
	  NULL },
	{ "CGNAT by its own word",
	  "100.72.14.9",
	  { NULL },
	  NULL,
	  NULL,
	  LINE_CGNAT,
	  "100.72.14.9",
	  NULL },
	{ "CGNAT, the router only knows that it has none",
	  "0.0.0.0",
	  { "192.168.1.1", "100.64.0.1", "203.0.114.1" },
	  NULL,
	  NULL,
	  LINE_CGNAT,
	  NULL,
	  NULL },
	{ "CGNAT behind a claim",
	  "203.0.114.45",
	  { "192.168.1.1", "100.64.0.1", NULL },
	  "100.64.0.2",
	  NULL,
	  LINE_CGNAT,
	  "100.64.0.2",
	  NULL },
	{ "CGNAT behind a claim that STUN denies",
	  "203.0.114.45",
	  { "192.168.1.1", "203.0.114.1", NULL },
	  NULL,
	  "198.51.101.77",
	  LINE_CGNAT,
	  "203.0.114.45",
	  NULL },
	{ "STUN agrees",
	  "203.0.114.45",
	  { "192.168.1.1", "203.0.114.1", NULL },
	  NULL,
	  "203.0.114.45",
	  LINE_CLEAR,
	  "203.0.114.45",
	  NULL },
	{ "a silent router, next hop in 100.64/10",
	  NULL,
	  { "192.168.1.1", "100.64.0.1", NULL },
	  NULL,
	  NULL,
	  LINE_MAYBE_CGNAT,
	  NULL,
	  NULL },
	{ "the provider's NAT gives private addresses",
	  "10.20.30.40",
	  { "192.168.1.1", "10.99.0.1", NULL },
	  NULL,
	  NULL,
	  LINE_CGNAT,
	  "10.20.30.40",
	  NULL },
	{ "a private address, and then the internet",
	  "10.20.30.40",
	  { "192.168.1.1", "203.0.114.1", NULL },
	  NULL,
	  NULL,
	  LINE_CGNAT,
	  "10.20.30.40",
	  NULL },
	{ "two routers",
	  "192.168.0.2",
	  { "192.168.1.1", "192.168.0.1", "203.0.114.1" },
	  NULL,
	  NULL,
	  LINE_TWO_ROUTERS,
	  "192.168.0.2",
	  "192.168.0.1" },
	{ "two routers in 10.0.0.0/24",
	  "10.0.0.17",
	  { "192.168.1.1", "10.0.0.1", NULL },
	  NULL,
	  NULL,
	  LINE_TWO_ROUTERS,
	  "10.0.0.17",
	  "10.0.0.1" },
	{ "two routers, the inner one tells nothing",
	  NULL,
	  { "192.168.1.1", "192.168.0.1", NULL },
	  NULL,
	  NULL,
	  LINE_TWO_ROUTERS,
	  NULL,
	  "192.168.0.1" },
	{ "two routers, the inner one has no address to tell",
	  "0.0.0.0",
	  { "192.168.1.1", "192.168.0.1", NULL },
	  "192.168.0.2",
	  NULL,
	  LINE_TWO_ROUTERS,
	  "192.168.0.2",
	  "192.168.0.1" },
	{ "two routers, the inner one claims the outer one's address",
	  "203.0.114.45",
	  { "192.168.1.1", "192.168.0.1", NULL },
	  NULL,
	  "203.0.114.45",
	  LINE_MAYBE_TWO,
	  "203.0.114.45",
	  "192.168.0.1" },
	{ "the same, and the record shows it",
	  "203.0.114.45",
	  { "192.168.1.1", "192.168.0.1", NULL },
	  "192.168.0.2",
	  NULL,
	  LINE_TWO_ROUTERS,
	  "192.168.0.2",
	  "192.168.0.1" },
	{ "a silent router, the next hop is private",
	  NULL,
	  { "192.168.1.1", "10.1.2.3", NULL },
	  NULL,
	  NULL,
	  LINE_MAYBE_TWO,
	  NULL,
	  "10.1.2.3" },
	{ "a silent router, the next hop is public",
	  NULL,
	  { "192.168.1.1", "203.0.114.1", NULL },
	  NULL,
	  NULL,
	  LINE_CLEAR,
	  NULL,
	  NULL },
	{ "a private address, nobody answers",
	  "192.168.0.2",
	  { NULL },
	  NULL,
	  NULL,
	  LINE_UNKNOWN,
	  "192.168.0.2",
	  NULL },
	{ "DS-Lite",
	  "192.0.0.2",
	  { "192.168.1.1", "192.0.0.1", NULL },
	  NULL,
	  NULL,
	  LINE_DS_LITE,
	  "192.0.0.2",
	  NULL },
	{ "DS-Lite by the router's own word",
	  "192.0.0.2",
	  { NULL },
	  NULL,
	  NULL,
	  LINE_DS_LITE,
	  "192.0.0.2",
	  NULL },
	{ "DS-Lite, the router has no address to tell",
	  "0.0.0.0",
	  { "192.168.1.1", "192.0.0.1", NULL },
	  NULL,
	  NULL,
	  LINE_DS_LITE,
	  NULL,
	  NULL },
	{ "DS-Lite, a silent router",
	  NULL,
	  { "192.168.1.1", "192.0.0.1", "203.0.114.1" },
	  NULL,
	  NULL,
	  LINE_DS_LITE,
	  NULL,
	  NULL },
	{ "DS-Lite behind two routers",
	  NULL,
	  { "192.168.1.1", "192.168.0.1", "192.0.0.1" },
	  NULL,
	  NULL,
	  LINE_TWO_ROUTERS,
	  NULL,
	  "192.168.0.1" },
	{ "DS-Lite beside a line of its own",
	  "203.0.114.45",
	  { "192.168.1.1", "192.0.0.1", NULL },
	  NULL,
	  NULL,
	  LINE_CLEAR,
	  "203.0.114.45",
	  NULL },
	{ "nothing at all", NULL, { NULL }, NULL, NULL, LINE_UNKNOWN, NULL, NULL },
};

static struct in_addr v4(const char *text)
{
	struct in_addr address = { INADDR_ANY };

	if (text)
		assert_int_equal(inet_pton(AF_INET, text, &address), 1);
	return address;
}

static void judges_each_home(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++) {
		struct line_evidence evidence = {
			.told = homes[i].told != NULL,
			.wan = v4(homes[i].told),
			.hops.wan[0] = v4(homes[i].recorded),
			.mapped_as = v4(homes[i].stun),
		};
		struct line line;

		for (size_t hop = 0; hop < UPNP_HOPS; hop++)
			evidence.hops.router[hop] = v4(homes[i].hops[hop]);
		line = line_judge(&evidence);
		/* Such a home has it in its name. */
		assert_int_equal(line.ds_lite.s_addr != 0,
				 strstr(homes[i].home, "DS-Lite") &&
					 !strstr(homes[i].home, "beside"));
		if (line.kind != homes[i].kind || line.wan.s_addr != v4(homes[i].wan).s_addr ||
		    line.outer.s_addr != v4(homes[i].outer).s_addr)
			fail_msg("%s: kind %d, not %d; wan %s", homes[i].home, line.kind,
				 homes[i].kind, inet_ntoa(line.wan));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(judges_each_home) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
