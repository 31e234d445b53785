/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/engine.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "natd/log.h"

/* A mapping for ever does not survive the router's own reboot everywhere: ask again now and then. */
#define RENEW_PERMANENT_SECONDS 1800

/* After a power cut the router needs minutes longer than a Raspberry Pi: often at first, then rarely
 * (field/boot-and-ddns.md 5). Seconds. */
static const unsigned int retry_seconds[] = { 2, 4, 8, 16, 32, 60, 600 };

const char *const upnp_protocol_names[UPNP_PROTOCOLS] = { "pcp", "nat-pmp", "upnp" };

const char *const upnp_state_names[UPNP_STATES] = {
	[UPNP_OFF] = "off",       [UPNP_ASKING] = "asking",   [UPNP_OK] = "ok",
	[UPNP_SILENT] = "silent", [UPNP_REFUSED] = "refused", [UPNP_UNSUPPORTED] = "unsupported",
	[UPNP_ERROR] = "error",
};

const char *const forward_state_names[] = {
	[FORWARD_OFF] = "off",       [FORWARD_OPENING] = "opening", [FORWARD_OPEN] = "open",
	[FORWARD_FAILED] = "failed", [FORWARD_CLOSING] = "closing",
};

const char *forward_name(const struct config_forward *forward)
{
	static char name[16];

	snprintf(name, sizeof(name), "%s %u", forward->protocol == IPPROTO_UDP ? "udp" : "tcp",
		 forward->port);
	return name;
}

void engine_init(struct engine *engine, const struct engine_hooks *hooks, void *context)
{
	memset(engine, 0, sizeof(*engine));
	engine->hooks = hooks;
	engine->context = context;
	engine->next_id = 1;
}

/* ---- the list of forwards ---- */

const struct forward *engine_find(const struct engine *engine, uint32_t id)
{
	for (size_t i = 0; i < engine->forward_count; i++)
		if (engine->forwards[i].id == id)
			return &engine->forwards[i];
	return NULL;
}

static struct forward *find_by_id(struct engine *engine, uint32_t id)
{
	const struct forward *forward = engine_find(engine, id);

	return forward ? &engine->forwards[forward - engine->forwards] : NULL;
}

static struct forward *find_by_port(struct engine *engine, uint8_t protocol, uint16_t port)
{
	for (size_t i = 0; i < engine->forward_count; i++)
		if (engine->forwards[i].wanted.protocol == protocol &&
		    engine->forwards[i].wanted.port == port &&
		    engine->forwards[i].state != FORWARD_CLOSING)
			return &engine->forwards[i];
	return NULL;
}

/* One with the same ports, in whatever state: its nonce and its place on the router are kept. */
static struct forward *find_same(struct engine *engine, const struct config_forward *wanted)
{
	for (size_t i = 0; i < engine->forward_count; i++) {
		const struct config_forward *other = &engine->forwards[i].wanted;

		if (other->protocol == wanted->protocol && other->port == wanted->port &&
		    other->external == wanted->external)
			return &engine->forwards[i];
	}
	return NULL;
}

static void forget(struct engine *engine, struct forward *forward)
{
	size_t index = (size_t)(forward - engine->forwards);

	engine->forward_count--;
	memmove(forward, forward + 1, (engine->forward_count - index) * sizeof(*forward));
	engine->dirty = true;
}

/* RFC 6887 11.1: the nonce is random, and it is the key to the mapping. */
static void make_nonce(uint8_t nonce[UPNP_NONCE_SIZE])
{
	if (getrandom(nonce, UPNP_NONCE_SIZE, 0) != UPNP_NONCE_SIZE)
		fatal("the kernel gives no random numbers");
}

static struct forward *add(struct engine *engine, const struct config_forward *wanted)
{
	struct forward *forward;

	if (engine->forward_count == UPNP_MAPPINGS_MAX)
		return NULL;
	forward = &engine->forwards[engine->forward_count++];
	*forward = (struct forward){ .id = engine->next_id++, .wanted = *wanted, .via = UPNP_ANY };
	make_nonce(forward->nonce);
	engine->dirty = true;
	return forward;
}

/* ---- what goes to upnp ---- */

static void send_mapping(struct engine *engine, enum upnp_request_what what,
			 const struct forward *forward, uint8_t via)
{
	struct upnp_request request = { .what = what, .generation = engine->generation };
	struct upnp_mapping *mapping = &request.mapping;
	bool granted = via != UPNP_ANY && forward->external_port;

	mapping->id = forward->id;
	mapping->protocol = forward->wanted.protocol;
	mapping->via = via;
	mapping->port = forward->wanted.port;
	mapping->external_port = granted ? forward->external_port : forward->wanted.external;
	mapping->lifetime = engine->lease;
	memcpy(mapping->nonce, forward->nonce, sizeof(mapping->nonce));
	memcpy(mapping->name, forward->wanted.name, sizeof(mapping->name));
	engine->hooks->send(engine->context, &request);
}

static void send_plain(struct engine *engine, enum upnp_request_what what)
{
	struct upnp_request request = { .what = what, .generation = engine->generation };

	if (what == UPNP_USE)
		request.network = engine->network;
	engine->hooks->send(engine->context, &request);
}

/* The configured order, but a protocol that holds one of our mappings from the run before goes first:
 * only it can renew that mapping without making a second one. */
static void choose_order(struct engine *engine)
{
	struct upnp_network *network = &engine->network;
	uint8_t first = UPNP_ANY;

	for (size_t i = 0; i < engine->forward_count && first == UPNP_ANY; i++)
		if (memchr(engine->order, engine->forwards[i].via, engine->order_count))
			first = engine->forwards[i].via;
	network->count = 0;
	if (first != UPNP_ANY)
		network->order[network->count++] = first;
	for (uint8_t i = 0; i < engine->order_count; i++)
		if (engine->order[i] != first)
			network->order[network->count++] = engine->order[i];
}

static void reset_protocols(struct engine *engine)
{
	for (uint8_t i = 0; i < UPNP_PROTOCOLS; i++) {
		bool asked = memchr(engine->network.order, i, engine->network.count) != NULL;

		engine->protocols[i] =
			(struct protocol_status){ .state = asked ? UPNP_ASKING : UPNP_OFF };
	}
}

static void mark_opening(struct forward *forward)
{
	forward->state = FORWARD_OPENING;
	forward->renew_at = 0;
}

/* Asks for everything afresh: what the router knew of us may be gone. */
static void ask_all(struct engine *engine)
{
	if (!engine->has_router || !engine->forward_count)
		return;
	choose_order(engine);
	reset_protocols(engine);
	engine->generation++;
	engine->retry_at = 0;
	if (engine->dirty)
		engine->hooks->save(engine->context);
	send_plain(engine, UPNP_USE);
	for (size_t i = 0; i < engine->forward_count; i++) {
		struct forward *forward = &engine->forwards[i];

		if (forward->state == FORWARD_CLOSING) {
			send_mapping(engine, UPNP_UNMAP, forward, forward->via);
			continue;
		}
		mark_opening(forward);
		send_mapping(engine, UPNP_MAP, forward, UPNP_ANY);
	}
	send_plain(engine, UPNP_ASK);
}

/* Asks for those that are not open, by the protocol that works. */
static void ask_missing(struct engine *engine)
{
	bool any_open = false;

	for (size_t i = 0; i < engine->forward_count; i++)
		any_open |= engine->forwards[i].state == FORWARD_OPEN;
	if (!any_open) {
		ask_all(engine);
		return;
	}
	engine->retry_at = 0;
	if (engine->dirty)
		engine->hooks->save(engine->context);
	for (size_t i = 0; i < engine->forward_count; i++) {
		struct forward *forward = &engine->forwards[i];

		if (forward->state != FORWARD_FAILED && forward->state != FORWARD_OPENING)
			continue;
		mark_opening(forward);
		send_mapping(engine, UPNP_MAP, forward, UPNP_ANY);
	}
	send_plain(engine, UPNP_ASK);
}

static bool asks_a_router(const struct engine *engine)
{
	return engine->has_router && engine->order_count;
}

/* Closing one that the router may hold needs its word; of one that it never held, nothing is left. */
static void start_closing(struct engine *engine, struct forward *forward)
{
	if (forward->state == FORWARD_CLOSING)
		return;
	if (forward->via == UPNP_ANY && forward->state != FORWARD_OPENING) {
		forget(engine, forward);
		return;
	}
	forward->state = FORWARD_CLOSING;
	forward->renew_at = 0;
	if (asks_a_router(engine))
		send_mapping(engine, UPNP_UNMAP, forward, forward->via);
}

/* ---- what is wanted ---- */

void engine_restore(struct engine *engine, const struct forward *saved)
{
	struct forward *forward;

	if (find_same(engine, &saved->wanted) || !(forward = add(engine, &saved->wanted)))
		return;
	memcpy(forward->nonce, saved->nonce, sizeof(forward->nonce));
	forward->via = saved->via;
	forward->external_port = saved->external_port;
	forward->state = FORWARD_CLOSING;
}

static bool is_listed(const struct config_forward *forwards, size_t count,
		      const struct config_forward *wanted)
{
	for (size_t i = 0; i < count; i++)
		if (forwards[i].protocol == wanted->protocol && forwards[i].port == wanted->port &&
		    forwards[i].external == wanted->external)
			return true;
	return false;
}

static void close_unlisted(struct engine *engine, const struct config_forward *forwards,
			   size_t count)
{
	for (size_t i = engine->forward_count; i-- > 0;) {
		struct forward *forward = &engine->forwards[i];

		if (!forward->temporary && !is_listed(forwards, count, &forward->wanted))
			start_closing(engine, forward);
	}
}

/* True if it is new to the router. */
static bool want_one(struct engine *engine, const struct config_forward *wanted)
{
	struct forward *forward = find_same(engine, wanted);
	bool fresh = !forward || forward->state == FORWARD_CLOSING;

	if (!forward)
		forward = add(engine, wanted);
	if (!forward) {
		log_warning("%s: more than %d forwards; this one is left out", forward_name(wanted),
			    UPNP_MAPPINGS_MAX);
		return false;
	}
	forward->wanted = *wanted;
	forward->temporary = false;
	if (fresh)
		mark_opening(forward);
	return fresh;
}

static void switch_off(struct engine *engine)
{
	for (size_t i = 0; i < engine->forward_count; i++) {
		struct forward *forward = &engine->forwards[i];

		if (forward->state == FORWARD_CLOSING)
			continue;
		forward->state = FORWARD_OFF;
		snprintf(forward->reason, sizeof(forward->reason),
			 "natd.conf says that no router is to be asked");
	}
}

void engine_want(struct engine *engine, const struct config *config,
		 const struct config_forward *forwards, size_t count, int64_t now)
{
	bool other_order = engine->order_count != config->order_count ||
			   memcmp(engine->order, config->order, config->order_count) != 0 ||
			   engine->lease != config->lease;
	bool fresh = false;

	(void)now;
	close_unlisted(engine, forwards, count);
	memcpy(engine->order, config->order, sizeof(engine->order));
	engine->order_count = config->order_count;
	engine->lease = config->lease;
	for (size_t i = 0; i < count; i++)
		fresh |= want_one(engine, &forwards[i]);
	if (!engine->order_count)
		switch_off(engine);
	else if (other_order)
		ask_all(engine);
	else if (fresh && engine->has_router)
		ask_missing(engine);
}

const struct forward *engine_open(struct engine *engine, const struct config_forward *wanted,
				  uint32_t seconds, int64_t now, char error[UPNP_TEXT_MAX])
{
	struct forward *forward = find_same(engine, wanted);

	if (forward && forward->state != FORWARD_CLOSING && !forward->temporary) {
		snprintf(error, UPNP_TEXT_MAX, "%s is already forwarded by natd.conf",
			 forward_name(wanted));
		return NULL;
	}
	if (!forward && (find_by_port(engine, wanted->protocol, wanted->port) ||
			 !(forward = add(engine, wanted)))) {
		snprintf(error, UPNP_TEXT_MAX,
			 "%s is already forwarded from another port, or the table is full",
			 forward_name(wanted));
		return NULL;
	}
	forward->temporary = true;
	forward->until = seconds ? now + (int64_t)seconds * 1000 : 0;
	if (forward->state != FORWARD_OPEN) {
		mark_opening(forward);
		if (asks_a_router(engine))
			ask_missing(engine);
	}
	if (!engine->order_count)
		switch_off(engine);
	return forward;
}

bool engine_close(struct engine *engine, uint8_t protocol, uint16_t port, char error[UPNP_TEXT_MAX])
{
	struct config_forward wanted = { .protocol = protocol, .port = port };
	struct forward *forward = find_by_port(engine, protocol, port);

	if (!forward || !forward->temporary) {
		snprintf(error, UPNP_TEXT_MAX, "%s %s", forward_name(&wanted),
			 forward ? "is forwarded by natd.conf: change it there and reload"
				 : "is not forwarded");
		return false;
	}
	start_closing(engine, forward);
	return true;
}

static bool same_network(const struct upnp_network *a, const struct upnp_network *b)
{
	return a->gateway.s_addr == b->gateway.s_addr && a->address.s_addr == b->address.s_addr &&
	       a->ifindex == b->ifindex && a->prefix == b->prefix;
}

void engine_network(struct engine *engine, const struct upnp_network *network, int64_t now)
{
	(void)now;
	if (!network) {
		engine->has_router = false;
		engine->wan_known = false;
		return;
	}
	if (engine->has_router && same_network(&engine->network, network))
		return;
	engine->network = *network;
	engine->has_router = true;
	engine->wan_known = false;
	engine->router = (struct upnp_router){ 0 };
	engine->tries = 0;
	if (engine->order_count)
		ask_all(engine);
}

/* ---- what upnp says ---- */

static void retry_later(struct engine *engine, int64_t now)
{
	size_t last = sizeof(retry_seconds) / sizeof(retry_seconds[0]) - 1;

	if (engine->retry_at)
		return; /* another forward of the same round has failed before */
	engine->retry_at = now + retry_seconds[engine->tries < last ? engine->tries : last] * 1000;
	engine->tries++;
}

static const char *for_how_long(uint32_t lifetime, char text[32])
{
	if (!lifetime)
		return "for ever";
	snprintf(text, 32, "for %u s", lifetime);
	return text;
}

static void on_granted(struct engine *engine, const struct upnp_granted *granted, int64_t now)
{
	struct forward *forward = find_by_id(engine, granted->id);
	uint32_t lifetime = granted->lifetime ? granted->lifetime : 2 * RENEW_PERMANENT_SECONDS;
	struct forward before;
	char text[32];

	if (!forward)
		return; /* it was forgotten while the router answered */
	before = *forward;
	forward->via = granted->via;
	forward->external_port = granted->external_port;
	if (granted->external_address.s_addr)
		forward->external_address = granted->external_address;
	forward->lifetime = granted->lifetime;
	forward->granted_at = now;
	engine->dirty |=
		before.via != forward->via || before.external_port != forward->external_port;
	if (forward->state == FORWARD_CLOSING) {
		/* Closed while the grant was on its way: what was granted must go. */
		send_mapping(engine, UPNP_UNMAP, forward, forward->via);
		return;
	}
	forward->state = FORWARD_OPEN;
	forward->renew_at = now + (int64_t)lifetime * 1000 / 2;
	forward->reason[0] = '\0';
	if (!engine->retry_at)
		engine->tries = 0;
	if (before.state == FORWARD_OPEN && before.external_port == forward->external_port &&
	    before.via == forward->via) {
		log_debug("%s renewed %s", forward_name(&forward->wanted),
			  for_how_long(granted->lifetime, text));
		return;
	}
	log_info("%s is open on the router as external port %u (%s, %s, after %u.%u ms)",
		 forward_name(&forward->wanted), forward->external_port,
		 upnp_protocol_names[forward->via], for_how_long(granted->lifetime, text),
		 granted->took_us / 1000, granted->took_us % 1000 / 100);
}

static void on_failed(struct engine *engine, const struct upnp_failed *failed, int64_t now)
{
	struct forward *forward = find_by_id(engine, failed->id);
	bool was_open = forward && forward->state == FORWARD_OPEN;
	bool news;

	if (!forward || forward->state == FORWARD_CLOSING)
		return;
	news = forward->state != FORWARD_FAILED && strcmp(forward->reason, failed->said) != 0;
	forward->state = FORWARD_FAILED;
	forward->failure = failed->failure;
	forward->renew_at = 0;
	memcpy(forward->reason, failed->said, sizeof(forward->reason));
	if (news)
		log_warning("%s is not open: %s", forward_name(&forward->wanted), failed->said);
	if (was_open && failed->failure == UPNP_NO_ANSWER && engine->tries == 0) {
		/* It held this mapping a moment ago: perhaps it has only rebooted. Look at once. */
		engine->tries = 1;
		ask_all(engine);
		return;
	}
	retry_later(engine, now);
}

static void on_unmapped(struct engine *engine, const struct upnp_unmapped *unmapped)
{
	struct forward *forward = find_by_id(engine, unmapped->id);

	if (!forward || forward->state != FORWARD_CLOSING)
		return;
	if (unmapped->removed)
		log_info("%s is removed from the router", forward_name(&forward->wanted));
	else
		log_warning("%s could not be removed from the router: %s",
			    forward_name(&forward->wanted), unmapped->said);
	forget(engine, forward);
}

static void on_protocol(struct engine *engine, const struct upnp_protocol_report *report)
{
	struct protocol_status *status = &engine->protocols[report->protocol];

	status->state = report->state;
	status->took_us = report->took_us;
	memcpy(status->said, report->said, sizeof(status->said));
	log_debug("%s: %s, %s", upnp_protocol_names[report->protocol],
		  upnp_state_names[report->state], report->said);
}

static void on_wan(struct engine *engine, const struct upnp_wan *wan)
{
	struct address address = address_v4(wan->address);
	struct in_addr public;
	char text[INET_ADDRSTRLEN];

	if (engine->wan_known && engine->wan.address.s_addr == wan->address.s_addr)
		return;
	engine->wan = *wan;
	engine->wan_known = true;
	public = address_kind(&address) == ADDRESS_PUBLIC ? wan->address : (struct in_addr){ 0 };
	engine->dirty |= public.s_addr != engine->public_wan.s_addr;
	engine->public_wan = public;
	log_info("the router's WAN address is %s",
		 inet_ntop(AF_INET, &wan->address, text, sizeof(text)));
}

static bool is_terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

#define TERMINATED(array) is_terminated(array, sizeof(array))

/* upnp speaks with strangers; what it says is believed only in its own alphabet. */
static bool report_is_sound(const struct upnp_report *report)
{
	switch (report->what) {
	case UPNP_PROTOCOL:
		return report->protocol.protocol < UPNP_PROTOCOLS &&
		       report->protocol.state < UPNP_STATES && TERMINATED(report->protocol.said);
	case UPNP_ROUTER:
		return TERMINATED(report->router.model) && TERMINATED(report->router.url) &&
		       TERMINATED(report->router.server);
	case UPNP_WAN: return report->wan.via < UPNP_PROTOCOLS;
	case UPNP_MAPPED:
		return report->granted.via < UPNP_PROTOCOLS && report->granted.external_port;
	case UPNP_FAILED:
		return report->failed.via <= UPNP_ANY && report->failed.failure < UPNP_FAILURES &&
		       TERMINATED(report->failed.said);
	case UPNP_UNMAPPED: return TERMINATED(report->unmapped.said);
	case UPNP_ENTRY: return TERMINATED(report->entry.description);
	case UPNP_LISTED: return TERMINATED(report->listed.said);
	case UPNP_PROBED: return true;
	default: return false;
	}
}

bool engine_report(struct engine *engine, const struct upnp_report *report, int64_t now)
{
	if (!report_is_sound(report))
		fatal("upnp sent a report that makes no sense (%d)", report->what);
	if (report->generation != engine->generation)
		return true; /* about a network that we have left */
	switch (report->what) {
	case UPNP_PROTOCOL: on_protocol(engine, &report->protocol); return true;
	case UPNP_ROUTER: engine->router = report->router; return true;
	case UPNP_WAN: on_wan(engine, &report->wan); return true;
	case UPNP_MAPPED: on_granted(engine, &report->granted, now); return true;
	case UPNP_FAILED: on_failed(engine, &report->failed, now); return true;
	case UPNP_UNMAPPED: on_unmapped(engine, &report->unmapped); return true;
	default: return false;
	}
}

/* ---- time ---- */

void engine_tick(struct engine *engine, int64_t now)
{
	for (size_t i = engine->forward_count; i-- > 0;) {
		struct forward *forward = &engine->forwards[i];

		if (forward->renew_at && forward->renew_at <= now) {
			forward->renew_at = 0;
			send_mapping(engine, UPNP_MAP, forward, forward->via);
		}
		if (forward->temporary && forward->until && forward->until <= now) {
			forward->until = 0;
			log_info("%s: its time is over", forward_name(&forward->wanted));
			start_closing(engine, forward);
		}
	}
	if (engine->retry_at && engine->retry_at <= now)
		ask_missing(engine);
}

static int64_t sooner(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}

int64_t engine_deadline(const struct engine *engine)
{
	int64_t deadline = engine->retry_at;

	for (size_t i = 0; i < engine->forward_count; i++) {
		deadline = sooner(deadline, engine->forwards[i].renew_at);
		deadline = sooner(deadline, engine->forwards[i].until);
	}
	return deadline;
}

void engine_stop(struct engine *engine)
{
	engine->retry_at = 0;
	for (size_t i = engine->forward_count; i-- > 0;)
		start_closing(engine, &engine->forwards[i]);
}

bool engine_is_idle(const struct engine *engine)
{
	for (size_t i = 0; i < engine->forward_count; i++)
		if (engine->forwards[i].state == FORWARD_CLOSING)
			return !engine->has_router || !engine->order_count;
	return true;
}
