/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept of what a WireGuard in user space says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "rules/uapi.h"

#define NOW 1700000100

#define ANSWER                                                                                     \
	"private_key=a8dac1d8a70a751f0f699fb14ba1cff7b79cf4fbd8f09f44c6e6a90d0369604f\n"           \
	"listen_port=51820\n"                                                                      \
	"public_key=b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33\n"            \
	"preshared_key=188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52\n"         \
	"protocol_version=1\n"                                                                     \
	"endpoint=11.0.2.2:51820\n"                                                                \
	"last_handshake_time_sec=1700000040\n"                                                     \
	"last_handshake_time_nsec=51204000\n"                                                      \
	"allowed_ip=10.8.0.2/32\n"                                                                 \
	"public_key=58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376\n"            \
	"last_handshake_time_sec=0\n"                                                              \
	"allowed_ip=10.8.0.3/32\n"                                                                 \
	"public_key=662e14fd594556f522604703340351258903b64f35553763f19426ab2a515c58\n"            \
	"last_handshake_time_sec=1700000090\n"                                                     \
	"errno=0\n\n"

static struct rules_peers peers;
static struct uapi_answer answer;

static void begin(void)
{
	peers = (struct rules_peers){ .ago = -1 };
	answer = (struct uapi_answer){ .peers = &peers };
}

/* However the stream is cut. */
static void counts_peers_and_handshakes(void **state)
{
	(void)state;
	for (uint32_t size = 1; size <= sizeof(ANSWER); size += 7) {
		begin();
		for (uint32_t at = 0; at < strlen(ANSWER); at += size) {
			uint32_t left = (uint32_t)strlen(ANSWER) - at;

			uapi_take(&answer, ANSWER + at, left < size ? left : size, NOW);
		}
		assert_true(answer.over && !answer.refused);
		assert_int_equal(peers.peers, 3);
		assert_int_equal(peers.shaken, 2);
		assert_int_equal(peers.ago, 10);
	}
}

static void keeps_no_key(void **state)
{
	static const char zeros[sizeof(answer.line)];
	const char *key = "private_key=a8dac1d8\n";

	(void)state;
	begin();
	uapi_take(&answer, key, (uint32_t)strlen(key), NOW);
	assert_memory_equal(answer.line, zeros, sizeof(zeros));
}

static void stops_at_the_end(void **state)
{
	static const char refused[] = "errno=95\n\npublic_key=00\n";

	(void)state;
	begin();
	uapi_take(&answer, refused, sizeof(refused) - 1, NOW);
	assert_true(answer.over && answer.refused);
	assert_int_equal(peers.peers, 0);
}

/* Lines without an end, handshakes of nobody, and of the future. */
static void takes_nonsense(void **state)
{
	static const char odd[] = "last_handshake_time_sec=5\npublic_key=\n"
				  "last_handshake_time_sec=1700009999\n"
				  "last_handshake_time_sec=7\n\n\nerrno\n";
	static char endless[4096];

	(void)state;
	begin();
	memset(endless, 'x', sizeof(endless));
	uapi_take(&answer, endless, sizeof(endless), NOW);
	assert_false(answer.over);
	uapi_take(&answer, "\n", 1, NOW);
	uapi_take(&answer, odd, sizeof(odd) - 1, NOW);
	assert_false(answer.over);
	assert_int_equal(peers.peers, 1);
	assert_int_equal(peers.shaken, 1);
	assert_int_equal(peers.ago, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_peers_and_handshakes),
		cmocka_unit_test(keeps_no_key),
		cmocka_unit_test(stops_at_the_end),
		cmocka_unit_test(takes_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
