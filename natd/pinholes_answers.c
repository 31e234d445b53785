/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What upnp says of a pinhole, and what follows from it. */
#include <stdio.h>
#include <string.h>

#include "natd/lease.h"
#include "natd/log.h"
#include "natd/pinholes.h"

/* A router that was silent may be starting: often at first, then rarely. One that has said no, or does
 * not speak the language, will hardly learn it by night, but the user may allow it. Seconds. */
static const unsigned int silence_seconds[] = { 4, 16, 60, 600, 3600 };
static const unsigned int refusal_seconds[] = { 900, 3600 };

static unsigned int rest_after(unsigned int tries, uint8_t failure)
{
	size_t silences = sizeof(silence_seconds) / sizeof(silence_seconds[0]);
	size_t refusals = sizeof(refusal_seconds) / sizeof(refusal_seconds[0]);

	if (failure == UPNP_NO_ANSWER)
		return silence_seconds[tries < silences ? tries : silences - 1];
	return refusal_seconds[tries < refusals ? tries : refusals - 1];
}

/* "udp 51820 at [2001:db8::10]"; overwritten by the next call. */
static const char *pinhole_name(const struct pinhole *pinhole)
{
	static char name[ADDRESS_TEXT_MAX + 24];
	char address[ADDRESS_TEXT_MAX];

	snprintf(name, sizeof(name), "%s %u at [%s]",
		 pinhole->protocol == IPPROTO_UDP ? "udp" : "tcp", pinhole->port,
		 address_print(&pinhole->address, address));
	return name;
}

static struct pinhole *by_id(struct pinholes *pinholes, uint32_t id)
{
	for (size_t i = 0; i < pinholes->count; i++)
		if (pinholes->list[i].id == id)
			return &pinholes->list[i];
	return NULL;
}

static void on_pinned(struct pinholes *pinholes, struct pinhole *pinhole,
		      const struct upnp_pinned *granted, int64_t now)
{
	bool news = pinhole->state != FORWARD_OPEN;
	char text[ADDRESS_TEXT_MAX];

	pinholes->dirty |= pinhole->via != granted->via || pinhole->unique_id != granted->unique_id;
	pinhole->via = granted->via;
	pinhole->unique_id = granted->unique_id;
	pinhole->external_port = granted->external_port;
	pinhole->external_address =
		(struct address){ .family = AF_INET6, .v6 = granted->external_address };
	pinhole->lifetime = granted->lifetime;
	pinhole->granted_at = now;
	if (pinhole->state == FORWARD_CLOSING) {
		pinholes_ask(pinholes, UPNP_UNPIN,
			     pinhole); /* closed while the grant was on its way */
		return;
	}
	pinhole->state = FORWARD_OPEN;
	pinhole->tries = 0;
	pinhole->reason[0] = '\0';
	pinhole->renew_at = now + lease_renew_after(granted->lifetime);
	if (news)
		log_info("IPv6: the router lets %s %u in for [%s] (%s, for %u s, after %u.%u ms)",
			 pinhole->protocol == IPPROTO_UDP ? "udp" : "tcp", pinhole->port,
			 address_print(&pinhole->external_address, text),
			 upnp_protocol_names[granted->via], granted->lifetime,
			 granted->took_us / 1000, granted->took_us % 1000 / 100);
	else
		log_debug("IPv6: %s renewed for %u s", pinhole_name(pinhole), granted->lifetime);
}

static void on_failed(struct pinhole *pinhole, const struct upnp_pinned *failed, int64_t now)
{
	unsigned int rest = rest_after(pinhole->tries, failed->failure);
	bool news = pinhole->state == FORWARD_OPEN || strcmp(pinhole->reason, failed->said) != 0;

	if (pinhole->state == FORWARD_CLOSING)
		return;
	pinhole->state = FORWARD_FAILED;
	pinhole->failed_at = now;
	pinhole->renew_at = pinhole->again ? now : now + (int64_t)rest * 1000;
	pinhole->again = false;
	pinhole->tries++;
	snprintf(pinhole->reason, sizeof(pinhole->reason), "%s",
		 failed->said[0] ? failed->said : "the router gives no reason");
	if (news)
		log_info("IPv6: the router does not let %s in: %s", pinhole_name(pinhole),
			 pinhole->reason);
}

static void on_unpinned(struct pinholes *pinholes, struct pinhole *pinhole,
			const struct upnp_pinned *unpinned)
{
	if (pinhole->state != FORWARD_CLOSING)
		return;
	if (unpinned->removed)
		log_info("IPv6: %s is closed on the router", pinhole_name(pinhole));
	else
		log_info("IPv6: %s may stay open on the router until its time is over: %s",
			 pinhole_name(pinhole), unpinned->said);
	pinholes_forget(pinholes, pinhole);
}

/* The router may do by now what it did not do. */
static void ask_what_failed(struct pinholes *pinholes, int64_t now)
{
	for (size_t i = 0; i < pinholes->count; i++) {
		struct pinhole *pinhole = &pinholes->list[i];

		if (pinhole->state == FORWARD_FAILED)
			pinhole->renew_at = now;
		pinhole->again = pinhole->state == FORWARD_OPENING;
	}
}

/* It begins to answer on IPv4: it has started meanwhile, or has only now been asked. What was open may be
 * so no more. */
static void on_protocol(struct pinholes *pinholes, const struct upnp_protocol_report *report,
			int64_t now)
{
	bool *away;

	if (report->protocol >= UPNP_PROTOCOLS)
		return; /* the engine will say so */
	away = &pinholes->away[report->protocol];
	if (*away && report->state == UPNP_OK)
		pinholes_lost(pinholes, now, 0);
	if (report->state != UPNP_ASKING)
		*away = report->state != UPNP_OK;
}

/* Its description, or another router's, names the firewall; one at another place has restarted. */
static void on_service(struct pinholes *pinholes, const struct upnp_service *service, int64_t now)
{
	bool had = pinholes->firewall[0];
	bool moved = strcmp(pinholes->firewall, service->firewall) != 0;

	snprintf(pinholes->firewall, sizeof(pinholes->firewall), "%s", service->firewall);
	if (!moved || !pinholes->firewall[0])
		return;
	if (had)
		pinholes_lost(pinholes, now, 0);
	else
		ask_what_failed(pinholes, now);
}

void pinholes_miss_ipv4(struct pinholes *pinholes)
{
	memset(pinholes->away, true, sizeof(pinholes->away));
}

static bool is_sound(const struct upnp_pinned *pinned, enum upnp_report_what what)
{
	return memchr(pinned->said, '\0', sizeof(pinned->said)) && pinned->via <= UPNP_ANY &&
	       pinned->failure < UPNP_FAILURES &&
	       (what != UPNP_PINNED || (pinned->via < UPNP_PROTOCOLS && pinned->lifetime));
}

bool pinholes_report(struct pinholes *pinholes, const struct upnp_report *report, int64_t now)
{
	const struct upnp_pinned *pinned = &report->pinned;
	struct pinhole *pinhole;

	/* A router that has lost its mappings has lost its pinholes as well. */
	if (report->what == UPNP_PINS_LOST || (report->what == UPNP_LOST && report->hop == 0)) {
		pinholes_lost(pinholes, now, report->lost.delay_ms);
		return report->what == UPNP_PINS_LOST;
	}
	if (report->what == UPNP_EPOCH && report->hop == 0 && report->told.restarted)
		pinholes_lost(pinholes, now, 0);
	if (report->what == UPNP_PROTOCOL && report->hop == 0)
		on_protocol(pinholes, &report->protocol, now);
	if (report->what == UPNP_SERVICE && report->hop == 0 &&
	    memchr(report->service.firewall, '\0', UPNP_TEXT_MAX))
		on_service(pinholes, &report->service, now);
	if (report->what != UPNP_PINNED && report->what != UPNP_PIN_FAILED &&
	    report->what != UPNP_UNPINNED)
		return false;
	if (!is_sound(pinned, report->what))
		fatal("upnp sent a report of a pinhole that makes no sense (%d)", report->what);
	pinhole = by_id(pinholes, pinned->id);
	if (!pinhole)
		return true; /* it was forgotten while the router answered */
	if (report->what == UPNP_PINNED)
		on_pinned(pinholes, pinhole, pinned, now);
	else if (report->what == UPNP_PIN_FAILED)
		on_failed(pinhole, pinned, now);
	else
		on_unpinned(pinholes, pinhole, pinned);
	return true;
}
