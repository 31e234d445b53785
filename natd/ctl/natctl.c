/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "natd/control.h"
#include "natd/ctl/ctl.h"
#include "natd/ctl/print.h"
#include "natd/ctl/text.h"
#include "natd/log.h"

/* The options that belong to single commands. */
enum own_option {
	OWN_NONE = 0,
	OWN_IPV6 = 1,
	OWN_TIME = 2,
	OWN_LANGUAGE = 4,
	OWN_EXEC = 8,
	OWN_WAIT = 16,
};

static const struct command {
	const char *name;
	const char *arguments; /* as the usage shows them, the command's option included */
	int least;             /* arguments that are not options */
	int most;
	unsigned int options; /* enum own_option, or-ed */
	int (*run)(const struct invocation *typed);
	const char *help;
} commands[] = {
	{ "status", "", 0, 0, OWN_NONE, command_status,
	  N_("is the home VPN reachable, and why not") },
	{ "doctor", "", 0, 0, OWN_NONE, command_doctor,
	  N_("look at everything afresh, and say what to do") },
	{ "test", "[--for TIME]", 0, 0, OWN_TIME, command_test,
	  N_("wait for a packet from outside, and say what became of it") },
	{ "why", "CLIENT DEST [--for TIME]", 2, 2, OWN_TIME, command_why,
	  N_("follow a packet of a client through this host: who drops it") },
	{ "watch", "[--exec DIR]", 0, 0, OWN_EXEC, command_watch,
	  N_("events as they happen; --exec runs DIR's programs for each") },
	{ "probe", "", 0, 0, OWN_NONE, command_probe,
	  N_("ask the router what it can do (also without natd)") },
	{ "list", "", 0, 0, OWN_NONE, command_list,
	  N_("the router's table of open ports, and whose") },
	{ "wan-ip", "[-6 | --wait]", 0, 0, OWN_IPV6 | OWN_WAIT, command_wan_ip,
	  N_("this home's address on the internet") },
	{ "open", "PORT/PROTO [EXTERNAL] [--for TIME]", 1, 2, OWN_TIME, command_open,
	  N_("open a port until natd restarts") },
	{ "close", "PORT/PROTO", 1, 1, OWN_NONE, command_close, N_("close a port again") },
	{ "manual", "[--lang LANGUAGE]", 0, 0, OWN_LANGUAGE, command_manual,
	  N_("what to type into the router by hand (also without natd)") },
	{ "metrics", "", 0, 0, OWN_NONE, command_metrics,
	  N_("the status as OpenMetrics text, for monitoring") },
	{ "reload", "", 0, 0, OWN_NONE, command_reload, N_("read natd.conf again") },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

#define SHAPE_MAX 64

/* "natctl close PORT/PROTO" */
static const char *shape(const struct command *command, char text[SHAPE_MAX])
{
	snprintf(text, SHAPE_MAX, "natctl %s%s%s", command->name, *command->arguments ? " " : "",
		 command->arguments);
	return text;
}

#define ALLOWED_OPTIONS                                                                            \
	"-s SOCKET, -j, -h, -V; wan-ip -6 --wait, open, test, why --for TIME, manual --lang "      \
	"LANGUAGE, "                                                                               \
	"watch --exec "                                                                            \
	"DIR"

static void usage(FILE *out)
{
	char text[SHAPE_MAX];

	fputs(_("usage: natctl [-s SOCKET] [-j] COMMAND\n\n"), out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %s\n        %s\n", shape(&commands[i], text) + strlen("natctl "),
			_(commands[i].help));
	fprintf(out, _("\n  -s SOCKET  where natd listens (default %s)\n"), CONTROL_SOCKET);
	fputs(_("  -j         one JSON object instead of text\n"
		"  -h         this text\n"
		"  -V         the version\n"
		"\n"
		"Exit status: 0 all is well; 1 works, with a warning; 2 does not work;\n"
		"3 natd is not running; 4 not known yet; 64 wrong usage. More: man natctl\n"),
	      out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int unknown_command(const struct invocation *typed, const char *name)
{
	char names[128] = "";
	size_t used = 0;

	for (size_t i = 0; i < COMMAND_COUNT && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 commands[i].name);
	return say_error(typed->json, NATCTL_USAGE, _("'%.80s' is not a command; allowed: %s"),
			 name, names);
}

static int check_options(const struct invocation *typed, const struct command *command)
{
	const struct {
		bool given;
		enum own_option option;
		const char *name;
	} owned[] = {
		{ typed->ipv6, OWN_IPV6, "-6" },
		{ typed->time, OWN_TIME, "--for" },
		{ typed->language, OWN_LANGUAGE, "--lang" },
		{ typed->hooks, OWN_EXEC, "--exec" },
		{ typed->wait, OWN_WAIT, "--wait" },
	};

	char text[SHAPE_MAX];

	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
		if (owned[i].given && !(owned[i].option & command->options))
			return say_error(typed->json, NATCTL_USAGE,
					 _("'%s' is not for %s; allowed: %s"), owned[i].name,
					 command->name, shape(command, text));
	return NATCTL_WELL;
}

static int check_arguments(const struct invocation *typed, const struct command *command)
{
	char text[SHAPE_MAX];

	if (typed->count < command->least)
		return say_error(typed->json, NATCTL_USAGE,
				 _("'%s%s%.80s' is not enough; allowed: %s"), command->name,
				 typed->count ? " " : "", typed->count ? typed->arguments[0] : "",
				 shape(command, text));
	if (typed->count > command->most)
		return say_error(typed->json, NATCTL_USAGE, _("'%.80s' is too much; allowed: %s"),
				 typed->arguments[command->most], shape(command, text));
	return NATCTL_WELL;
}

static int run_command(struct invocation *typed)
{
	const struct command *command;

	if (typed->count == 0) {
		if (typed->json)
			return say_error(true, NATCTL_USAGE, _("a command is missing"));
		usage(stderr);
		return NATCTL_USAGE;
	}
	command = find_command(typed->arguments[0]);
	if (!command)
		return unknown_command(typed, typed->arguments[0]);
	typed->arguments++;
	typed->count--;
	if (check_options(typed, command) || check_arguments(typed, command))
		return NATCTL_USAGE;
	return command->run(typed);
}

static int bad_option(const struct invocation *typed, int problem, const char *word)
{
	char letter[] = { '-', (char)optopt, '\0' };

	/* A long option is quoted as typed; in "-jx" only the x is wrong. */
	if (strncmp(word, "--", 2) != 0 && optopt > 0 && optopt < 0x80)
		word = letter;
	if (problem == ':')
		return say_error(typed->json, NATCTL_USAGE, _("'%.80s' needs a value; allowed: %s"),
				 word, ALLOWED_OPTIONS);
	return say_error(typed->json, NATCTL_USAGE, _("'%.80s' is not an option; allowed: %s"),
			 word, ALLOWED_OPTIONS);
}

static int show_version(const struct invocation *typed)
{
	json_t *version;

	if (!typed->json) {
		puts("natctl " NATD_VERSION);
		return NATCTL_WELL;
	}
	version = json_pack("{s:s}", "version", NATD_VERSION);
	say_json(version);
	json_decref(version);
	return NATCTL_WELL;
}

/* -j counts wherever it stands, also for what is wrong before it. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "-j") == 0)
			return true;
	return false;
}

/* Reads what was typed, and does it. */
static int obey(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "for", required_argument, NULL, 'f' },
		{ "lang", required_argument, NULL, 'l' },
		{ "exec", required_argument, NULL, 'e' },
		{ "wait", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct invocation typed = { .socket = CONTROL_SOCKET, .json = wants_json(argc, argv) };
	bool version = false;
	int option;

	if (typed.json)
		text_use("en"); /* programs read English */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":s:jhV6", long_options, NULL)) != -1) {
		switch (option) {
		case 's': typed.socket = optarg; break;
		case 'j': typed.json = true; break;
		case '6': typed.ipv6 = true; break;
		case 'f': typed.time = optarg; break;
		case 'l': typed.language = optarg; break;
		case 'e': typed.hooks = optarg; break;
		case 'w': typed.wait = true; break;
		case 'V': version = true; break;
		case 'h': usage(stdout); return NATCTL_WELL;
		default: return bad_option(&typed, option, argv[optind - 1]);
		}
	}
	typed.arguments = argv + optind;
	typed.count = argc - optind;
	return version ? show_version(&typed) : run_command(&typed);
}

/* What is still buffered fails only now where the disk is full: a script must not take a part for all. */
static int finish(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	/* Part of it may have failed before, for a reason that nobody kept. */
	return say_error(false, NATCTL_BROKEN, _("the output could not be written%s%s"),
			 errno ? ": " : "", errno ? strerror(errno) : "");
}

int main(int argc, char **argv)
{
	log_open("natctl", false);
	text_start(NATD_LOCALEDIR);
	return finish(obey(argc, argv));
}
