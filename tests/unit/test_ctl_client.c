/* SPDX-License-Identifier: GPL-2.0-or-later */
/* natctl's commands against a natd that answers what the test wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "natd/clock.h"
#include "natd/ctl/client.h"
#include "natd/ctl/follow.h"
#include "natd/ctl/snapshots.h"

static char folder[] = "/tmp/test_ctl_client.XXXXXX";
static struct sockaddr_un address = { .sun_family = AF_UNIX };

/* The one connection of a fake natd: checks the request, if one is expected, and writes `answer` in
 * pieces of `piece` bytes. Exits 0 if the request was whole and as expected. */
static _Noreturn void serve(int listening, const struct control_request *expected,
			    const char *answer, size_t piece)
{
	int client = accept(listening, NULL, NULL);
	struct control_request request;
	ssize_t got = recv(client, &request, sizeof(request), MSG_WAITALL);

	for (size_t left = strlen(answer); left > 0;) {
		size_t now = left < piece ? left : piece;

		if (send(client, answer, now, MSG_NOSIGNAL) != (ssize_t)now)
			_exit(2);
		answer += now;
		left -= now;
	}
	_exit(got == (ssize_t)sizeof(request) &&
			      (!expected || memcmp(&request, expected, sizeof(request)) == 0)
		      ? 0
		      : 1);
}

static pid_t start_natd(const struct control_request *expected, const char *answer, size_t piece)
{
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t natd;

	unlink(address.sun_path);
	assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listening, 1), 0);
	natd = fork();
	assert_true(natd >= 0);
	if (natd == 0)
		serve(listening, expected, answer, piece);
	close(listening);
	return natd;
}

static void end_natd(pid_t natd)
{
	int status;

	assert_int_equal(waitpid(natd, &status, 0), natd);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static struct answer ask(const char *answer, size_t piece)
{
	struct control_request request = { .command = CONTROL_STATUS };
	pid_t natd = start_natd(NULL, answer, piece);
	struct answer got = ask_natd(address.sun_path, request);

	end_natd(natd);
	return got;
}

static void answers_are_read_to_the_end(void **state)
{
	struct answer got = ask("{\"version\": \"0.1\", \"x\": \"a\\u001bb\"}\n", 1);

	(void)state;
	assert_non_null(got.json);
	assert_int_equal(got.status, NATCTL_WELL);
	assert_string_equal(json_string_value(json_object_get(got.json, "version")), "0.1");
	assert_string_equal(json_string_value(json_object_get(got.json, "x")), "a?b");
	json_decref(got.json);
}

static void broken_answers_are_errors(void **state)
{
	static const struct {
		const char *answer;
		const char *error;
	} broken[] = {
		{ "", "natd closed the connection without an answer" },
		{ "[1]", "natd's answer is not a JSON object: another type" },
		{ "{\"version\": ", "natd's answer is not a JSON object: " },
		{ "{} {}", "natd's answer is not a JSON object: " },
		{ "{\"a\": \"\xff\"}", "natd's answer is not a JSON object: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct answer got = ask(broken[i].answer, 4096);

		assert_null(got.json);
		assert_int_equal(got.status, NATCTL_BROKEN);
		if (strncmp(got.error, broken[i].error, strlen(broken[i].error)) != 0)
			fail_msg("%s: %s", broken[i].answer, got.error);
	}
}

static void an_endless_answer_is_given_up(void **state)
{
	size_t size = 6u << 20;
	char *answer = malloc(size);
	struct control_request request = { .command = CONTROL_STATUS };
	struct answer got;
	pid_t natd;

	(void)state;
	assert_non_null(answer);
	memset(answer, ' ', size);
	answer[size - 1] = '\0';
	natd = start_natd(NULL, answer, 65536);
	got = ask_natd(address.sun_path, request);
	waitpid(natd, NULL, 0); /* it could not send all */
	assert_null(got.json);
	assert_int_equal(got.status, NATCTL_BROKEN);
	assert_non_null(strstr(got.error, "broke off"));
	free(answer);
}

static void a_refusal_is_one_clean_line(void **state)
{
	struct answer got = ask("{\"error\": \"only root\\n\\u001b[31m may\"}", 4096);

	(void)state;
	assert_null(got.json);
	assert_int_equal(got.status, NATCTL_BROKEN);
	assert_string_equal(got.error, "only root??[31m may");
}

static void no_natd_is_said(void **state)
{
	struct control_request request = { .command = CONTROL_STATUS };
	struct answer got;
	char path[200];
	int listening;

	(void)state;
	unlink(address.sun_path);
	got = ask_natd(address.sun_path, request);
	assert_null(got.json);
	assert_int_equal(got.status, NATCTL_NOT_RUNNING);
	assert_non_null(strstr(got.error, "natd is not running"));
	assert_non_null(strstr(got.error, address.sun_path));
	/* natd may run all the same, without its file: "start" would do nothing. */
	assert_non_null(strstr(got.error, "sudo systemctl restart natd"));

	listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
	close(listening);
	got = ask_natd(address.sun_path, request);
	assert_int_equal(got.status, NATCTL_NOT_RUNNING);
	assert_non_null(strstr(got.error, "sudo systemctl start natd"));

	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	got = ask_natd(path, request);
	assert_null(got.json);
	assert_int_equal(got.status, NATCTL_USAGE);
}

/* Runs a command with its standard output going into `text`; its exit status. */
static int run(int (*command)(const struct invocation *typed), const struct invocation *typed,
	       char *text, size_t size)
{
	int memory = memfd_create("stdout", MFD_CLOEXEC);
	int before = dup(STDOUT_FILENO);
	ssize_t got;
	int status;

	fflush(stdout);
	dup2(memory, STDOUT_FILENO);
	status = command(typed);
	fflush(stdout);
	dup2(before, STDOUT_FILENO);
	got = pread(memory, text, size - 1, 0);
	assert_true(got >= 0);
	text[got] = '\0';
	close(memory);
	close(before);
	return status;
}

static void wan_ip_prints_an_address_or_nothing(void **state)
{
	static const struct {
		const char *answer;
		bool ipv6;
		const char *printed;
		int status;
	} cases[] = {
		{ "{\"address\": \"11.0.0.45\"}", false, "11.0.0.45\n", NATCTL_WELL },
		{ "{\"address\": \"2a00::1\"}", true, "2a00::1\n", NATCTL_WELL },
		{ "{\"address\": null}", false, "", NATCTL_WARNING },
		{ "{}", false, "", NATCTL_WARNING },
		{ "{\"address\": \"192.168.0.2\"}", false, "", NATCTL_WARNING },
		{ "{\"address\": \"100.72.14.9\"}", false, "", NATCTL_WARNING },
		{ "{\"address\": \"11.0.0.45\"}", true, "", NATCTL_WARNING },
		{ "{\"address\": \"11.0.0.45; reboot\"}", false, "", NATCTL_WARNING },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct invocation typed = { .socket = address.sun_path, .ipv6 = cases[i].ipv6 };
		struct control_request expected = {
			.version = CONTROL_VERSION,
			.command = CONTROL_WAN_IP,
			.family = cases[i].ipv6 ? AF_INET6 : AF_INET,
		};
		pid_t natd = start_natd(&expected, cases[i].answer, 4096);
		char text[256];

		assert_int_equal(run(command_wan_ip, &typed, text, sizeof(text)), cases[i].status);
		assert_string_equal(text, cases[i].printed);
		end_natd(natd);
	}
}

static void open_asks_for_what_was_typed(void **state)
{
	char *arguments[] = { (char[]){ "1194/tcp" }, (char[]){ "443" } };
	struct invocation typed = {
		.socket = address.sun_path, .time = "2h", .arguments = arguments, .count = 2
	};
	struct control_request expected = {
		.version = CONTROL_VERSION,
		.command = CONTROL_OPEN,
		.protocol = IPPROTO_TCP,
		.port = 1194,
		.external = 443,
		.seconds = 7200,
	};
	pid_t natd = start_natd(&expected,
				"{\"forward\": {\"state\": \"open\", \"external_port\": 443,"
				" \"external_address\": \"11.0.0.45\"}}",
				4096);
	char text[256];

	(void)state;
	assert_int_equal(run(command_open, &typed, text, sizeof(text)), NATCTL_WELL);
	assert_string_equal(text, "tcp 1194: open at 11.0.0.45 port 443, for 2 h\n");
	end_natd(natd);

	natd = start_natd(NULL, "{\"forward\": {\"state\": \"open\", \"external_port\": 1024}}", 9);
	assert_int_equal(run(command_open, &typed, text, sizeof(text)), NATCTL_WARNING);
	assert_string_equal(text, "tcp 1194: open at port 1024, for 2 h; the router gave this port "
				  "instead of 443\n");
	end_natd(natd);

	natd = start_natd(NULL, "{\"forward\": {\"state\": \"failed\", \"reason\": \"taken\"}}", 9);
	assert_int_equal(run(command_open, &typed, text, sizeof(text)), NATCTL_BROKEN);
	assert_string_equal(text, "tcp 1194: not open: taken\n"
				  "natd keeps trying; natctl close 1194/tcp gives it up\n");
	end_natd(natd);

	natd = start_natd(NULL, "{\"forward\": {\"state\": \"opening\"}}", 9);
	assert_int_equal(run(command_open, &typed, text, sizeof(text)), NATCTL_NOT_KNOWN);
	end_natd(natd);
}

static void ignore_line(const json_t *line, void *data)
{
	(void)line;
	(void)data;
}

static int follow_for_a_second(const struct invocation *typed)
{
	const struct control_request request = { .command = CONTROL_DOCTOR };
	int status = NATCTL_WELL;

	assert_null(follow_natd(typed, request, 1, ignore_line, NULL, &status));
	return status;
}

/* One that hangs is no better for being started: the socket is there, and nobody says a word. */
static void a_natd_that_hangs_is_to_be_restarted(void **state)
{
	const struct invocation typed = { .socket = address.sun_path, .json = true };
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[512];

	(void)state;
	unlink(address.sun_path);
	assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(run(follow_for_a_second, &typed, text, sizeof(text)), NATCTL_BROKEN);
	assert_non_null(strstr(text, "natd does not answer within 1 seconds; restart it with: sudo "
				     "systemctl restart natd"));
	close(listening);
}

/* natctl watch is told of the state at once: a natd that does not say even that hangs. */
static void a_natd_that_hangs_has_no_snapshot(void **state)
{
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct snapshots from;
	struct answer answer = { 0 };
	json_t *snapshot = NULL;

	(void)state;
	unlink(address.sun_path);
	assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_true(snapshots_open(&from, address.sun_path, &answer));
	assert_int_equal(snapshots_next(&from, natd_now() + 1, &snapshot, &answer), SNAPSHOTS_NONE);
	assert_in_range(from.silent_at - natd_now(), 20000, 30000);
	from.silent_at = natd_now() + 10;
	alarm(20);
	assert_int_equal(snapshots_next(&from, 0, &snapshot, &answer), SNAPSHOTS_SILENT);
	assert_int_equal(answer.status, NATCTL_BROKEN);
	assert_non_null(strstr(answer.error, "natd does not answer within 30 seconds"));
	alarm(0);
	snapshots_close(&from);
	close(listening);
}

/* natctl(8): natd_up is 0 if natd does not answer, and the status is 3 then. */
static void metrics_of_a_natd_without_an_answer(void **state)
{
	const struct invocation typed = { .socket = address.sun_path };
	pid_t natd = start_natd(NULL, "", 1);
	char text[512];

	(void)state;
	assert_int_equal(run(command_metrics, &typed, text, sizeof(text)), NATCTL_NOT_RUNNING);
	assert_non_null(strstr(text, "\nnatd_up 0\n"));
	end_natd(natd);
}

static void wrong_input_never_reaches_natd(void **state)
{
	char *arguments[] = { (char[]){ "51820/udq" } };
	struct invocation typed = {
		.socket = "/nonexistent", .json = true, .arguments = arguments, .count = 1
	};
	char text[512];

	(void)state;
	assert_int_equal(run(command_open, &typed, text, sizeof(text)), NATCTL_USAGE);
	assert_non_null(strstr(text, "{\n  \"error\": \"'51820/udq' is not allowed; allowed: "));
	assert_int_equal(run(command_close, &typed, text, sizeof(text)), NATCTL_USAGE);
	arguments[0] = (char[]){ "51820/udp" };
	typed.time = "soon";
	assert_int_equal(run(command_open, &typed, text, sizeof(text)), NATCTL_USAGE);
	assert_non_null(strstr(text, "'soon'"));
	assert_int_equal(run(command_close, &typed, text, sizeof(text)), NATCTL_NOT_RUNNING);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/natd.sock", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(address.sun_path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read_to_the_end),
		cmocka_unit_test(broken_answers_are_errors),
		cmocka_unit_test(an_endless_answer_is_given_up),
		cmocka_unit_test(a_refusal_is_one_clean_line),
		cmocka_unit_test(no_natd_is_said),
		cmocka_unit_test(wan_ip_prints_an_address_or_nothing),
		cmocka_unit_test(open_asks_for_what_was_typed),
		cmocka_unit_test(a_natd_that_hangs_is_to_be_restarted),
		cmocka_unit_test(a_natd_that_hangs_has_no_snapshot),
		cmocka_unit_test(metrics_of_a_natd_without_an_answer),
		cmocka_unit_test(wrong_input_never_reaches_natd),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
