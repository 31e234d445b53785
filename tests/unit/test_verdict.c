/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One verdict: the most upstream cause that explains the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "natd/verdict.h"

static struct facts all_well(void)
{
	struct facts facts = {
		.has_route = true,
		.has_router = true,
		.asks_router = true,
		.router_answers = true,
		.wan_known = true,
		.wan_kind = ADDRESS_PUBLIC,
		.host_kind = ADDRESS_PRIVATE,
		.wan_address = "11.0.0.2",
		.router_address = "192.168.1.1",
		.host_address = "192.168.1.31",
		.forwards = 1,
		.open = 1,
		.has_tunnels = true,
	};

	return facts;
}

/* Each function breaks one thing in a home where all was well. In the order of the packet's way. */
static void no_route(struct facts *facts)
{
	facts->has_route = facts->has_router = facts->router_answers = facts->wan_known = false;
	facts->open = 0;
}

static void asking(struct facts *facts)
{
	facts->asking = true;
	facts->open = 0;
	facts->wan_known = facts->router_answers = false;
}

static void cgnat(struct facts *facts)
{
	facts->wan_kind = ADDRESS_CGNAT;
}

static void second_router(struct facts *facts)
{
	facts->wan_kind = ADDRESS_PRIVATE;
}

/* Both routers do their part. */
static void both_open(struct facts *facts)
{
	facts->two_routers = facts->outer_answers = true;
	facts->line = LINE_TWO_ROUTERS;
	facts->wan_kind = ADDRESS_PRIVATE;
	facts->outer_wan_kind = ADDRESS_PUBLIC;
	facts->outer_open = 1;
	strcpy(facts->next_address, "192.168.0.1");
	strcpy(facts->outer_rule, "UDP 51820 -> 192.168.0.2:51820");
	strcpy(facts->home_rule, "UDP 51820 -> 192.168.1.31:51820");
}

static void outer_silent(struct facts *facts)
{
	both_open(facts);
	facts->outer_answers = false;
	facts->outer_open = 0;
	facts->outer_wan_kind = ADDRESS_NONE;
}

static void outer_refuses(struct facts *facts)
{
	both_open(facts);
	facts->outer_open = 0;
	strcpy(facts->outer_failed, "udp 51820");
	strcpy(facts->outer_reason, "PCP 2 NOT_AUTHORIZED");
}

static void outer_asking(struct facts *facts)
{
	outer_silent(facts);
	facts->outer_asking = true;
}

static void home_by_hand(struct facts *facts)
{
	both_open(facts);
	facts->router_answers = false;
	facts->open = 0;
}

static void three_routers(struct facts *facts)
{
	both_open(facts);
	facts->outer_wan_kind = ADDRESS_PRIVATE;
	strcpy(facts->outer_wan, "10.0.0.2");
}

static void cgnat_after_two(struct facts *facts)
{
	both_open(facts);
	facts->outer_wan_kind = ADDRESS_CGNAT;
	strcpy(facts->outer_wan, "100.64.0.2");
}

static void cgnat_by_hops(struct facts *facts)
{
	facts->line = LINE_CGNAT;
	facts->wan_kind = ADDRESS_NONE;
	facts->open = 0;
	strcpy(facts->next_address, "100.64.0.1");
}

static void cgnat_by_stun(struct facts *facts)
{
	facts->line = LINE_CGNAT;
	strcpy(facts->seen_as, "11.0.0.99");
}

static void cgnat_perhaps(struct facts *facts)
{
	facts->line = LINE_MAYBE_CGNAT;
	facts->wan_known = facts->router_answers = false;
	facts->open = 0;
	strcpy(facts->next_address, "100.64.0.1");
}

static void unplugged(struct facts *facts)
{
	facts->has_route = false;
	strcpy(facts->unplugged, "eth0");
}

static void only_ipv6(struct facts *facts)
{
	facts->has_route = false;
	facts->has_ipv6 = true;
}

static void no_usable_wan(struct facts *facts)
{
	facts->wan_kind = ADDRESS_NONE;
	facts->no_usable_wan = true;
	facts->open = 0;
}

static void shared_moved(struct facts *facts)
{
	strcpy(facts->shared_service, "v6 Plus");
	strcpy(facts->shared_ports, "5472-5487, 9568-9583");
	facts->shared_wanted = 51820;
	facts->shared_instead = 50528;
}

static void shared_closed(struct facts *facts)
{
	shared_moved(facts);
	facts->open = 0;
	strcpy(facts->failed, "udp 51820");
	strcpy(facts->reason, "UPnP 718");
}

static void dslite(struct facts *facts)
{
	facts->wan_kind = ADDRESS_DSLITE;
}

static void dslite_by_hops(struct facts *facts)
{
	facts->wan_known = facts->router_answers = false;
	facts->open = 0;
	facts->line = LINE_DS_LITE;
	strcpy(facts->ds_lite, "192.0.0.1");
}

static void dslite_after_two(struct facts *facts)
{
	both_open(facts);
	facts->outer_answers = false;
	strcpy(facts->ds_lite, "192.0.0.1");
}

static void no_wan(struct facts *facts)
{
	facts->wan_kind = ADDRESS_NONE;
}

static void refused(struct facts *facts)
{
	facts->host_refused = true;
	facts->open = 0;
}

static void taken(struct facts *facts)
{
	facts->port_taken = true;
	facts->open = 0;
}

static void upnp_off(struct facts *facts)
{
	facts->router_answers = facts->wan_known = false;
	facts->open = 0;
}

static void other_error(struct facts *facts)
{
	facts->open = 0;
}

static void dropped(struct facts *facts)
{
	facts->dropped = true;
	facts->arrived = 12;
}

static void nothing_listens(struct facts *facts)
{
	facts->not_listening = true;
	strcpy(facts->silent_port, "udp 51820");
}

static void name_stale(struct facts *facts)
{
	strcpy(facts->name, "my.home.test");
	strcpy(facts->name_address, "11.0.0.9");
	strcpy(facts->home_address, "11.0.0.2");
	facts->name_stale6 = false;
}

static void name_missing(struct facts *facts)
{
	strcpy(facts->name, "my.home.test");
	facts->name_address[0] = '\0';
	facts->name_stale6 = false;
}

static void name_stale6(struct facts *facts)
{
	bool ipv4_as_well = facts->name[0] && !facts->name_stale6;

	name_stale(facts);
	facts->name_stale6 = !ipv4_as_well; /* that one is told */
}

static void not_forwarding(struct facts *facts)
{
	facts->forwarding_off = true;
}

static void overlapping(struct facts *facts)
{
	strcpy(facts->overlapping, "wg0");
	strcpy(facts->overlapped, "eth0");
}

static void wrong_protocol(struct facts *facts)
{
	nothing_listens(facts);
	facts->silent_protocol = IPPROTO_UDP;
	facts->listens_otherwise = true;
}

static void egress_gone(struct facts *facts)
{
	strcpy(facts->lost_egress, "192.168.1.99");
	facts->egress_closed = true;
}

static void egress_replaced(struct facts *facts)
{
	strcpy(facts->lost_egress, "192.168.1.99");
}

static void contested(struct facts *facts)
{
	facts->contest_repairs = 5;
	strcpy(facts->contestant, "nft");
	facts->contestant_pid = 4711;
}

static void suppressed(struct facts *facts)
{
	contested(facts);
	facts->contest_lost = true;
}

static void crowded(struct facts *facts)
{
	facts->connections_max = 7680;
	facts->connections = 6144;
}

static void exhausted(struct facts *facts)
{
	facts->crowd = 51610; /* 80 % of 64,512 are 51,609.6 */
	facts->crowd_protocol = "UDP";
	facts->crowd_port = 53;
	strcpy(facts->crowd_address, "203.0.113.9");
	strcpy(facts->crowd_server, "198.51.100.53");
}

static void not_forwarding_a_tunnel(struct facts *facts)
{
	strcpy(facts->not_forwarded, "wg0");
}

static void packets_too_big(struct facts *facts)
{
	strcpy(facts->too_big, "wg0");
	facts->fitting_mtu = 1394;
	facts->line_mtu = 1454;
}

static const struct rules_firewall ufw = {
	.family = AF_INET, .owner = RULES_OWNER_UFW, .table = "filter", .chain = "INPUT"
};
static const struct rules_firewall docker = {
	.family = AF_INET, .owner = RULES_OWNER_DOCKER, .table = "filter", .chain = "FORWARD"
};

static void dropped_by_ufw(struct facts *facts)
{
	dropped(facts);
	strcpy(facts->silent_port, "udp 51820");
	facts->silent_protocol = IPPROTO_UDP;
	facts->silent_number = 51820;
	facts->port_dropper = &ufw;
}

static void stopped(struct facts *facts)
{
	facts->stopped = 6;
	strcpy(facts->stopped_tunnel, "wg0");
}

static void stopped_by_docker(struct facts *facts)
{
	stopped(facts);
	facts->tunnel_dropper = &docker;
}

static void taken_by_former(struct facts *facts)
{
	taken(facts);
	strcpy(facts->failed, "udp 51820");
	strcpy(facts->former, "192.168.1.9");
}

static const struct {
	const char *code;
	enum verdict_works works;
	void (*break_it)(struct facts *facts);
	const char *said;
} cases[] = {
	{ "E11", WORKS_NO, no_route, "no default route" },
	{ "E11", WORKS_NO, unplugged, "eth0 is not connected" },
	{ "E11", WORKS_NO, only_ipv6, "has IPv6, but no IPv4 default route" },
	{ NULL, WORKS_UNKNOWN, asking, "asking the router 192.168.1.1" },
	{ NULL, WORKS_UNKNOWN, outer_asking, "asking the outer router 192.168.0.1" },
	{ "E20", WORKS_NO, cgnat, "carrier-grade NAT" },
	{ "E20", WORKS_NO, cgnat_by_hops, "the next on the way, 100.64.0.1, is the provider's" },
	{ "E20", WORKS_NO, cgnat_by_stun, "11.0.0.2, but the internet sees 11.0.0.99" },
	{ "E20", WORKS_NO, cgnat_after_two, "the outer router's WAN address 100.64.0.2" },
	{ "E20", WORKS_UNKNOWN, cgnat_perhaps, "probably carrier-grade NAT" },
	{ "E21", WORKS_NO, outer_silent, "192.168.0.1, does not open ports when asked" },
	{ "E21", WORKS_NO, outer_refuses, "did not open udp 51820: PCP 2 NOT_AUTHORIZED" },
	{ "E21", WORKS_NO, three_routers, "three routers in a row" },
	{ "E21", WORKS_UNKNOWN, home_by_hand, "forwards the port, but 192.168.1.1 does not" },
	{ "E21", WORKS_NO, second_router, "two routers in a row" },
	{ "E21", WORKS_NO, no_usable_wan, "no public WAN address" },
	{ "E23", WORKS_NO, dslite, "DS-Lite" },
	{ "E23", WORKS_NO, dslite_by_hops, "the provider's end of its tunnel is 192.0.0.1" },
	{ "E23", WORKS_NO, dslite_after_two, "the provider's end of its tunnel is 192.0.0.1" },
	{ "E23", WORKS_NO, no_wan, "no WAN address" },
	{ "E30", WORKS_NO, name_stale,
	  "my.home.test points to 11.0.0.9, but this home is 11.0.0.2" },
	{ "E30", WORKS_NO, name_missing, "my.home.test has no address" },
	{ "E14", WORKS_NO, refused, "refuses to open ports for this host (192.168.1.31)" },
	{ "E22", WORKS_NO, shared_closed,
	  "this line (v6 Plus) owns only some ports, not 51820; the router did not open 50528" },
	{ "E13", WORKS_NO, taken, "taken on the router" },
	{ "E12", WORKS_NO, taken_by_former,
	  "still sends udp 51820 to 192.168.1.9, an address that this host had" },
	{ "E10", WORKS_UNKNOWN, upnp_off, "does not open ports when asked" },
	{ "E10", WORKS_NO, other_error, "did not open" },
	{ "E40", WORKS_NO, dropped, "12 packets came, none was delivered" },
	{ "E40", WORKS_NO, dropped_by_ufw, "ufw, drops what arrives: 12 packets came" },
	{ "E60", WORKS_NO, nothing_listens, "nothing on this host listens on udp 51820" },
	{ "E60", WORKS_NO, wrong_protocol, "listens on udp 51820, but a program does by tcp" },
	{ "E42", WORKS_NO, not_forwarding, "IP forwarding is off" },
	{ "E42", WORKS_NO, not_forwarding_a_tunnel, "IP forwarding is off for wg0" },
	{ "E46", WORKS_NO, overlapping, "wg0 and eth0 have the same network" },
	{ "E41", WORKS_NO, stopped_by_docker, "(table ip filter, chain FORWARD)" },
	{ "E41", WORKS_NO, stopped, "nftables does not show it: 6 packets came" },
	{ "E44", WORKS_NO, suppressed,
	  "nft (pid 4711) keeps removing natd's rules: put back 5 times" },
	{ "E43", WORKS_NO, egress_gone, "192.168.1.99 is not on this host" },
	{ "E43", WORKS_YES, egress_replaced, "its clients leave with another" },
	{ "E44", WORKS_YES, contested, "nft (pid 4711) keeps changing natd's rules" },
	{ "E45", WORKS_YES, crowded, "nearly full: 6144 of 7680" },
	{ "E45", WORKS_YES, exhausted,
	  "203.0.113.9 has hardly a port left for new connections to 198.51.100.53, UDP port 53" },
	{ "E30", WORKS_YES, name_stale6, "over IPv6" },
	{ "E22", WORKS_YES, shared_moved, "not 51820; 50528 is open instead" },
	{ "E50", WORKS_YES, packets_too_big, "packets of wg0 are too big for the line" },
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static void expect(const struct facts *facts, size_t which)
{
	struct verdict verdict = verdict_of(facts);

	if (!cases[which].code)
		assert_null(verdict.code);
	else
		assert_string_equal(verdict.code, cases[which].code);
	assert_int_equal(verdict.works, cases[which].works);
	if (!strstr(verdict.text, cases[which].said))
		fail_msg("\"%s\" does not say \"%s\"", verdict.text, cases[which].said);
}

/* What is to be done depends on who ought to have done it. */
static void test_the_updater_is_named(void **state)
{
	struct facts facts = all_well();

	(void)state;
	name_stale(&facts);
	assert_non_null(strstr(verdict_of(&facts).advice, "Install ddclient or inadyn"));
	facts.updater = "inadyn";
	assert_non_null(strstr(verdict_of(&facts).advice, "systemctl enable --now inadyn"));
	facts.updater_runs = true;
	assert_non_null(strstr(verdict_of(&facts).advice, "journalctl -u inadyn"));
}

static void test_ipv6_is_named_where_ipv4_is_closed(void **state)
{
	static void (*const closed[])(struct facts *) = { cgnat, second_router, dslite };

	(void)state;
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		struct facts facts = all_well();

		closed[i](&facts);
		assert_null(strstr(verdict_of(&facts).advice, "Endpoint is"));
		strcpy(facts.pinhole, "[2001:db8::10]:51820");
		assert_non_null(
			strstr(verdict_of(&facts).advice, "Endpoint is [2001:db8::10]:51820\n"));
	}
}

/* A router without an IPv4 address: with IPv6 the line is DS-Lite, without it is offline. */
static void test_no_ipv4_with_and_without_ipv6(void **state)
{
	struct facts facts = all_well();

	(void)state;
	facts.wan_kind = ADDRESS_NONE;
	assert_string_equal(verdict_of(&facts).code, "E23");
	assert_non_null(strstr(verdict_of(&facts).advice, "Offline: wait"));
	facts.has_ipv6 = true;
	assert_string_equal(verdict_of(&facts).code, "E23");
	assert_non_null(strstr(verdict_of(&facts).text, "has only IPv6"));
	assert_null(strstr(verdict_of(&facts).advice, "Offline"));
}

static void test_all_well(void **state)
{
	struct facts facts = all_well();
	struct verdict verdict = verdict_of(&facts);

	(void)state;
	assert_string_equal(verdict.code, "OK");
	assert_int_equal(verdict.works, WORKS_YES);
	assert_string_equal(verdict.advice, "");
}

static void test_each_cause(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		struct facts facts = all_well();

		cases[i].break_it(&facts);
		expect(&facts, i);
		if (cases[i].code)
			assert_true(verdict_of(&facts).advice[0]);
	}
}

/* What a cause is about. Facts about the same, but on this host, exclude each other. */
enum about { ABOUT_ROUTE, ABOUT_ASKING, ABOUT_WAN, ABOUT_NAME, ABOUT_PORT, ABOUT_HOST };

static enum about about(size_t which)
{
	static const char *const codes[] = {
		[ABOUT_ROUTE] = "E11",
		[ABOUT_WAN] = "E20 E21 E23",
		[ABOUT_NAME] = "E30",
		[ABOUT_PORT] = "E10 E12 E13 E14 E15 E22",
	};

	if (!cases[which].code)
		return ABOUT_ASKING;
	if (cases[which].break_it == name_stale6)
		return ABOUT_HOST; /* no worse than what stands there */
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i] && strstr(codes[i], cases[which].code))
			return (enum about)i;
	return ABOUT_HOST;
}

/* A router that has not answered has told neither its WAN address nor why it refuses. */
static bool exclude_each_other(size_t i, size_t j)
{
	enum about first = about(i);
	enum about second = about(j);

	if (first == second)
		return first != ABOUT_HOST;
	return (first == ABOUT_ASKING && (second == ABOUT_WAN || second == ABOUT_PORT)) ||
	       (first == ABOUT_WAN && cases[j].break_it == upnp_off) ||
	       (first == ABOUT_NAME && cases[j].break_it == name_stale6);
}

/* In pairs the more upstream cause wins: it explains the other, or has to be mended first anyway. */
static void test_the_upstream_cause_wins(void **state)
{
	size_t pairs = 0;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		for (size_t j = i + 1; j < CASES; j++) {
			struct facts facts = all_well();

			if (exclude_each_other(i, j))
				continue;
			cases[j].break_it(&facts);
			cases[i].break_it(&facts);
			expect(&facts, i);
			pairs++;
			if (about(j) != ABOUT_HOST)
				continue;
			/* What is on this host is independent of the rest: in any order. */
			facts = all_well();
			cases[i].break_it(&facts);
			cases[j].break_it(&facts);
			expect(&facts, i);
		}
	}
	assert_true(pairs > CASES * (CASES - 1) / 3);
}

static void test_another_firewall(void **state)
{
	struct facts facts = all_well();

	(void)state;
	stopped_by_docker(&facts);
	assert_non_null(strstr(verdict_of(&facts).advice, "coexist = true"));
	assert_non_null(strstr(verdict_of(&facts).advice, "iptables -I DOCKER-USER -i wg0"));
	facts.coexist = true;
	assert_null(strstr(verdict_of(&facts).advice, "coexist = true"));
	dropped_by_ufw(&facts);
	assert_non_null(strstr(verdict_of(&facts).advice, "sudo ufw allow 51820/udp"));
}

static void test_two_routers_may_be_well(void **state)
{
	struct facts facts = all_well();
	struct verdict verdict;

	(void)state;
	both_open(&facts);
	verdict = verdict_of(&facts);
	assert_string_equal(verdict.code, "OK");
	assert_string_equal(
		verdict.text,
		"both routers, 192.168.0.1 and 192.168.1.1, forward the port to this host");
	/* What is wrong behind them is told then. */
	dropped(&facts);
	assert_string_equal(verdict_of(&facts).code, "E40");
}

/* What a router that cannot be asked does is seen by what comes. */
static void test_opened_by_hand(void **state)
{
	struct facts facts = all_well();

	(void)state;
	upnp_off(&facts);
	facts.open = 1;
	facts.by_hand = true;
	assert_string_equal(verdict_of(&facts).code, "OK");
	assert_non_null(strstr(verdict_of(&facts).text, "by hand"));
	nothing_listens(&facts);
	assert_string_equal(verdict_of(&facts).code, "E60");
}

static void test_a_public_host_needs_no_router(void **state)
{
	struct facts facts = all_well();

	(void)state;
	upnp_off(&facts);
	facts.host_kind = ADDRESS_PUBLIC;
	strcpy(facts.host_address, "11.0.0.9");
	assert_string_equal(verdict_of(&facts).code, "OK");
	assert_non_null(strstr(verdict_of(&facts).text, "public address 11.0.0.9"));
}

static void test_router_that_said_yes_and_did_nothing(void **state)
{
	struct facts facts = all_well();

	(void)state;
	facts.open = 0;
	facts.not_done = true;
	strcpy(facts.failed, "udp 51820");
	strcpy(facts.reason, "its table does not have it");
	assert_string_equal(verdict_of(&facts).code, "E15");
	assert_int_equal(verdict_of(&facts).works, WORKS_NO);
	assert_non_null(strstr(verdict_of(&facts).text, "udp 51820: its table does not have it"));
}

static void test_another_port_is_told(void **state)
{
	struct facts facts = all_well();

	(void)state;
	strcpy(facts.wrong_port, "udp 51820 is open as external port 1024");
	assert_string_equal(verdict_of(&facts).code, "E13");
	assert_int_equal(verdict_of(&facts).works, WORKS_YES);
	assert_non_null(strstr(verdict_of(&facts).text, "open as external port 1024"));
	/* the wanted one is still held for what this host was */
	strcpy(facts.former, "192.168.1.9");
	assert_string_equal(verdict_of(&facts).code, "E12");
	assert_int_equal(verdict_of(&facts).works, WORKS_YES);
	assert_non_null(strstr(verdict_of(&facts).text, "holds the wanted one for 192.168.1.9"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_well),
		cmocka_unit_test(test_ipv6_is_named_where_ipv4_is_closed),
		cmocka_unit_test(test_no_ipv4_with_and_without_ipv6),
		cmocka_unit_test(test_the_updater_is_named),
		cmocka_unit_test(test_each_cause),
		cmocka_unit_test(test_the_upstream_cause_wins),
		cmocka_unit_test(test_another_firewall),
		cmocka_unit_test(test_two_routers_may_be_well),
		cmocka_unit_test(test_opened_by_hand),
		cmocka_unit_test(test_a_public_host_needs_no_router),
		cmocka_unit_test(test_router_that_said_yes_and_did_nothing),
		cmocka_unit_test(test_another_port_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
