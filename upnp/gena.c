/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/gena.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "upnp/client.h"
#include "upnp/filter.h"

#define TALK_US       3000000  /* one connection, whichever way */
#define LOOK_US       10000000 /* a busy table has the router asked no more often */
#define SPELL_US      600000000
#define CALLS_MAX     30  /* in a spell; a router with more to say is not listened to */
#define PRECONDITION  412 /* UDA 1.1, table 4-4: it does not know the subscription */
#define CALLBACK_PATH "/"

void gena_init(struct gena *gena)
{
	*gena = (struct gena){ .listener = -1, .talk = -1 };
}

static void hang_up(struct gena *gena)
{
	if (gena->talk >= 0)
		close(gena->talk);
	gena->talk = -1;
	gena->size = 0;
}

void gena_close(struct gena *gena)
{
	hang_up(gena);
	if (gena->listener >= 0)
		close(gena->listener);
	gena_init(gena);
}

/* Not asked for again until the router is asked afresh. */
static void end(struct gena *gena, const char *why)
{
	log_debug("GENA: no events of the router: %s", why);
	gena_close(gena);
	gena->over = true;
}

void gena_again(struct gena *gena)
{
	gena->over = false;
	gena->renew = gena->sid[0] != '\0';
}

/* ---- where the router calls ---- */

/* Where the kernel allows it, strangers' connections do not get as far as waking this process: the filter
 * drops their first packet (tcp_v4_rcv() in net/ipv4/tcp_ipv4.c runs it for a listening socket as well).
 * Else take_call() hangs up. */
static bool listen_for(struct client *client)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr = client->network.address };
	static const struct refrain none;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	filter_attach(fd, client->network.gateway, client->igd.found.source, &none);
	if (bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0 || listen(fd, 1) < 0) {
		close(fd);
		return false;
	}
	client->gena.listener = fd;
	return true;
}

static bool callback_of(const struct client *client, struct url *callback)
{
	struct sockaddr_in own;
	socklen_t size = sizeof(own);

	if (getsockname(client->gena.listener, (struct sockaddr *)&own, &size) < 0)
		return false;
	*callback = (struct url){ .host = own.sin_addr,
				  .port = ntohs(own.sin_port),
				  .path = CALLBACK_PATH };
	return true;
}

/* ---- our questions ---- */

static void ask(struct client *client, enum gena_request request, int64_t now)
{
	struct gena *gena = &client->gena;
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr = client->network.address };
	struct sockaddr_in router = { .sin_family = AF_INET,
				      .sin_port = htons(gena->place.port),
				      .sin_addr = gena->place.host };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	gena->talk = fd;
	gena->is_ours = true;
	gena->sent = false;
	gena->request = request;
	gena->until_us = now + TALK_US;
	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0 ||
	    (connect(fd, (struct sockaddr *)&router, sizeof(router)) < 0 && errno != EINPROGRESS))
		end(gena, strerror(errno));
}

/* False: not yet, or never: then it is over. */
static bool send_request(struct client *client)
{
	struct gena *gena = &client->gena;
	char text[GENA_REQUEST_MAX];
	struct url callback = { .path = CALLBACK_PATH };
	size_t size;

	if (gena->request == GENA_SUBSCRIBE && !callback_of(client, &callback)) {
		end(gena, strerror(errno));
		return false;
	}
	size = gena_write(text, gena->request, &gena->place, &callback, gena->sid);
	gena->sent = send(gena->talk, text, size, MSG_NOSIGNAL) == (ssize_t)size;
	/* EAGAIN: the connection is not there yet. */
	if (!gena->sent && errno != EAGAIN)
		end(gena, strerror(errno));
	return gena->sent;
}

static void on_subscribed(struct client *client, const struct gena_answer *answer, int64_t now)
{
	struct gena *gena = &client->gena;

	memcpy(gena->sid, answer->sid, sizeof(gena->sid));
	gena->since_us = now;
	gena->expires_us = now + (int64_t)answer->timeout * 1000000;
	gena->heard = false;
	log_debug("GENA: events of %s for %u s", client->igd.events, answer->timeout);
	/* It would end before anything else wakes this process. */
	gena->leaving = answer->timeout <= client->network.check;
}

/* Brings the next look at the router forward. */
static void look(struct client *client, int64_t now)
{
	int64_t at = client->gena.look_us > now ? client->gena.look_us : now;

	if (client->check_us <= at)
		return;
	client->check_us = at;
	client->gena.look_us = at + LOOK_US;
}

static void on_answer(struct client *client, const struct gena_answer *answer, int64_t now)
{
	struct gena *gena = &client->gena;

	hang_up(gena);
	if (gena->request == GENA_UNSUBSCRIBE) {
		end(gena, "unsubscribed");
	} else if (gena->request == GENA_RENEW && answer->status == PRECONDITION) {
		/* It forgets subscriptions when it restarts; and its mappings? */
		gena->sid[0] = '\0';
		look(client, now);
	} else if (answer->status != 200) {
		end(gena, "it refuses");
	} else if (gena->request == GENA_RENEW) {
		gena->expires_us = now + (int64_t)answer->timeout * 1000000;
	} else if (!answer->sid[0]) {
		end(gena, "it names no subscription");
	} else {
		on_subscribed(client, answer, now);
	}
}

/* ---- what the router says ---- */

/* By whichever protocol the router has told it. */
static bool is_known(const struct client *client, struct in_addr wan)
{
	for (size_t p = 0; p < UPNP_PROTOCOLS; p++)
		if (client->wan_known[p] && client->wan[p].s_addr == wan.s_addr)
			return true;
	return false;
}

/* The first tells everything and no change. Any other tells of one, also where the values are as before:
 * an entry that went and another that came leave their number alone. */
static void on_notice(struct client *client, const struct gena_notice *notice, int64_t now)
{
	struct gena *gena = &client->gena;
	bool first = !gena->heard && notice->seq == 0;
	bool other_wan = notice->has_wan && !is_known(client, notice->wan);

	log_debug("GENA: event %u%s", notice->seq, other_wan ? ", another WAN address" : "");
	gena->heard = true;
	if (other_wan)
		client->igd.wants_wan = true;
	if (other_wan || !first)
		look(client, now);
}

static void reply(struct gena *gena, const char *status)
{
	static const char rest[] = "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	char text[128] = "HTTP/1.1 ";

	strcat(text, status);
	strcat(text, rest);
	if (send(gena->talk, text, strlen(text), MSG_NOSIGNAL) < 0)
		log_debug("GENA: %s", strerror(errno));
	hang_up(gena);
}

static void on_call(struct client *client, enum gena_reading reading,
		    const struct gena_notice *notice, int64_t now)
{
	struct gena *gena = &client->gena;

	if (reading == GENA_NONSENSE) {
		reply(gena, "400 Bad Request");
	} else if (strcmp(notice->sid, gena->sid) != 0) {
		reply(gena, "412 Precondition Failed");
	} else {
		reply(gena, "200 OK");
		on_notice(client, notice, now);
	}
}

/* Takes the connection that waits, if it is the router's. */
static void take_call(struct client *client, int64_t now)
{
	struct gena *gena = &client->gena;
	struct sockaddr_in from = { 0 };
	socklen_t size = sizeof(from);
	int fd = accept4(gena->listener, (struct sockaddr *)&from, &size,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (now - gena->spell_us > SPELL_US) {
		gena->spell_us = now;
		gena->calls = 0;
	}
	gena->leaving |= ++gena->calls > CALLS_MAX;
	if (gena->leaving || (from.sin_addr.s_addr != client->network.gateway.s_addr &&
			      from.sin_addr.s_addr != client->igd.found.source.s_addr)) {
		close(fd);
		return;
	}
	gena->talk = fd;
	gena->is_ours = false;
	gena->until_us = now + TALK_US;
}

/* ---- the one connection ---- */

static void understand(struct client *client, int64_t now)
{
	struct gena *gena = &client->gena;
	struct gena_answer answer;
	struct gena_notice notice;
	enum gena_reading reading = gena->is_ours
					    ? gena_read_answer(&answer, gena->bytes, gena->size)
					    : gena_read_notice(&notice, gena->bytes, gena->size);

	if (reading == GENA_MORE && gena->size < sizeof(gena->bytes))
		return;
	if (reading != GENA_WHOLE)
		reading = GENA_NONSENSE; /* too long is nonsense as well */
	if (!gena->is_ours)
		on_call(client, reading, &notice, now);
	else if (reading == GENA_WHOLE)
		on_answer(client, &answer, now);
	else
		end(gena, "an answer that cannot be read");
}

static void converse(struct client *client, int64_t now)
{
	struct gena *gena = &client->gena;
	ssize_t got;

	if (gena->is_ours && !gena->sent && !send_request(client))
		return;
	do {
		got = recv(gena->talk, gena->bytes + gena->size, sizeof(gena->bytes) - gena->size,
			   0);
		if (got > 0) {
			gena->size += (size_t)got;
			understand(client, now);
		}
	} while (got > 0 && gena->talk >= 0);
	if (gena->talk < 0 || (got < 0 && errno == EAGAIN))
		return;
	if (gena->is_ours)
		end(gena, "it hangs up");
	else
		hang_up(gena);
}

/* Slow to the end: of a question that ends all, of a call only that. */
static void time_out(struct gena *gena)
{
	if (gena->is_ours)
		end(gena, "it does not answer");
	else
		hang_up(gena);
}

/* ---- when ---- */

/* A router behind another cannot connect to this host; natctl, which never looks again, does not stay. */
static bool may_subscribe(const struct client *client)
{
	return !client->gena.over && !client->gena.leaving && client->asking.writer != UPNP_ANY &&
	       client->network.check && !client->network.source.s_addr && client->igd.events[0] &&
	       !client->igd.wants_wan && !tasks_pending(client);
}

static void start(struct client *client, int64_t now)
{
	struct gena *gena = &client->gena;
	bool ready = client->igd.ready && !client->igd.remembered;

	if (gena->leaving && gena->sid[0]) {
		ask(client, GENA_UNSUBSCRIBE, now);
	} else if (gena->leaving) {
		end(gena, "not wanted");
	} else if (ready && gena->sid[0] && gena->renew) {
		gena->renew = false;
		if (url_parse(&gena->place, client->igd.events))
			ask(client, GENA_RENEW, now);
	} else if (ready && !gena->sid[0] && may_subscribe(client) &&
		   url_parse(&gena->place, client->igd.events)) {
		if (gena->listener >= 0 || listen_for(client))
			ask(client, GENA_SUBSCRIBE, now);
		else
			end(gena, strerror(errno));
	}
}

void gena_run(struct client *client, int64_t now)
{
	struct gena *gena = &client->gena;

	if (gena->talk >= 0)
		converse(client, now);
	if (gena->talk >= 0 && now >= gena->until_us)
		time_out(gena);
	if (gena->talk < 0 && gena->listener >= 0 && gena->sid[0])
		take_call(client, now);
	if (gena->talk < 0)
		start(client, now);
}

void gena_tend(struct client *client)
{
	struct gena *gena = &client->gena;
	int64_t check_us = (int64_t)client->network.check * 1000000;
	int64_t now = now_us();

	if (!gena->sid[0])
		return;
	if (!gena->heard && now - gena->since_us >= check_us / 2)
		gena->leaving = true; /* the first event, due at once, has not come through */
	else if (gena->expires_us - now < check_us + check_us / 2)
		gena->renew = true;
}

void gena_leave(struct client *client)
{
	if (!client->gena.sid[0])
		return;
	client->gena.leaving = true;
	hang_up(&client->gena);
	start(client, now_us());
}

int gena_talk(const struct gena *gena, short *events)
{
	*events = gena->is_ours && !gena->sent ? POLLOUT : POLLIN;
	return gena->talk;
}

int gena_listener(const struct gena *gena)
{
	return gena->talk < 0 && gena->sid[0] ? gena->listener : -1;
}

int64_t gena_deadline(const struct gena *gena)
{
	return gena->talk < 0 ? ASKING_NEVER : gena->until_us;
}
