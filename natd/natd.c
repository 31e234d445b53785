/* SPDX-License-Identifier: GPL-2.0-or-later */
/* natd: keeps a home VPN reachable. natd(8) is the manual. */
#include "natd/natd.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "natd/control_server.h"
#include "natd/log.h"
#include "natd/loop.h"
#include "natd/notify.h"
#include "natd/resolvers.h"
#include "natd/sandbox.h"
#include "natd/single.h"
#include "natd/state.h"
#include "natd/vpn.h"
#include "rules/rules.h"
#include "upnp/upnp.h"

#define EXIT_USAGE   64
#define DEFAULT_USER "natd"

static const char usage[] =
	"usage: natd [-f FILE] [-s SOCKET] [-S STATE_DIR] [-u USER] [-n] [-v] [-V]\n"
	"  -f FILE       configuration (/etc/natd/natd.conf; it may be missing)\n"
	"  -s SOCKET     where natctl asks (/run/natd/natd.sock)\n"
	"  -S STATE_DIR  what must survive a crash (/var/lib/natd)\n"
	"  -u USER       whom to become when started by root (natd)\n"
	"  -n            check the configuration and exit\n"
	"  -v            log more\n"
	"  -V            print the version and exit\n";

struct options {
	const char *user;
	bool check;
	bool verbose;
};

static void parse_options(struct natd *natd, struct options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "f:s:S:u:nvV")) != -1) {
		switch (option) {
		case 'f':
			natd->config_path = optarg;
			natd->config_optional = false;
			break;
		case 's': natd->socket_path = optarg; break;
		case 'S': natd->state_directory = optarg; break;
		case 'u': options->user = optarg; break;
		case 'n': options->check = true; break;
		case 'v': options->verbose = true; break;
		case 'V': printf("natd %s\n", NATD_VERSION); exit(EXIT_SUCCESS);
		default: fputs(usage, stderr); exit(EXIT_USAGE);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "natd: \"%s\" is not an option\n%s", argv[optind], usage);
		exit(EXIT_USAGE);
	}
}

static void read_config(struct natd *natd)
{
	char error[CONFIG_ERROR_MAX];

	if (!config_read(&natd->config, natd->config_path, natd->config_optional, error))
		fatal("%s", error);
}

/* Whom the processes become. Not started by root, they stay who they are. */
static void find_identity(struct natd *natd, const char *user)
{
	const struct passwd *entry;

	natd->identity = (struct identity){ getuid(), getgid() };
	if (geteuid() != 0)
		return;
	errno = 0;
	entry = getpwnam(user);
	if (!entry)
		fatal("there is no user \"%s\": `systemd-sysusers` makes natd's, or name another "
		      "with -u",
		      user);
	if (entry->pw_uid == 0)
		fatal("\"%s\" is root; natd does not run as root: name another user with -u", user);
	natd->identity = (struct identity){ entry->pw_uid, entry->pw_gid };
}

/* Root makes the folders that the natd user then works in; systemd has made them already. One that
 * exists keeps its owner: -S /tmp must not give /tmp away. */
static void make_directory(const struct natd *natd, const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0) {
		if (errno != EEXIST)
			fatal("cannot make %s: %s", path, strerror(errno));
		return;
	}
	if (geteuid() == 0 && chown(path, natd->identity.uid, natd->identity.gid) < 0)
		fatal("cannot give %s to uid %d: %s", path, (int)natd->identity.uid,
		      strerror(errno));
}

static const char *directory_of(const char *path)
{
	static char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	return dirname(copy);
}

static void make_directories(const struct natd *natd)
{
	struct stat status;

	make_directory(natd, natd->state_directory, 0700);
	make_directory(natd, directory_of(natd->socket_path), 0755);
	if (geteuid() == 0 && stat(natd->state_directory, &status) == 0 &&
	    status.st_uid != natd->identity.uid)
		fatal("%s belongs to uid %d, but natd becomes uid %d: chown it, or name another "
		      "folder "
		      "with -S",
		      natd->state_directory, (int)status.st_uid, (int)natd->identity.uid);
}

/* Standard input is nobody's; the children inherit it so. Output that the caller has closed must not
 * become the number of a socket: the log would go into it. */
static void secure_standard_streams(void)
{
	int null;

	do
		null = open("/dev/null", O_RDWR);
	while (null >= 0 && null <= STDERR_FILENO);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		fatal("cannot open /dev/null: %s", strerror(errno));
	close(null);
}

/* From the first question to the router on, natd must not end without taking its mappings back: the
 * signals that end it wait until the loop can obey them. */
static void hold_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(how, &set, NULL);
}

static const int natd_calls[] = {
	/* netlink questions, and the control socket */
	SCMP_SYS(bind), SCMP_SYS(getsockname), SCMP_SYS(accept4), SCMP_SYS(listen),
	SCMP_SYS(connect),
	/* libsystemd 257, which describes its bus by the name of the other end */
	SCMP_SYS(getpeername),
	/* libevent */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_create1), SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_settime64),
	/* the configuration, /proc/sys/net, and the state file */
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
	SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(fsync), SCMP_SYS(newfstatat),
	SCMP_SYS(fstatat64), SCMP_SYS(statx),
	/* the folders of VPNs' settings */
	SCMP_SYS(getdents), SCMP_SYS(getdents64),
	/* who asks, who has died */
	SCMP_SYS(getuid), SCMP_SYS(getuid32), SCMP_SYS(getgid), SCMP_SYS(getgid32), SCMP_SYS(wait4),
	SCMP_SYS(waitid), SANDBOX_END
};

static const int natd_families[] = { AF_UNIX, AF_NETLINK, SANDBOX_END };

/* systemd-resolved and others keep it in a folder of their own and write it anew there. In /etc it is
 * the file alone that natd may read; if that is replaced, natd goes on with what it knows. */
static void find_resolvers(char path[PATH_MAX])
{
	char folder[PATH_MAX];

	if (!realpath(RESOLVERS_PATH, path))
		snprintf(path, PATH_MAX, "%s", RESOLVERS_PATH);
	snprintf(folder, sizeof(folder), "%s", directory_of(path));
	if (strcmp(folder, "/etc") != 0)
		memcpy(path, folder, sizeof(folder));
}

static void enter_sandbox(const struct natd *natd)
{
	char config[PATH_MAX];
	char runtime[PATH_MAX];
	char resolvers[PATH_MAX];

	find_resolvers(resolvers);
	snprintf(config, sizeof(config), "%s", directory_of(natd->config_path));
	snprintf(runtime, sizeof(runtime), "%s", directory_of(natd->socket_path));
	sandbox_enter(&(struct sandbox){
		.calls = natd_calls,
		.families = natd_families,
		.paths = (const struct sandbox_path[]){ { config, false },
							{ VPN_PIVPN_DIRECTORY, false },
							{ VPN_WIREGUARD_DIRECTORY, false },
							{ VPN_OPENVPN_DIRECTORY, false },
							{ VPN_IPTABLES_DIRECTORY, false },
							{ resolvers, false },
							{ "/proc/sys/net", false },
							{ runtime, true },
							{ natd->state_directory, true },
							{ NULL, false } },
	});
}

int main(int argc, char **argv)
{
	static struct natd natd; /* large: all zero, it takes no page that nobody writes to */
	struct options options = { .user = DEFAULT_USER };
	int status;

	natd.config_path = CONFIG_PATH;
	natd.config_optional = true;
	natd.socket_path = CONTROL_SOCKET;
	natd.state_directory = STATE_DIRECTORY;
	secure_standard_streams();
	parse_options(&natd, &options, argc, argv);
	log_open("natd", options.verbose);
	natd.started_at = natd_now();
	natd_boot();
	read_config(&natd);
	if (options.check)
		return EXIT_SUCCESS;
	process_require(PROCESS_NET_ADMIN);
	find_identity(&natd, options.user);
	control_require_free(natd.socket_path);
	umask(022);
	make_directories(&natd);
	signal(SIGPIPE, SIG_IGN);
	hold_signals(SIG_BLOCK);

	process_start(&natd.upnp, "upnp", PROCESS_NO_CAPABILITY, &natd.identity, upnp_main);
	rules_open();
	process_start(&natd.rules, "rules", PROCESS_NET_ADMIN, &natd.identity, rules_main);
	rules_close();
	/* The children are idle so far, and hold nothing of it. */
	natd.single = single_require(natd.identity.uid);
	process_become(&natd.identity, PROCESS_NO_CAPABILITY);

	engine_init(&natd.engine, &loop_engine_hooks, &natd);
	upstream_init(&natd.upstream, &loop_outer_hooks, &natd);
	pinholes_init(&natd.pinholes, &loop_engine_hooks, &natd);
	kernel_init(&natd.kernel, &natd.rules);
	state_read(natd.state_directory, &natd.engine, &natd.upstream.engine, &natd.pinholes,
		   &natd.kernel.sysctls);
	natd.kernel.firewalls.firewalld_passes = &natd.firewalld.lets_through;
	loop_first_look(&natd);

	natd.base = loop_base();
	natd.control = control_open(&natd);
	loop_start(&natd);
	notify_open();
	firewalld_prepare(&natd.firewalld);
	enter_sandbox(&natd);
	hold_signals(SIG_UNBLOCK);
	notify_ready();
	status = loop_run(&natd);
	control_close(natd.control);
	return status;
}
