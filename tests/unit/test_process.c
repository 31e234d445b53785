/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What waits for a busy child: order, what is withdrawn, and that nothing blocks. */
#include "natd/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <string.h>

#define MANY 3000 /* more than any socket's buffer holds of these */

struct message {
	uint32_t number;
	char filler[1020];
};

static unsigned int called;

static void on_waiting(void *context)
{
	(void)context;
	called++;
}

/* A child that does not read; its end is returned. */
static int start(struct process *process)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	*process = (struct process){ .name = "it", .socket = pair[0], .on_waiting = on_waiting };
	called = 0;
	return pair[1];
}

static void post(struct process *process, uint32_t number)
{
	struct message message = { .number = number };

	process_post(process, &message, sizeof(message));
}

/* The child reads until nothing comes, natd flushes in between; the numbers it saw, at most `size`. */
static size_t read_all(struct process *process, int child, uint32_t *numbers, size_t size)
{
	struct message message;
	size_t count = 0;
	bool done;

	do {
		done = process_flush(process);
		while (process_receive(child, &message, sizeof(message), false) > 0) {
			assert_true(count < size);
			numbers[count++] = message.number;
		}
	} while (!done);
	return count;
}

static bool is_same(const void *waiting, const void *next)
{
	return memcmp(waiting, next, sizeof(struct message)) == 0;
}

static bool is_any(const void *waiting, const void *next)
{
	(void)waiting;
	(void)next;
	return true;
}

static void stop(struct process *process, int child)
{
	process_withdraw(process, is_any, NULL);
	assert_null(process->waiting);
	assert_int_equal(process->waiting_count, 0);
	close(process->socket);
	close(child);
}

static void test_nothing_is_lost_and_all_in_order(void **state)
{
	static uint32_t numbers[MANY];
	struct process process;
	int child = start(&process);

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		post(&process, i);
	assert_int_equal(called, 1);
	assert_true(process.waiting_count > 0 && process.waiting_count < MANY);
	assert_false(process_flush(&process));
	assert_int_equal(read_all(&process, child, numbers, MANY), MANY);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(numbers[i], i);
	post(&process, 7); /* goes at once again */
	assert_null(process.waiting);
	assert_int_equal(called, 1);
	stop(&process, child);
}

static void test_what_is_withdrawn_is_not_sent(void **state)
{
	static uint32_t numbers[MANY + 1];
	struct message last = { .number = MANY - 1 };
	struct message first = { .number = 0 };
	struct process process;
	int child = start(&process);
	size_t waiting;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		post(&process, i);
	waiting = process.waiting_count;
	process_withdraw(&process, is_same, &first); /* is sent already */
	assert_int_equal(process.waiting_count, waiting);
	process_withdraw(&process, is_same, &last);
	assert_int_equal(process.waiting_count, waiting - 1);
	post(&process, MANY); /* behind the one that is the last now */
	assert_int_equal(read_all(&process, child, numbers, MANY + 1), MANY);
	assert_int_equal(numbers[MANY - 2], MANY - 2);
	assert_int_equal(numbers[MANY - 1], MANY);
	stop(&process, child);
}

static void test_all_is_withdrawn_and_it_goes_on(void **state)
{
	static uint32_t numbers[MANY];
	struct process process;
	int child = start(&process);
	size_t sent;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		post(&process, i);
	sent = MANY - process.waiting_count;
	process_withdraw(&process, is_any, NULL);
	assert_true(process_flush(&process));
	post(&process, 42);
	assert_int_equal(read_all(&process, child, numbers, MANY), sent + 1);
	assert_int_equal(numbers[sent], 42);
	assert_int_equal(called, 2);
	stop(&process, child);
}

static void test_one_that_has_gone_takes_all(void **state)
{
	struct process process;
	int child = start(&process);

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		post(&process, i);
	close(child);
	assert_true(process_flush(&process)); /* process_receive() tells that it has gone */
	close(process.socket);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_lost_and_all_in_order),
		cmocka_unit_test(test_what_is_withdrawn_is_not_sent),
		cmocka_unit_test(test_all_is_withdrawn_and_it_goes_on),
		cmocka_unit_test(test_one_that_has_gone_takes_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
