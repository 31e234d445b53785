/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the other firewalls drops what shall pass, and what to type into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "natd/firewalls.h"
#include "natd/remedy.h"

static struct rules_firewall chain(const char *table, const char *name, enum rules_hook hook,
				   enum rules_owner owner)
{
	struct rules_firewall firewall = {
		.family = AF_INET,
		.hook = (uint8_t)hook,
		.owner = (uint8_t)owner,
		.policy_drop = 1,
		.closes = 1,
		.counts = 1,
	};

	strcpy(firewall.table, table);
	strcpy(firewall.chain, name);
	return firewall;
}

static void count(struct firewalls *firewalls, uint64_t allowed, uint64_t passed)
{
	struct rules_tunnel_count counted = { .allowed = allowed, .passed = passed };

	strcpy(counted.interface, "wg0");
	firewalls_counted(firewalls, &counted);
}

static uint64_t stopped(const struct firewalls *firewalls)
{
	char interface[IF_NAMESIZE] = "";
	uint64_t packets = firewalls_stopped(firewalls, interface);

	assert_string_equal(interface, packets ? "wg0" : "");
	return packets;
}

/* The VPN has moved from wg0 to wg1. */
static void test_a_tunnel_that_is_gone_stops_nothing(void **state)
{
	struct rules_tunnel_count left = { .interface = "wg1", .allowed = 9, .passed = 9 };
	struct firewalls firewalls = { 0 };

	(void)state;
	count(&firewalls, 5, 0);
	firewalls_counted(&firewalls, &left);
	firewalls_keep_tunnels(&firewalls, &left, 1);
	assert_int_equal(stopped(&firewalls), 0);
	/* its place is another's, and wg1 has kept its own */
	count(&firewalls, 4, 0);
	firewalls_counted(&firewalls, &left);
	assert_int_equal(stopped(&firewalls), 4);
	firewalls_keep_tunnels(&firewalls, &left, 1);
	assert_int_equal(stopped(&firewalls), 0);
}

static void test_stopped(void **state)
{
	struct firewalls firewalls = { 0 };

	(void)state;
	assert_int_equal(stopped(&firewalls), 0);
	count(&firewalls, 2, 0); /* chance */
	assert_int_equal(stopped(&firewalls), 0);
	count(&firewalls, 3, 0);
	assert_int_equal(stopped(&firewalls), 3);
	count(&firewalls, 7, 1); /* one went on: the others may have gone elsewhere */
	assert_int_equal(stopped(&firewalls), 0);
	count(&firewalls, 12, 1);
	assert_int_equal(stopped(&firewalls), 5);
	count(&firewalls, 2, 1); /* a new table counts anew */
	assert_int_equal(stopped(&firewalls), 0);
	count(&firewalls, 5, 1);
	assert_int_equal(stopped(&firewalls), 3);
}

/* What was delivered long ago does not hide that nothing is any more. */
static void test_stopped_at_a_port(void **state)
{
	struct rules_port_count count = { .protocol = IPPROTO_UDP, .port = 51820 };
	struct rules_port_count other = { .protocol = IPPROTO_TCP, .port = 51820, .arrived = 9 };
	struct firewalls firewalls = { 0 };

	(void)state;
	count.arrived = count.delivered = 100;
	firewalls_counted_port(&firewalls, &count);
	firewalls_counted_port(&firewalls, &other);
	assert_int_equal(firewalls_stopped_port(&firewalls, IPPROTO_UDP, 51820), 0);
	assert_int_equal(firewalls_stopped_port(&firewalls, IPPROTO_TCP, 51820), 9);
	assert_int_equal(firewalls_stopped_port(&firewalls, IPPROTO_UDP, 1194), 0);
	count.arrived = 102; /* chance */
	firewalls_counted_port(&firewalls, &count);
	assert_int_equal(firewalls_stopped_port(&firewalls, IPPROTO_UDP, 51820), 0);
	count.arrived = 104;
	firewalls_counted_port(&firewalls, &count);
	assert_int_equal(firewalls_stopped_port(&firewalls, IPPROTO_UDP, 51820), 4);
	count.delivered = 101;
	firewalls_counted_port(&firewalls, &count);
	assert_int_equal(firewalls_stopped_port(&firewalls, IPPROTO_UDP, 51820), 0);
}

static void test_culprit(void **state)
{
	struct firewalls firewalls = { 0 };
	struct rules_firewall first =
		chain("filter", "FORWARD", RULES_HOOK_FORWARD, RULES_OWNER_DOCKER);
	struct rules_firewall second =
		chain("mine", "gate", RULES_HOOK_FORWARD, RULES_OWNER_NFTABLES);
	struct rules_firewall input = chain("filter", "INPUT", RULES_HOOK_INPUT, RULES_OWNER_UFW);
	struct rules_firewall open = chain("filter", "OUTPUT", RULES_HOOK_OUTPUT, RULES_OWNER_UFW);

	(void)state;
	open.closes = open.policy_drop = 0;
	assert_null(firewalls_culprit(&firewalls, RULES_HOOK_FORWARD));
	firewalls_add(&firewalls, &first);
	firewalls_add(&firewalls, &second);
	firewalls_add(&firewalls, &input);
	firewalls_add(&firewalls, &open);
	assert_null(firewalls_culprit(&firewalls, RULES_HOOK_FORWARD)); /* not told to the end */
	firewalls_scanned(&firewalls, true);
	assert_string_equal(firewalls_culprit(&firewalls, RULES_HOOK_INPUT)->chain, "INPUT");
	assert_null(firewalls_culprit(&firewalls, RULES_HOOK_OUTPUT));

	/* what has dropped is likelier than what might have, */
	second.dropped = 1;
	firewalls_add(&firewalls, &first);
	firewalls_add(&firewalls, &second);
	firewalls_scanned(&firewalls, true);
	assert_string_equal(firewalls_culprit(&firewalls, RULES_HOOK_FORWARD)->chain, "gate");
	/* unless our packets are let through there */
	second.passed = 1;
	firewalls_add(&firewalls, &first);
	firewalls_add(&firewalls, &second);
	firewalls_scanned(&firewalls, true);
	assert_string_equal(firewalls_culprit(&firewalls, RULES_HOOK_FORWARD)->chain, "FORWARD");
}

static void test_too_many(void **state)
{
	struct firewalls firewalls = { 0 };
	struct rules_firewall one = chain("t", "c", RULES_HOOK_POST, RULES_OWNER_OTHER);
	json_t *json;

	(void)state;
	for (size_t i = 0; i < FIREWALLS_MAX + 10; i++)
		firewalls_add(&firewalls, &one);
	firewalls_scanned(&firewalls, true);
	json = firewalls_json(&firewalls);
	assert_int_equal(json_array_size(json), FIREWALLS_MAX);
	json_decref(json);
}

static void test_sound(void **state)
{
	struct rules_firewall good = chain("t", "c", RULES_HOOK_POST, RULES_OWNER_OTHER);
	struct rules_firewall bad = good;

	(void)state;
	assert_true(firewalls_is_sound(&good));
	bad.owner = RULES_OWNERS;
	assert_false(firewalls_is_sound(&bad));
	bad = good;
	bad.hook = RULES_HOOKS;
	assert_false(firewalls_is_sound(&bad));
	bad = good;
	memset(bad.table, 'x', sizeof(bad.table));
	assert_false(firewalls_is_sound(&bad));
	bad = good;
	memset(bad.chain, 'x', sizeof(bad.chain));
	assert_false(firewalls_is_sound(&bad));
}

static void test_json(void **state)
{
	struct firewalls firewalls = { 0 };
	struct rules_firewall one =
		chain("filter", "FORWARD", RULES_HOOK_FORWARD, RULES_OWNER_DOCKER);
	json_t *json;
	char *text;

	(void)state;
	one.dropped = 7;
	firewalls_add(&firewalls, &one);
	one = chain("mine\x1b[2J", "c", RULES_HOOK_INPUT, RULES_OWNER_NFTABLES);
	one.family = AF_UNSPEC;
	one.counts = 0;
	firewalls_add(&firewalls, &one);
	firewalls_scanned(&firewalls, true);
	json = firewalls_json(&firewalls);
	text = json_dumps(json, 0);
	assert_string_equal(
		text, "[{\"table\": \"ip filter\", \"chain\": \"FORWARD\", \"hook\": \"forward\", "
		      "\"policy\": \"drop\", \"owner\": \"docker\", \"drops\": 7, \"closes\": "
		      "true, \"passed\": false, \"owned\": false}, "
		      "{\"table\": \"inet mine?[2J\", \"chain\": \"c\", \"hook\": \"input\", "
		      "\"policy\": \"drop\", \"owner\": \"nftables\", \"drops\": null, "
		      "\"closes\": true, \"passed\": false, \"owned\": false}]");
	free(text);
	json_decref(json);
}

static void test_remedies(void **state)
{
	struct rules_firewall firewall =
		chain("filter", "INPUT", RULES_HOOK_INPUT, RULES_OWNER_UFW);
	char text[REMEDY_MAX];

	(void)state;
	assert_string_equal(remedy_port(&firewall, IPPROTO_UDP, 51820, text),
			    "  sudo ufw allow 51820/udp");
	assert_string_equal(remedy_tunnel(&firewall, "wg0", text),
			    "  sudo ufw route allow in on wg0");
	firewall.owner = RULES_OWNER_IPTABLES;
	firewall.family = AF_INET6;
	assert_string_equal(remedy_port(&firewall, IPPROTO_TCP, 443, text),
			    "  sudo ip6tables -I INPUT -p tcp --dport 443 -j ACCEPT");
	firewall.owner = RULES_OWNER_DOCKER;
	assert_non_null(strstr(remedy_tunnel(&firewall, "wg0", text),
			       "ip6tables -I DOCKER-USER -i wg0 -j ACCEPT\n"));
	firewall = chain("mine", "gate", RULES_HOOK_FORWARD, RULES_OWNER_NFTABLES);
	firewall.family = AF_UNSPEC;
	assert_string_equal(remedy_port(&firewall, IPPROTO_UDP, 1194, text),
			    "  sudo nft insert rule inet mine gate udp dport 1194 accept");
	assert_non_null(strstr(remedy_tunnel(&firewall, "tun0", text),
			       "inet mine gate oifname tun0 ct state established,related accept"));
	firewall.owned = 1; /* nobody but its program may */
	assert_string_equal(remedy_port(&firewall, IPPROTO_UDP, 1194, text), "");
	assert_string_equal(remedy_tunnel(&firewall, "tun0", text), "");
	firewall.owner = RULES_OWNER_FIREWALLD; /* by its own command, everybody */
	assert_non_null(
		strstr(remedy_port(&firewall, IPPROTO_UDP, 1194, text), "--add-port=1194/udp"));
	assert_non_null(strstr(remedy_tunnel(NULL, "wg0", text), "iptables-legacy -I FORWARD"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_tunnel_that_is_gone_stops_nothing),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_stopped_at_a_port),
		cmocka_unit_test(test_culprit),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_remedies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
