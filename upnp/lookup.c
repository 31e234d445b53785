/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/lookup.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "upnp/client.h"

#define DNS_PORT 53

/* A resolver at home answers in milliseconds, or asks on for a second. Twice around: a datagram may
 * be lost. */
#define TRY_US 2000000
#define ROUNDS 2

bool lookup_is_valid(const struct upnp_lookup *wanted)
{
	struct dns_question question = { .type = DNS_A };
	uint8_t message[DNS_MESSAGE_MAX];

	if (!memchr(wanted->name, '\0', sizeof(wanted->name)) || !wanted->count ||
	    wanted->count > UPNP_RESOLVERS_MAX)
		return false;
	memcpy(question.name, wanted->name, sizeof(question.name));
	return dns_encode(message, &question) > 0;
}

static int connect_to(const struct upnp_resolver *resolver)
{
	bool v4 = IN6_IS_ADDR_V4MAPPED(&resolver->address);
	struct sockaddr_in6 six = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(DNS_PORT),
		.sin6_addr = resolver->address,
		.sin6_scope_id = resolver->scope,
	};
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT) };
	const struct sockaddr *to = v4 ? (struct sockaddr *)&four : (struct sockaddr *)&six;
	int descriptor = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(&four.sin_addr, resolver->address.s6_addr + 12, sizeof(four.sin_addr));
	/* The kernel draws a random port for each: the other half of what a forger has to guess. */
	if (descriptor >= 0 && connect(descriptor, to, v4 ? sizeof(four) : sizeof(six)) == 0)
		return descriptor;
	if (descriptor >= 0)
		close(descriptor);
	return -1;
}

static void hang_up(struct lookup *lookup)
{
	if (lookup->socket >= 0)
		close(lookup->socket);
	lookup->socket = -1;
}

static void send_question(struct lookup *lookup, size_t which)
{
	struct dns_question *question = &lookup->questions[which];
	uint8_t message[DNS_MESSAGE_MAX];
	size_t size;

	memcpy(question->name, lookup->wanted.name, sizeof(question->name));
	question->type = which == 0 ? DNS_A : DNS_AAAA;
	if (getrandom(&question->id, sizeof(question->id), 0) != sizeof(question->id))
		fatal("no random number");
	size = dns_encode(message, question);
	if (send(lookup->socket, message, size, 0) != (ssize_t)size)
		log_debug("DNS: %s", strerror(errno));
}

/* Asks the resolver whose turn it is; all have had theirs: gives up. */
static void ask_next(struct lookup *lookup, int64_t now_us)
{
	hang_up(lookup);
	memset(lookup->answers, 0, sizeof(lookup->answers));
	memset(lookup->answered, 0, sizeof(lookup->answered));
	while (lookup->tries < ROUNDS * lookup->wanted.count && lookup->socket < 0)
		lookup->socket = connect_to(
			&lookup->wanted.resolvers[lookup->tries++ % lookup->wanted.count]);
	lookup->next_us = now_us + TRY_US;
	if (lookup->socket < 0) {
		lookup->done = true;
		lookup->resolved.result = UPNP_NAME_UNANSWERED;
		return;
	}
	for (size_t i = 0; i < LOOKUP_QUESTIONS; i++)
		send_question(lookup, i);
}

void lookup_start(struct lookup *lookup, const struct upnp_lookup *wanted, int64_t now_us)
{
	hang_up(lookup);
	*lookup = (struct lookup){
		.socket = -1,
		.wanted = *wanted,
		.resolved = { .id = wanted->id, .said = "no resolver of this host answers" },
	};
	ask_next(lookup, now_us);
}

static void add_answer(struct upnp_resolved *resolved, const struct dns_answer *answer)
{
	for (uint8_t i = 0; i < answer->count && resolved->count < UPNP_ADDRESSES_MAX; i++)
		resolved->addresses[resolved->count++] = answer->addresses[i];
	if (answer->count && (!resolved->ttl || answer->ttl < resolved->ttl))
		resolved->ttl = answer->ttl;
}

static void finish(struct lookup *lookup)
{
	struct upnp_resolved *resolved = &lookup->resolved;

	hang_up(lookup);
	lookup->done = true;
	for (size_t i = 0; i < LOOKUP_QUESTIONS; i++)
		add_answer(resolved, &lookup->answers[i]);
	resolved->result = resolved->count ? UPNP_NAME_KNOWN : UPNP_NAME_MISSING;
	resolved->said[0] = '\0';
}

/* Which question it answers; LOOKUP_QUESTIONS: none. */
static size_t find_question(struct lookup *lookup, const uint8_t *bytes, size_t size,
			    struct dns_answer *answer)
{
	size_t which = 0;

	while (which < LOOKUP_QUESTIONS &&
	       (lookup->answered[which] ||
		!dns_decode(answer, bytes, size, &lookup->questions[which])))
		which++;
	return which;
}

static bool is_failure(const struct dns_answer *answer)
{
	return (answer->code != DNS_NO_ERROR && answer->code != DNS_NO_SUCH_NAME) ||
	       (answer->truncated && !answer->count);
}

/* Some resolvers know A and answer AAAA with an error (RFC 4074 4.3, 4.4): then what is known of IPv4 must
 * do, where there is something; else another resolver may know more. */
static void weigh(struct lookup *lookup, int64_t now_us)
{
	const struct dns_answer *a = &lookup->answers[0];
	const struct dns_answer *aaaa = &lookup->answers[1];

	if (lookup->answered[0] && is_failure(a))
		ask_next(lookup, now_us);
	else if (!lookup->answered[0] || !lookup->answered[1])
		return;
	else if (is_failure(aaaa) && !a->count)
		ask_next(lookup, now_us);
	else
		finish(lookup);
}

static void on_answer(struct lookup *lookup, const uint8_t *bytes, size_t size, int64_t now_us)
{
	struct dns_answer answer;
	size_t which = find_question(lookup, bytes, size, &answer);

	if (which == LOOKUP_QUESTIONS) {
		log_debug("DNS: %zu bytes that answer nothing", size);
		return;
	}
	if (is_failure(&answer)) {
		say(lookup->resolved.said, "the resolver answers with error %u", answer.code);
		answer.count = 0;
	}
	lookup->answers[which] = answer;
	lookup->answered[which] = true;
	weigh(lookup, now_us);
}

void lookup_receive(struct lookup *lookup, int64_t now_us)
{
	uint8_t bytes[DNS_MESSAGE_MAX];
	ssize_t size;

	while (lookup->socket >= 0) {
		size = recv(lookup->socket, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (size >= 0)
			on_answer(lookup, bytes, (size_t)size, now_us);
		else if (errno == EAGAIN || errno == EINTR)
			return;
		else
			ask_next(lookup, now_us); /* refused: the next resolver */
	}
}

void lookup_run(struct lookup *lookup, int64_t now_us)
{
	if (lookup->socket < 0 || lookup->next_us > now_us)
		return;
	/* Some resolvers never answer for AAAA: then what is known of IPv4 must do. */
	if (lookup->answered[0])
		finish(lookup);
	else
		ask_next(lookup, now_us);
}

int64_t lookup_deadline(const struct lookup *lookup)
{
	return lookup->socket >= 0 ? lookup->next_us : INT64_MAX;
}

bool lookup_take(struct lookup *lookup, struct upnp_resolved *resolved)
{
	bool done = lookup->done;

	lookup->done = false;
	if (done)
		*resolved = lookup->resolved;
	return done;
}
