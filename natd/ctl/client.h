/* SPDX-License-Identifier: GPL-2.0-or-later */
/* client: one question to natd and its answer. */
#ifndef NATD_CTL_CLIENT_H
#define NATD_CTL_CLIENT_H

#include <jansson.h>

#include "natd/control.h"
#include "natd/ctl/ctl.h"
#include "natd/ctl/text.h"

#define ANSWER_ERROR_MAX 1024

/* natd answers most questions from memory. Opening a port and reading the router's table wait for
 * the router, which natd gives up on well before this. */
#define CLIENT_SECONDS 30

/* What is said of a natd that hangs, with the seconds that were waited. */
#define CLIENT_SILENCE                                                                             \
	N_("natd does not answer within %d seconds; restart it with: sudo systemctl restart natd")

struct answer {
	json_t *json;                 /* the caller's to release; NULL: error and status say why */
	int status;                   /* enum natctl_exit */
	char error[ANSWER_ERROR_MAX]; /* one line for the user, without control characters */
};

/* Sends `request` (its version is filled in here) to the natd at `socket` and waits for the whole
 * answer, at most half a minute. Every string in the answer is safe to print. */
struct answer ask_natd(const char *socket, struct control_request request);

/* A connection to the natd at `path`; -1 with `answer` saying why. */
int client_connect(const char *path, struct answer *answer);

/* The same for commands that can do nothing without natd: says the error to the user and returns
 * NULL with `status` set to the exit status. */
json_t *must_ask_natd(const struct invocation *typed, const struct control_request *request,
		      int *status);

#endif
