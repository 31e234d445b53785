/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "natd/log.h"

/* What every process of ours needs: memory, time, its socket to natd, waiting, the log and the end.
 * libseccomp passes over a call that an architecture does not have. */
static const int every_process[] = {
	/* memory */
	SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(munmap), SCMP_SYS(mremap),
	SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(futex_time64),
	/* time and chance */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(getrandom),
	/* descriptors that are open already */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close),
	SCMP_SYS(fcntl), SCMP_SYS(fcntl64), SCMP_SYS(fstat), SCMP_SYS(fstat64), SCMP_SYS(lseek),
	SCMP_SYS(_llseek),
	/* sockets; which families, sandbox->families says */
	SCMP_SYS(send), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(recv), SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
	/* waiting */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(ppoll_time64), SCMP_SYS(restart_syscall),
#ifdef __SANITIZE_ADDRESS__
	/* the sanitizer's own end */
	SCMP_SYS(sigaltstack), SCMP_SYS(sched_yield),
#endif
	/* signals and the end */
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigreturn), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(getpid),
	SCMP_SYS(gettid), SCMP_SYS(tgkill), SANDBOX_END
};

/* What a library may try and can do without; it sees EACCES. */
static const int refused_gently[] = { SCMP_SYS(open),       SCMP_SYS(openat),
				      SCMP_SYS(stat),       SCMP_SYS(stat64),
				      SCMP_SYS(lstat),      SCMP_SYS(newfstatat),
				      SCMP_SYS(fstatat64),  SCMP_SYS(statx),
				      SCMP_SYS(access),     SCMP_SYS(faccessat),
				      SCMP_SYS(faccessat2), SCMP_SYS(readlink),
				      SCMP_SYS(readlinkat), SCMP_SYS(socket),
				      SCMP_SYS(ioctl),      SCMP_SYS(uname),
				      SCMP_SYS(sysinfo),    SCMP_SYS(prctl),
				      SCMP_SYS(getuid),     SCMP_SYS(sched_getaffinity),
				      SANDBOX_END };

static bool listed(const int *calls, int call)
{
	for (; *calls != SANDBOX_END; calls++)
		if (*calls == call)
			return true;
	return false;
}

/* The register in which a system call returns; the kernel resumes after the refused call. */
static void return_error(ucontext_t *context, int error)
{
#if defined(__x86_64__)
	context->uc_mcontext.gregs[REG_RAX] = -error;
#elif defined(__i386__)
	context->uc_mcontext.gregs[REG_EAX] = -error;
#elif defined(__aarch64__)
	context->uc_mcontext.regs[0] = (uint64_t)-error;
#elif defined(__arm__)
	context->uc_mcontext.arm_r0 = (unsigned long)-error;
#elif defined(__riscv)
	context->uc_mcontext.__gregs[REG_A0] = (unsigned long)-error;
#else
#error "sandbox: name the return register of this architecture"
#endif
}

/* Runs in place of the refused call, in whatever state the process was: only what is safe there. The
 * name comes from a table inside libseccomp; its copy is not freed. */
static void on_refused(int signal_number, siginfo_t *info, void *context)
{
	static atomic_uint said;
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, info->si_syscall);
	bool gently = listed(refused_gently, info->si_syscall);

	(void)signal_number;
	/* A loop over a refused call must not fill the disk. */
	if (atomic_fetch_add(&said, 1) < 100)
		log_error("the sandbox refused the system call %s (%d)%s", name ? name : "?",
			  info->si_syscall, gently ? "" : ": this process ends");
	if (!gently)
		_exit(EXIT_FAILURE);
	return_error(context, EACCES);
}

static void allow(scmp_filter_ctx filter, const int *calls)
{
	for (; *calls != SANDBOX_END; calls++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, *calls, 0) < 0)
			fatal("cannot allow system call %d in the sandbox", *calls);
}

static void enter_seccomp(const struct sandbox *sandbox)
{
	struct sigaction action = { .sa_sigaction = on_refused,
				    .sa_flags = SA_SIGINFO | SA_NODEFER };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);

	if (!filter)
		fatal("no memory for a seccomp filter");
	allow(filter, every_process);
	allow(filter, sandbox->calls);
	/* isatty() of libConfuse's scanner and of stdio: nothing here is a terminal. */
	if (!listed(sandbox->calls, SCMP_SYS(ioctl)))
		seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 1,
				 SCMP_A1_64(SCMP_CMP_MASKED_EQ, UINT32_MAX, TCGETS));
	/* libsystemd 257 calls itself by the name of the process. */
	seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
			 SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME, 0));
	for (const int *family = sandbox->families; *family != SANDBOX_END; family++)
		seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				 SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)*family, 0));
	sigaction(SIGSYS, &action, NULL);
	if (seccomp_load(filter) < 0)
		fatal("the kernel refuses a seccomp filter: %s", strerror(errno));
	seccomp_release(filter);
}

#define LANDLOCK_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define LANDLOCK_WRITE                                                                             \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |                             \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_SOCK)
/* What makes sense for a file; Landlock refuses more. */
#define LANDLOCK_OF_A_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
/* Everything of Landlock's first version (5.13). */
#define LANDLOCK_ALL ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static void landlock_allow(int ruleset, const struct sandbox_path *path)
{
	struct landlock_path_beneath_attr beneath = {
		.allowed_access = LANDLOCK_READ | (path->write ? LANDLOCK_WRITE : 0),
		.parent_fd = open(path->path, O_PATH | O_CLOEXEC),
	};
	struct stat status;

	if (beneath.parent_fd < 0)
		return;
	if (fstat(beneath.parent_fd, &status) == 0 && !S_ISDIR(status.st_mode))
		beneath.allowed_access &= LANDLOCK_OF_A_FILE;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0)
		log_debug("Landlock refuses %s: %s", path->path, strerror(errno));
	close(beneath.parent_fd);
}

static void enter_landlock(const struct sandbox *sandbox)
{
	struct landlock_ruleset_attr attributes = { .handled_access_fs = LANDLOCK_ALL };
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);

	if (ruleset < 0) {
		log_debug("this kernel has no Landlock; seccomp and the uid stand alone");
		return;
	}
	for (const struct sandbox_path *path = sandbox->paths; path->path; path++)
		landlock_allow(ruleset, path);
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		log_warning("Landlock does not start: %s", strerror(errno));
	close(ruleset);
}

void sandbox_enter(const struct sandbox *sandbox)
{
	enter_landlock(sandbox);
	enter_seccomp(sandbox);
}
