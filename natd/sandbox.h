/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox: which system calls, socket families and paths a process may still use.
 *
 * seccomp stops every other call. The refused call is named in the log. A call that a library may
 * try and do without (opening a file, looking at one, a socket of another family) then fails with
 * EACCES; any other ends the process, and with it natd. Landlock takes away the file system
 * where the kernel has it (5.13); seccomp alone already denies the open to a process whose list
 * does not hold it. */
#ifndef NATD_SANDBOX_H
#define NATD_SANDBOX_H

#include <stdbool.h>

#define SANDBOX_END (-1)

struct sandbox_path {
	const char *path; /* a folder; NULL ends the list; one that does not exist is passed over */
	bool write;       /* also create, change and remove below it */
};

struct sandbox {
	const int *calls;    /* SCMP_SYS() numbers beside those every process needs; SANDBOX_END */
	const int *families; /* socket(2) families; SANDBOX_END */
	const struct sandbox_path *paths;
};

/* Enters the sandbox for good. Fatal where seccomp is refused. Needs no_new_privs or CAP_SYS_ADMIN. */
void sandbox_enter(const struct sandbox *sandbox);

#endif
