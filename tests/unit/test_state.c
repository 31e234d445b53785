/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state file: what was written is read again; what is damaged is set aside, never fatal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "natd/clock.h"
#include "natd/state.h"

static char directory[] = "/tmp/natd-test-state-XXXXXX";

static const struct config_forward wireguard = {
	.name = "wireguard", .protocol = IPPROTO_UDP, .port = 51820, .external = 51820
};

static const struct engine_hooks no_hooks = { NULL, NULL, NULL };

/* Of a second router: there is none but where a test has one. */
static struct engine outer;
static struct pinholes pinholes, restored_pinholes;

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void write_state(const char *text)
{
	FILE *file = fopen(path_of("state.json"), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct address host6(void)
{
	struct address address;

	assert_true(address_parse(&address, "2001:db8::10"));
	return address;
}

static void add_pinhole(void)
{
	struct address address = host6();
	struct pinhole *pinhole;

	pinholes_init(&pinholes, &no_hooks, NULL);
	pinholes_init(&restored_pinholes, &no_hooks, NULL);
	pinhole = pinholes_add(&pinholes, IPPROTO_UDP, 51820, &address);
	strcpy(pinhole->name, "wireguard");
	pinhole->via = UPNP_IGD;
	pinhole->unique_id = 4711;
}

static void check_pinhole(void)
{
	const struct pinhole *pinhole = &restored_pinholes.list[0];
	struct address address = host6();

	assert_int_equal(restored_pinholes.count, 1);
	assert_int_equal(pinhole->state, FORWARD_CLOSING);
	assert_int_equal(pinhole->protocol, IPPROTO_UDP);
	assert_int_equal(pinhole->port, 51820);
	assert_int_equal(pinhole->via, UPNP_IGD);
	assert_int_equal(pinhole->unique_id, 4711);
	assert_true(address_equal(&pinhole->address, &address));
	assert_string_equal(pinhole->name, "wireguard");
	assert_memory_equal(pinhole->nonce, pinholes.list[0].nonce, UPNP_NONCE_SIZE);
	pinholes_init(&pinholes, &no_hooks, NULL);
}

static void test_what_was_written_is_read(void **state)
{
	static struct engine before, after;
	static struct sysctls switches, restored;
	struct forward *forward;

	(void)state;
	engine_init(&before, &no_hooks, NULL);
	forward = forwards_add(&before.forwards, &wireguard);
	forward->via = UPNP_NATPMP;
	forward->external_port = 1024;
	forward->host.s_addr = inet_addr("192.168.1.31");
	forward->lifetime = 7200;
	memcpy(forward->router, (uint8_t[]){ 2, 0, 0, 0, 0, 1 }, MAC_SIZE);
	elsewhere_keep(&before.elsewhere, forward);
	before.elsewhere.list[0].router[5] = 2;
	before.public_wan.s_addr = inet_addr("11.0.0.2");
	before.service_of.s_addr = inet_addr("192.168.1.1");
	strcpy(before.service.control, "http://192.168.1.1:5000/ctl");
	strcpy(before.service.type, "urn:x");
	strcpy(before.service.firewall, "http://192.168.1.1:5000/ctl6");
	strcpy(before.service.events, "http://192.168.1.1:5000/evt");
	add_pinhole();
	switches.list[switches.count++] = (struct sysctl){ "ipv4/ip_forward", 0, 1 };
	assert_true(state_write(directory, &before, &outer, &pinholes, &switches, true));

	engine_init(&after, &no_hooks, NULL);
	state_read(directory, &after, &outer, &restored_pinholes, &restored);
	assert_int_equal(after.forwards.count, 1);
	assert_int_equal(after.forwards.list[0].state, FORWARD_CLOSING);
	assert_int_equal(after.forwards.list[0].via, UPNP_NATPMP);
	assert_int_equal(after.forwards.list[0].external_port, 1024);
	assert_memory_equal(after.forwards.list[0].nonce, forward->nonce, UPNP_NONCE_SIZE);
	assert_memory_equal(&after.forwards.list[0].wanted, &wireguard, sizeof(wireguard));
	assert_int_equal(after.forwards.list[0].host.s_addr, inet_addr("192.168.1.31"));
	assert_int_equal(after.forwards.list[0].lifetime, 7200);
	assert_int_equal(after.forwards.list[0].router[5], 1);
	assert_int_equal(after.elsewhere.count, 1);
	assert_int_equal(after.elsewhere.list[0].router[5], 2);
	assert_int_equal(after.elsewhere.list[0].external_port, 1024);
	assert_memory_equal(after.elsewhere.list[0].nonce, forward->nonce, UPNP_NONCE_SIZE);
	assert_int_equal(after.public_wan.s_addr, inet_addr("11.0.0.2"));
	assert_int_equal(after.service_of.s_addr, inet_addr("192.168.1.1"));
	assert_memory_equal(&after.service, &before.service, sizeof(before.service));
	check_pinhole();
	assert_int_equal(restored.count, 1);
	assert_string_equal(restored.list[0].name, "ipv4/ip_forward");
	assert_int_equal(restored.list[0].before, 0);
	assert_int_equal(access(path_of("state.json.broken"), F_OK), -1);
}

static void keep_epochs(struct engine *engine)
{
	engine_init(engine, &no_hooks, NULL);
	engine->service_of.s_addr = inet_addr("192.168.1.1");
	engine->epochs[UPNP_PCP] = (struct upnp_epoch){ true, false, 4000000000, 5000000 };
	engine->epochs[UPNP_NATPMP] = (struct upnp_epoch){ true, true, 12, 0 };
}

/* The second is written without its time, and stays so. */
static void test_epochs_are_kept(void **state)
{
	static struct engine before, after;
	static struct sysctls none;

	(void)state;
	keep_epochs(&before);
	assert_true(state_write(directory, &before, &outer, &pinholes, &none, true));
	engine_init(&after, &no_hooks, NULL);
	after.forwards.dirty = true;
	state_read(directory, &after, &outer, &restored_pinholes, &none);
	assert_memory_equal(&after.epochs, &before.epochs, sizeof(before.epochs));
	assert_int_equal(after.service_of.s_addr, before.service_of.s_addr);
	assert_false(after.forwards.dirty);
	assert_int_equal(access(path_of("state.json.broken"), F_OK), -1);
}

/* Another boot, or a time that has not come yet: the epoch is known, its time is not. */
static void test_epochs_of_another_clock_have_no_time(void **state)
{
	static const char *const files[] = {
		"\"boot\": \"another\", \"epochs\": [{\"router\": \"192.168.1.1\", "
		"\"protocol\": \"pcp\", \"epoch\": 7, \"heard\": 1}]",
		"\"epochs\": [{\"router\": \"192.168.1.1\", \"protocol\": \"pcp\", "
		"\"epoch\": 7, \"heard\": 1}]",
		"\"boot\": \"%s\", \"epochs\": [{\"router\": \"192.168.1.1\", "
		"\"protocol\": \"pcp\", \"epoch\": 7, \"heard\": 9000000000000000}]",
	};
	static struct engine engine;
	static struct sysctls none;
	char text[512];
	int used;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *hole = strstr(files[i], "%s");
		int length = hole ? (int)(hole - files[i]) : (int)strlen(files[i]);

		used = snprintf(text, sizeof(text),
				"{\"version\": 1, \"mappings\": [], \"sysctls\": [], %.*s%s%s}",
				length, files[i], hole ? natd_boot() : "", hole ? hole + 2 : "");
		assert_in_range(used, 1, sizeof(text) - 1);
		write_state(text);
		engine_init(&engine, &no_hooks, NULL);
		state_read(directory, &engine, &outer, &restored_pinholes, &none);
		assert_int_equal(access(path_of("state.json.broken"), F_OK), -1);
		assert_true(engine.epochs[UPNP_PCP].known);
		assert_true(engine.epochs[UPNP_PCP].undated);
		assert_int_equal(engine.epochs[UPNP_PCP].server, 7);
	}
}

static void test_a_second_router_has_its_own(void **state)
{
	static struct engine home, before, after, home_after;
	static struct sysctls none;
	struct forward *forward;

	(void)state;
	engine_init(&home, &no_hooks, NULL);
	engine_init(&before, &no_hooks, NULL);
	forward = forwards_add(&before.forwards, &wireguard);
	forward->via = UPNP_PCP;
	forward->host.s_addr = inet_addr("192.168.0.2");
	before.public_wan.s_addr = inet_addr("11.0.0.2");
	assert_true(state_write(directory, &home, &before, &pinholes, &none, true));

	engine_init(&home_after, &no_hooks, NULL);
	engine_init(&after, &no_hooks, NULL);
	state_read(directory, &home_after, &after, &restored_pinholes, &none);
	assert_int_equal(home_after.forwards.count, 0);
	assert_int_equal(home_after.public_wan.s_addr, 0);
	assert_int_equal(after.forwards.count, 1);
	assert_int_equal(after.forwards.list[0].via, UPNP_PCP);
	assert_int_equal(after.forwards.list[0].host.s_addr, inet_addr("192.168.0.2"));
	assert_memory_equal(after.forwards.list[0].nonce, forward->nonce, UPNP_NONCE_SIZE);
	assert_int_equal(after.public_wan.s_addr, inet_addr("11.0.0.2"));
	assert_int_equal(access(path_of("state.json.broken"), F_OK), -1);
}

/* Killed between the question and the grant: the nonce is what counts. */
static void test_what_was_asked_but_not_granted_is_read(void **state)
{
	static struct engine before, after;
	static struct sysctls none;
	struct forward *forward;

	(void)state;
	engine_init(&before, &no_hooks, NULL);
	forward = forwards_add(&before.forwards, &wireguard);
	assert_true(state_write(directory, &before, &outer, &pinholes, &none, true));
	engine_init(&after, &no_hooks, NULL);
	state_read(directory, &after, &outer, &restored_pinholes, &none);
	assert_int_equal(after.forwards.count, 1);
	assert_int_equal(after.forwards.list[0].via, UPNP_ANY);
	assert_int_equal(after.forwards.list[0].host.s_addr, 0);
	assert_memory_equal(after.forwards.list[0].nonce, forward->nonce, UPNP_NONCE_SIZE);
	assert_int_equal(access(path_of("state.json.broken"), F_OK), -1);
}

/* What natd switched in another boot is as that boot left it; what it was before means nothing now. */
static void test_switches_of_another_boot(void **state)
{
	static const char form[] =
		"{\"version\": 1, \"boot\": \"%s\", \"mappings\": [], \"sysctls\": "
		"[{\"name\": \"ipv4/ip_forward\", \"before\": 0, \"ours\": 1}]}";
	static struct sysctls this_boot, another;
	static struct engine engine;
	char text[512];

	(void)state;
	engine_init(&engine, &no_hooks, NULL);
	snprintf(text, sizeof(text), form, natd_boot());
	write_state(text);
	state_read(directory, &engine, &outer, &pinholes, &this_boot);
	assert_int_equal(this_boot.count, 1);
	snprintf(text, sizeof(text), form, "another");
	write_state(text);
	state_read(directory, &engine, &outer, &pinholes, &another);
	assert_int_equal(another.count, 0);
	assert_int_equal(access(path_of("state.json.broken"), F_OK), -1);
}

static void test_no_file_is_a_fresh_start(void **state)
{
	static struct engine engine;
	static struct sysctls switches;

	(void)state;
	unlink(path_of("state.json"));
	engine_init(&engine, &no_hooks, NULL);
	state_read(directory, &engine, &outer, &pinholes, &switches);
	assert_int_equal(engine.forwards.count, 0);
	assert_int_equal(access(path_of("state.json.broken"), F_OK), -1);
}

/* Each is set aside; its sound entries are kept. */
static void test_damaged_files(void **state)
{
	static const struct {
		const char *text;
		size_t kept;
	} files[] = {
		{ "", 0 },
		{ "{", 0 },
		{ "[]", 0 },
		{ "{\"version\": 2, \"mappings\": [], \"sysctls\": []}", 0 },
		{ "{\"version\": 1, \"mappings\": {}, \"sysctls\": []}", 0 },
		{ "{\"version\": 1, \"mappings\": [7], \"sysctls\": []}", 0 },
		{ "{\"version\": 1, \"mappings\": [], \"sysctls\": [], \"pinholes\": [{}]}", 0 },
		{ "{\"version\": 1, \"mappings\": [], \"sysctls\": [], \"pinholes\": [{\"name\": "
		  "\"a\", \"protocol\": \"udp\", \"port\": 5, \"address\": \"192.168.1.31\", "
		  "\"nonce\": \"000000000000000000000000\", \"unique_id\": 0}]}",
		  0 },
		{ "{\"version\": 1, \"service\": {}, \"mappings\": [], \"sysctls\": []}", 0 },
		{ "{\"version\": 1, \"mappings\": [], \"sysctls\": [], \"outer\": 5}", 0 },
		{ "{\"version\": 1, \"mappings\": [], \"sysctls\": [], \"outer\": "
		  "{\"mappings\": [3]}}",
		  0 },
		{ "{\"version\": 1, \"mappings\": [], \"sysctls\": [], \"epochs\": [{\"router\": "
		  "\"192.168.1.1\", \"protocol\": \"pcp\", \"epoch\": -1}]}",
		  0 },
		{ "{\"version\": 1, \"mappings\": [], \"sysctls\": [], \"epochs\": [{\"router\": "
		  "\"192.168.1.1\", \"protocol\": \"ftp\", \"epoch\": 1}]}",
		  0 },
		{ "{\"version\": 1, \"wan\": \"192.168.1.1\", \"mappings\": [], \"sysctls\": []}",
		  0 },
		{ "{\"version\": 1, \"mappings\": [{\"name\": \"a\", \"protocol\": \"udp\", "
		  "\"port\": 5, \"external\": 5, \"nonce\": \"000000000000000000000000\", "
		  "\"external_port\": 5, \"router\": \"02:00\"}], \"sysctls\": []}",
		  0 },
		{ "{\"version\": 1, \"mappings\": [], \"elsewhere\": [{\"name\": \"a\", "
		  "\"protocol\": \"udp\", \"port\": 5, \"external\": 5, \"nonce\": "
		  "\"000000000000000000000000\", \"external_port\": 5}], \"sysctls\": []}",
		  0 },
		{ "{\"version\": 1, \"mappings\": [], \"sysctls\": [{\"name\": "
		  "\"../../kernel/panic\", \"before\": 1, \"ours\": 0}]}",
		  0 },
		/* of another natd, or of none: the rules process would not take it */
		{ "{\"version\": 1, \"mappings\": [], \"sysctls\": [{\"name\": "
		  "\"ipv4/foo\", \"before\": 0, \"ours\": 1}]}",
		  0 },
		{ "{\"version\": 1, \"mappings\": [], \"sysctls\": [{\"name\": "
		  "\"\", \"before\": 0, \"ours\": 1}]}",
		  0 },
		{ "{\"version\": 1, \"mappings\": [], \"sysctls\": [{\"name\": "
		  "\"ipv4/ip_forward\", \"before\": 99999, \"ours\": 1}]}",
		  0 },
		{ "{\"version\": 1, \"mappings\": [{\"name\": \"a\", \"protocol\": \"udp\", "
		  "\"port\": 70000, \"external\": 5, \"nonce\": "
		  "\"000000000000000000000000\", \"external_port\": 5}], \"sysctls\": []}",
		  0 },
		{ "{\"version\": 1, \"mappings\": [{\"name\": \"a\", \"protocol\": \"udp\", "
		  "\"port\": 5, \"external\": 5, \"nonce\": "
		  "\"zz0000000000000000000000\", \"external_port\": 5}], \"sysctls\": []}",
		  0 },
		{ "{\"version\": 1, \"mappings\": [{\"name\": \"a\", \"protocol\": \"udp\", "
		  "\"port\": 5, \"external\": 5, \"nonce\": "
		  "\"000000000000000000000000\", \"external_port\": 5}, null], \"sysctls\": []}",
		  1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		static struct engine engine;
		struct sysctls *switches = calloc(1, sizeof(*switches));

		engine_init(&engine, &no_hooks, NULL);
		write_state(files[i].text);
		state_read(directory, &engine, &outer, &pinholes, switches);
		assert_int_equal(engine.forwards.count, files[i].kept);
		assert_int_equal(switches->count, 0);
		assert_int_equal(pinholes.count, 0);
		assert_int_equal(engine.public_wan.s_addr, 0);
		assert_int_equal(access(path_of("state.json"), F_OK), -1);
		assert_int_equal(access(path_of("state.json.broken"), F_OK), 0);
		unlink(path_of("state.json.broken"));
		free(switches);
	}
}

static void test_a_folder_that_is_gone_is_said(void **state)
{
	static struct engine engine;
	static struct sysctls switches;

	(void)state;
	engine_init(&engine, &no_hooks, NULL);
	assert_false(state_write(path_of("gone"), &engine, &outer, &pinholes, &switches, false));
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path_of("state.json"));
	unlink(path_of("state.json.broken"));
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_written_is_read),
		cmocka_unit_test(test_epochs_are_kept),
		cmocka_unit_test(test_epochs_of_another_clock_have_no_time),
		cmocka_unit_test(test_a_second_router_has_its_own),
		cmocka_unit_test(test_what_was_asked_but_not_granted_is_read),
		cmocka_unit_test(test_switches_of_another_boot),
		cmocka_unit_test(test_no_file_is_a_fresh_start),
		cmocka_unit_test(test_damaged_files),
		cmocka_unit_test(test_a_folder_that_is_gone_is_said),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
