/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "natd/control_server.h"
#include "natd/control_trace.h"
#include "natd/log.h"
#include "natd/look.h"
#include "natd/name_watch.h"
#include "natd/neighbour_watch.h"
#include "natd/notify.h"
#include "natd/single.h"
#include "natd/stop.h"

/* rtnetlink speaks in bursts: an address, its routes, the link's flags. */
#define SETTLE_MS 20

/* Where the kernel did not answer, nothing else would make natd look again. */
#define LOOK_AGAIN_MS 1000

struct event_base *loop_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	/* With a timerfd: libevent's epoll_wait(2) ends every 35 minutes for nothing. */
	if (config && event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0)
		base = event_base_new_with_config(config);
	if (!base)
		fatal("no memory for an event loop");
	event_config_free(config);
	return base;
}

void loop_timer(struct event *timer, int64_t ms)
{
	int64_t wait = ms > 0 ? ms : 0;
	struct timeval delay = { .tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000 };

	evtimer_add(timer, &delay);
}

void loop_look(struct natd *natd)
{
	if (natd->stopping)
		return;
	if (!look_around(natd) && natd->settle_timer)
		loop_timer(natd->settle_timer, LOOK_AGAIN_MS);
	loop_engine_touched(natd);
}

void loop_first_look(struct natd *natd)
{
	natd->watch = network_watch();
	if (natd->watch < 0)
		fatal("rtnetlink has no events for natd: %s", strerror(errno));
	loop_look(natd);
	if (!natd->uplink.known)
		log_info("there is no default route yet; natd waits for one");
}

void loop_look_afresh(struct natd *natd)
{
	engine_start_trials(&natd->engine, natd_now()); /* the user may just have freed the port */
	loop_look(natd);
}

void loop_configure(struct natd *natd, const struct config *config)
{
	config_free(&natd->config);
	natd->config = *config;
	loop_look_afresh(natd);
	name_watch_configured(natd);
}

static void on_network(evutil_socket_t watch, short what, void *context)
{
	struct natd *natd = context;

	(void)what;
	if (network_changed(watch) && !evtimer_pending(natd->settle_timer, NULL))
		loop_timer(natd->settle_timer, SETTLE_MS);
}

static void on_settled(evutil_socket_t none, short what, void *context)
{
	struct natd *natd = context;

	(void)none;
	(void)what;
	loop_look(natd);
	name_watch_touched(natd);
}

static void show_state(struct natd *natd)
{
	size_t open = 0;
	size_t wanted = 0;

	for (size_t i = 0; i < natd->engine.forwards.count; i++) {
		wanted += natd->engine.forwards.list[i].state != FORWARD_CLOSING;
		open += natd->engine.forwards.list[i].state == FORWARD_OPEN;
	}
	notify_status("ports open on the router: %zu of %zu", open, wanted);
}

static bool is_watched(const struct natd *natd, const struct upnp_network *router)
{
	return natd->watched.gateway.s_addr == router->gateway.s_addr &&
	       natd->watched.link == router->ifindex &&
	       memcmp(natd->watched.mac, router->mac, MAC_SIZE) == 0;
}

/* The kernel says when another box answers as the router or, where the engine waits for that, when the
 * router's MAC address is known; the second look is for an answer that came before the kernel was asked
 * to. Else the MAC address is found at the next look, and is worth no wake-up. */
static void watch_for_router(struct natd *natd)
{
	const struct upnp_network *router = &natd->engine.network;
	bool waits = natd->engine.identify_until != 0;

	if (!natd->engine.has_router || !(mac_is_known(router->mac) || waits) ||
	    is_watched(natd, router))
		return;
	natd->watched.gateway = router->gateway;
	natd->watched.link = router->ifindex;
	memcpy(natd->watched.mac, router->mac, MAC_SIZE);
	neighbour_watch(natd->watch, router->gateway, router->ifindex, router->mac);
	if (waits)
		loop_timer(natd->settle_timer, SETTLE_MS);
}

void loop_engine_touched(struct natd *natd)
{
	int64_t deadline;

	if (!natd->stopping)
		upstream_follow(&natd->upstream, &natd->engine, &natd->config, natd_now());
	if (engine_lacks_mac(&natd->engine))
		look_at_router(natd);
	if (!natd->stopping)
		pinholes_follow(&natd->pinholes, &natd->config, &natd->engine.forwards);
	if (natd->engine.forwards.dirty || natd->upstream.engine.forwards.dirty ||
	    natd->pinholes.dirty)
		loop_save(natd);
	if (!natd->engine_timer)
		return; /* the first look comes before the loop */
	watch_for_router(natd);
	evtimer_del(natd->engine_timer);
	deadline = clock_sooner(engine_deadline(&natd->engine), upstream_deadline(&natd->upstream));
	deadline = clock_sooner(deadline, pinholes_deadline(&natd->pinholes));
	if (deadline && !natd->stopping)
		loop_timer(natd->engine_timer, deadline - natd_now());
	control_forwards_changed(natd->control);
	stop_check(natd);
}

static void on_engine_timer(evutil_socket_t none, short what, void *context)
{
	struct natd *natd = context;
	int64_t now = natd_now();
	bool over;

	(void)none;
	(void)what;
	look_at_router(natd); /* perhaps it was replaced, and nothing else tells */
	engine_gather(&natd->engine, now);
	upstream_gather(&natd->upstream, now);
	pinholes_gather(&natd->pinholes, now);
	over = engine_tick(&natd->engine, now);
	upstream_tick(&natd->upstream, now);
	pinholes_tick(&natd->pinholes, now);
	if (over && !natd->stopping)
		look_act(natd); /* the rules count its packets no more */
	loop_engine_touched(natd);
}

/* Its socket is closed, so it is about to be a zombie: waiting for that takes no time. */
static const char *how_it_ended(const struct process *process)
{
	int status = 0;
	pid_t pid;

	do
		pid = waitpid(process->pid, &status, 0);
	while (pid < 0 && errno == EINTR);
	return pid > 0 && WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : NULL;
}

static void child_is_gone(struct natd *natd, const struct process *process)
{
	const char *killed = how_it_ended(process);

	if (natd->stopping)
		log_warning("%s ended while natd was stopping", process->name);
	else
		log_error(
			"%s %s%s; natd ends, and the service manager starts all again. The kernel "
			"keeps its rules meanwhile.",
			process->name, killed ? "was killed: " : "has ended", killed ? killed : "");
	natd->exit_status = EXIT_FAILURE;
	event_base_loopbreak(natd->base);
}

static void take_report(struct natd *natd, const struct upnp_report *report)
{
	if (report->hop >= UPNP_ROUTERS)
		fatal("upnp sent a report about a router that nobody asked it for");
	if (report->what == UPNP_RESOLVED)
		name_watch_answered(natd, &report->resolved);
	else if (report->hop > 0)
		engine_report(&natd->upstream.engine, report, natd_now());
	else if (!upstream_report(&natd->upstream, report, natd_now()) &&
		 !pinholes_report(&natd->pinholes, report, natd_now()) &&
		 !engine_report(&natd->engine, report, natd_now()))
		control_router_report(natd->control, report);
}

static void on_upnp(evutil_socket_t socket, short what, void *context)
{
	struct natd *natd = context;
	struct upnp_report report;
	int got;

	(void)what;
	while ((got = process_receive(socket, &report, sizeof(report), false)) > 0)
		take_report(natd, &report);
	if (got < 0) {
		child_is_gone(natd, &natd->upnp);
		return;
	}
	look_at_line(natd);
	loop_engine_touched(natd);
	name_watch_touched(natd);
	show_state(natd);
}

static void on_wireguard_port(struct natd *natd, const struct rules_wireguard *wireguard)
{
	struct wireguards *asked = &natd->asked_wireguards;

	if (wireguard->port && asked->count < VPN_FORWARDS_MAX)
		asked->ports[asked->count++] = wireguard->port;
	if (natd->wireguard_pending && --natd->wireguard_pending == 0 && !natd->stopping) {
		natd->wireguards = *asked;
		look_act(natd);
		loop_engine_touched(natd);
	}
}

/* With the first set in force the kernel may forward; one that it refused is tried again. */
static void on_written(struct natd *natd, bool was_in_force)
{
	if (natd->stopping)
		return;
	if (!was_in_force && natd->kernel.in_force)
		look_act(natd);
	if (natd->kernel.refusals)
		loop_timer(natd->refused_timer, kernel_wait_ms(&natd->kernel));
}

static void on_rules(evutil_socket_t socket, short what, void *context)
{
	struct natd *natd = context;
	struct rules_report report;
	bool was_in_force;
	int got;

	(void)what;
	while ((got = process_receive(socket, &report, sizeof(report), false)) > 0) {
		was_in_force = natd->kernel.in_force;
		kernel_report(&natd->kernel, &report, natd_now());
		if (report.what == RULES_WRITTEN)
			on_written(natd, was_in_force);
		if (report.what == RULES_WIREGUARD_IS)
			on_wireguard_port(natd, &report.wireguard);
		if (report.what == RULES_SCANNED &&
		    firewalls_has(&natd->kernel.firewalls, RULES_OWNER_FIREWALLD))
			firewalld_seen(&natd->firewalld);
		if (report.what == RULES_COUNTED)
			control_counted(natd->control);
		if (report.what == RULES_TOUCHED)
			control_forwards_changed(natd->control);
		if (report.what == RULES_TRACING)
			control_tracing(natd->control, report.written.error);
		if (report.what == RULES_TRACED)
			control_traced(natd->control, &report.traced);
	}
	if (got < 0)
		child_is_gone(natd, &natd->rules);
	else
		stop_check(natd);
}

bool loop_reload(struct natd *natd, const char *asked, bool *exists, char error[CONFIG_ERROR_MAX])
{
	struct config config;

	*exists = access(natd->config_path, F_OK) == 0;
	if (!config_read(&config, natd->config_path, natd->config_optional, error))
		return false;
	loop_configure(natd, &config);
	log_info(*exists ? "%s is read again, %s" : "%s does not exist: the defaults hold, %s",
		 natd->config_path, asked);
	return true;
}

static void on_reload(evutil_socket_t signal_number, short what, void *context)
{
	struct natd *natd = context;
	char error[CONFIG_ERROR_MAX];
	bool exists;

	(void)what;
	if (natd->stopping || loop_reload(natd, strsignal(signal_number), &exists, error))
		return;
	log_error("%s", error);
	log_error("the configuration stays as it was");
}

static void on_writable(evutil_socket_t socket, short what, void *context)
{
	struct natd *natd = context;
	bool upnp = socket == natd->upnp.socket;

	(void)what;
	if (process_flush(upnp ? &natd->upnp : &natd->rules))
		event_del(upnp ? natd->upnp_writable : natd->rules_writable);
}

static void wait_until_writable(void *context)
{
	event_add(context, NULL);
}

static struct event *add_event(struct natd *natd, evutil_socket_t socket, short what,
			       event_callback_fn on_event)
{
	struct event *event = event_new(natd->base, socket, what | EV_PERSIST, on_event, natd);

	if (!event || event_add(event, NULL) < 0)
		fatal("no memory for an event");
	return event;
}

/* Messages that a busy child has not taken go out when it takes some again. */
static struct event *watch_writable(struct natd *natd, struct process *process)
{
	struct event *event =
		event_new(natd->base, process->socket, EV_WRITE | EV_PERSIST, on_writable, natd);

	if (!event)
		fatal("no memory for an event");
	process->on_waiting = wait_until_writable;
	process->context = event;
	if (process->waiting)
		event_add(event, NULL);
	return event;
}

static struct event *new_timer(struct natd *natd, event_callback_fn on_event)
{
	struct event *timer = evtimer_new(natd->base, on_event, natd);

	if (!timer)
		fatal("no memory for a timer");
	return timer;
}

void loop_start(struct natd *natd)
{
	natd->upnp_event = add_event(natd, natd->upnp.socket, EV_READ, on_upnp);
	natd->rules_event = add_event(natd, natd->rules.socket, EV_READ, on_rules);
	natd->upnp_writable = watch_writable(natd, &natd->upnp);
	natd->rules_writable = watch_writable(natd, &natd->rules);
	natd->network_event = add_event(natd, natd->watch, EV_READ, on_network);
	natd->signals[0] = add_event(natd, SIGTERM, EV_SIGNAL, stop_on_signal);
	natd->signals[1] = add_event(natd, SIGINT, EV_SIGNAL, stop_on_signal);
	natd->signals[2] = add_event(natd, SIGHUP, EV_SIGNAL, on_reload);
	natd->signals[3] = add_event(natd, SIGUSR1, EV_SIGNAL, stop_on_handover);
	if (natd->single >= 0)
		natd->single_event = add_event(natd, natd->single, EV_READ, single_on_caller);
	natd->firewalld.base = natd->base;
	natd->settle_timer = new_timer(natd, on_settled);
	natd->refused_timer = new_timer(natd, on_settled);
	natd->engine_timer = new_timer(natd, on_engine_timer);
	natd->stop_timer = new_timer(natd, stop_on_timer);
	name_watch_start(natd);
	if (!natd->network.link_count)
		loop_timer(natd->settle_timer, LOOK_AGAIN_MS); /* the first look saw nothing */
}

int loop_run(struct natd *natd)
{
	loop_engine_touched(natd);
	event_base_dispatch(natd->base);
	if (natd->stopping)
		firewalld_leave(&natd->firewalld);
	if (natd->stopping && natd->exit_status == 0) {
		natd->kernel.sysctls.count = 0; /* they are as they were */
		loop_save(natd);
		log_info("stopped");
	}
	return natd->exit_status;
}
