/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the name is asked for, and what its addresses mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "natd/name.h"
#include "natd/resolvers.h"

#define HOUR 3600000

static const struct network nothing;

static struct in_addr v4(const char *text)
{
	struct in_addr address;

	assert_int_equal(inet_pton(AF_INET, text, &address), 1);
	return address;
}

static struct in6_addr mapped(const char *text)
{
	struct in6_addr address = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
	struct in_addr four;

	if (inet_pton(AF_INET6, text, &address) == 1)
		return address;
	four = v4(text);
	memcpy(address.s6_addr + 12, &four, sizeof(four));
	return address;
}

/* The answer to the question under way: `text` and a TTL; "" for no such name, NULL for silence. */
static void answer(struct name *name, const char *text, uint32_t ttl, int64_t now)
{
	struct upnp_resolved resolved = { .id = name->id, .ttl = ttl };

	resolved.result = !text    ? UPNP_NAME_UNANSWERED
			  : !*text ? UPNP_NAME_MISSING
				   : UPNP_NAME_KNOWN;
	if (text && *text)
		resolved.addresses[resolved.count++] = mapped(text);
	assert_true(name_answer_is_sound(&resolved));
	name_answer(name, &resolved, now);
}

/* Asks now; the question must be due. */
static void ask(struct name *name, int64_t now)
{
	struct upnp_lookup lookup;

	assert_true(name_ask(name, &lookup, now));
	assert_string_equal(lookup.name, "my.home.test");
	assert_false(name_ask(name, &lookup, now));
}

static struct name started(int64_t now)
{
	struct name name = { 0 };

	name_want(&name, "my.home.test", now);
	name_wan_is(&name, v4("11.0.1.2"), now);
	ask(&name, now);
	return name;
}

static void no_name_is_never_asked(void **state)
{
	struct name name = { 0 };
	struct upnp_lookup lookup;

	(void)state;
	name_want(&name, "", 1000);
	name_wan_is(&name, v4("11.0.1.2"), 1000);
	assert_int_equal(name_deadline(&name), 0);
	assert_false(name_ask(&name, &lookup, 10 * HOUR));
	assert_int_equal(name_matches(&name, &nothing), NAME_UNKNOWN);
}

static void right_is_looked_at_once_an_hour(void **state)
{
	struct name name = started(1000);

	(void)state;
	answer(&name, "11.0.1.2", 60, 1010);
	assert_int_equal(name_matches(&name, &nothing), NAME_RIGHT);
	assert_false(name_is_stale(&name));
	assert_int_equal(name_deadline(&name), 1010 + HOUR);
}

/* Nobody saw the address change: it has been wrong for long. */
static void wrong_from_the_start_is_told_at_once(void **state)
{
	struct name name = started(1000);

	(void)state;
	answer(&name, "11.0.9.9", 60, 1010);
	assert_int_equal(name_matches(&name, &nothing), NAME_ELSEWHERE);
	assert_true(name_is_stale(&name));
	assert_int_equal(name.wrong_since, 1010);
}

static void after_a_change_the_updater_has_time(void **state)
{
	struct name name = started(1000);
	int64_t now = HOUR;
	int questions = 1;

	(void)state;
	answer(&name, "11.0.1.2", 60, 1010);
	name_wan_is(&name, v4("11.0.1.3"), now);
	ask(&name, now);
	answer(&name, "11.0.1.2", 60, now);
	assert_int_equal(name_matches(&name, &nothing), NAME_ELSEWHERE);
	while (!name_is_stale(&name)) {
		now = name_deadline(&name);
		ask(&name, now);
		answer(&name, "11.0.1.2", 60, now);
		questions++;
	}
	assert_in_range(now - HOUR, (NAME_GRACE_SECONDS + 60) * 1000, 900000);
	for (; name_deadline(&name) < 2 * HOUR; questions++) {
		now = name_deadline(&name);
		ask(&name, now);
		answer(&name, "11.0.1.2", 60, now);
	}
	assert_in_range(questions, 3, 6);
	assert_int_equal(name.wrong_since, HOUR);
	now = name_deadline(&name);
	ask(&name, now);
	answer(&name, "11.0.1.3", 60, now);
	assert_false(name_is_stale(&name));
	assert_int_equal(name.wrong_since, 0);
}

/* The resolver was told to keep the old address for half an hour. */
static void a_long_ttl_is_waited_for(void **state)
{
	struct name name = started(1000);
	int64_t now = HOUR;

	(void)state;
	answer(&name, "11.0.1.2", 1800, 1010);
	name_wan_is(&name, v4("11.0.1.3"), now);
	for (; now - HOUR < (NAME_GRACE_SECONDS + 1800) * 1000; now = name_deadline(&name)) {
		ask(&name, now);
		answer(&name, "11.0.1.2", 1800, now);
		assert_false(name_is_stale(&name));
		assert_in_range(name_deadline(&name) - now, 900000, 1800000);
	}
	ask(&name, now);
	answer(&name, "11.0.1.2", 1800, now);
	assert_true(name_is_stale(&name));
}

/* Without the home's address there is nothing to compare with; when it is back, it is asked anew. */
static void without_an_address_there_is_no_verdict(void **state)
{
	struct name name = started(1000);
	struct upnp_lookup lookup;

	(void)state;
	name_wan_is(&name, (struct in_addr){ 0 }, 1005);
	answer(&name, "11.0.9.9", 60, 1010);
	assert_int_equal(name_matches(&name, &nothing), NAME_UNKNOWN);
	assert_false(name_is_stale(&name));
	name_wan_is(&name, v4("11.0.1.2"), 2000);
	assert_true(name_ask(&name, &lookup, 2000));
}

static void a_name_without_address_is_wrong(void **state)
{
	struct name name = started(1000);

	(void)state;
	answer(&name, "", 0, 1010);
	assert_int_equal(name_matches(&name, &nothing), NAME_MISSING);
	assert_true(name_is_stale(&name));
}

static void silence_keeps_the_last_answer(void **state)
{
	struct name name = started(1000);

	(void)state;
	answer(&name, "11.0.1.2", 60, 1010);
	name_want(&name, "my.home.test", 2000);
	ask(&name, 2000);
	answer(&name, NULL, 0, 9000);
	assert_int_equal(name_matches(&name, &nothing), NAME_RIGHT);
	assert_int_equal(name_deadline(&name), 9000 + 60000);
	name_want(&name, "other.home.test", 10000);
	assert_int_equal(name_matches(&name, &nothing), NAME_UNKNOWN);
}

static void other_hosts_over_ipv6_are_seen(void **state)
{
	struct name name = started(1000);
	struct network network = { .address_count = 1 };

	(void)state;
	answer(&name, "2a11:0:77::10", 60, 1010);
	assert_int_equal(name_matches(&name, &nothing), NAME_ELSEWHERE6);
	assert_true(address_parse(&network.addresses[0].prefix.address, "2a11:0:77::10"));
	assert_int_equal(name_matches(&name, &network), NAME_RIGHT);
	assert_false(name_is_stale(&name));
}

/* What an answer to another question says is nothing to us; one that got lost is asked again. */
static void only_the_question_under_way_is_answered(void **state)
{
	struct name name = started(1000);

	(void)state;
	name.id++;
	answer(&name, "11.0.9.9", 60, 1010);
	assert_true(name.answered);
	name.answered = false;
	answer(&name, "11.0.9.9", 60, 1020);
	assert_false(name.answered);
	name_want(&name, "my.home.test", 2000);
	ask(&name, 2000);
	assert_in_range(name_deadline(&name), 2001, 2000 + HOUR);
	ask(&name, name_deadline(&name));
}

static void answers_that_make_no_sense_are_none(void **state)
{
	struct upnp_resolved resolved = { .result = UPNP_NAME_KNOWN };

	(void)state;
	assert_false(name_answer_is_sound(&resolved));
	resolved.count = UPNP_ADDRESSES_MAX + 1;
	assert_false(name_answer_is_sound(&resolved));
	resolved.count = 1;
	assert_true(name_answer_is_sound(&resolved));
	resolved.result = UPNP_NAME_RESULTS;
	assert_false(name_answer_is_sound(&resolved));
}

static size_t read_text(const char *text, struct upnp_resolver resolvers[UPNP_RESOLVERS_MAX])
{
	struct network network = { .link_count = 1 };
	char path[] = "/tmp/natd-test-resolv-XXXXXX";
	int file = mkstemp(path);
	size_t count;

	network.links[0].index = 7;
	strcpy(network.links[0].name, "eth0");
	assert_int_equal(write(file, text, strlen(text)), strlen(text));
	close(file);
	count = resolvers_read(path, &network, resolvers);
	unlink(path);
	return count;
}

static void resolvers_are_those_of_the_file(void **state)
{
	struct upnp_resolver resolvers[UPNP_RESOLVERS_MAX];
	struct in6_addr expected = mapped("192.168.1.1");

	(void)state;
	assert_int_equal(read_text("# nameserver 10.0.0.1\nsearch lan\n"
				   "nameserver 192.168.1.1 # the router\nnameserver rubbish\n"
				   "\tnameserver fe80::1%eth0\noptions timeout:1\n"
				   "nameserver 2001:db8::1\nnameserver 10.0.0.2\n",
				   resolvers),
			 3);
	assert_memory_equal(&resolvers[0].address, &expected, sizeof(expected));
	assert_int_equal(resolvers[1].scope, 7);
	expected = mapped("2001:db8::1");
	assert_memory_equal(&resolvers[2].address, &expected, sizeof(expected));
}

static void without_any_this_host_is_asked(void **state)
{
	struct upnp_resolver resolvers[UPNP_RESOLVERS_MAX];
	struct in6_addr expected = mapped("127.0.0.1");

	(void)state;
	assert_int_equal(read_text("search lan\n", resolvers), 1);
	assert_memory_equal(&resolvers[0].address, &expected, sizeof(expected));
	assert_int_equal(resolvers_read("/nowhere/resolv.conf", &nothing, resolvers), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_name_is_never_asked),
		cmocka_unit_test(right_is_looked_at_once_an_hour),
		cmocka_unit_test(wrong_from_the_start_is_told_at_once),
		cmocka_unit_test(after_a_change_the_updater_has_time),
		cmocka_unit_test(a_long_ttl_is_waited_for),
		cmocka_unit_test(without_an_address_there_is_no_verdict),
		cmocka_unit_test(a_name_without_address_is_wrong),
		cmocka_unit_test(silence_keeps_the_last_answer),
		cmocka_unit_test(other_hosts_over_ipv6_are_seen),
		cmocka_unit_test(only_the_question_under_way_is_answered),
		cmocka_unit_test(answers_that_make_no_sense_are_none),
		cmocka_unit_test(resolvers_are_those_of_the_file),
		cmocka_unit_test(without_any_this_host_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
