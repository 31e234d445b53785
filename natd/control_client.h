/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control_client: one natctl on the control socket, between control_server.c, which keeps the places, and
 * control_commands.c, which knows what they ask. */
#ifndef NATD_CONTROL_CLIENT_H
#define NATD_CONTROL_CLIENT_H

#include <jansson.h>

#include "natd/natd.h"

#define CLIENTS_MAX 32

/* Anybody on this host may ask, but not keep those out who may change: so many places are for strangers. */
#define STRANGERS_MAX 16

/* How long a client may take to ask, rules to count, and the router to answer. */
#define ASK_SECONDS    2
#define COUNT_SECONDS  1
#define ANSWER_SECONDS 10

enum waiting {
	WAITING_REQUEST,
	WAITING_COUNTERS,
	WAITING_LIST,
	WAITING_FORWARD,
	WAITING_CHANGE,
	WAITING_DOCTOR,
	WAITING_TRACE,
	WAITING_READER, /* it has its answer in part */
};

struct client {
	struct control *control;
	int socket;    /* -1: free */
	bool stranger; /* may not change anything */
	struct event *event;
	enum waiting waiting;
	struct control_request request;
	size_t received;  /* bytes of it */
	uint32_t forward; /* WAITING_FORWARD: its id */
	char *told;       /* WAITING_CHANGE: the last line that it got */
	int64_t deadline; /* WAITING_TRACE: CLOCK_BOOTTIME, ms */
	size_t from_home; /* WAITING_TRACE: packets that came, but not from outside */
	size_t steps;     /* WAITING_DOCTOR: how many it was told */
	char *rest;       /* WAITING_READER: the answer, */
	size_t rest_size; /* its length */
	size_t rest_sent; /* and how much of it is sent */
};

struct control {
	struct natd *natd;
	int socket;
	struct event *event;
	struct client clients[CLIENTS_MAX];
	json_t *list;             /* the table while upnp reads it; NULL: nobody asked */
	uint32_t list_generation; /* of the network whose router was asked */
	struct doctor *doctor;    /* the examination that goes on; NULL: nobody asked */
};

/* Is at the other end nobody who may change anything: not root, not natd's user, not of natd's group? */
bool client_is_stranger(int socket);

/* Ends the conversation; its place is free. */
void client_drop(struct client *client);

/* Sends the whole answer, as fast as it is read, takes it over and ends the conversation. */
void client_answer(struct client *client, json_t *reply);

/* Sends one line and goes on with the conversation; takes `line` over. False where the client does not
 * take it: it is gone then. */
bool client_tell(struct client *client, json_t *line);

/* Answers with one line that says why not. */
void client_refuse(struct client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The answer comes later: control_server.h says when. */
void client_wait_for(struct client *client, enum waiting what);

/* The request is complete: checks it and does it. */
void client_obey(struct client *client);

/* What it waits for has not come in time. */
void client_limit(struct client *client);

#endif
