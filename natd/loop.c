/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "natd/control_server.h"
#include "natd/log.h"
#include "natd/notify.h"
#include "natd/state.h"
#include "natd/vpn.h"

/* rtnetlink speaks in bursts: an address, its routes, the link's flags. */
#define SETTLE_MS 20

/* A router that does not answer must not hold up a shutdown. */
#define STOP_MS 3000

int64_t natd_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct timeval in_ms(int64_t ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

static void start_timer(struct event *timer, int64_t ms)
{
	struct timeval delay = in_ms(ms > 0 ? ms : 0);

	evtimer_add(timer, &delay);
}

/* ---- the state file ---- */

static void save(struct natd *natd, bool lasting)
{
	if (state_write(natd->state_directory, &natd->engine, &natd->kernel.sysctls, lasting))
		natd->engine.forwards.dirty = false;
}

/* Before a request that relies on it: a crash of natd loses nothing, and the router is not kept waiting
 * for a slow disk. The grant that follows saves again, and waits. */
static void save_before_asking(void *context)
{
	save(context, false);
}

static void save_before_writing(void *context)
{
	save(context, true);
}

static void send_to_upnp(void *context, const struct upnp_request *request)
{
	struct natd *natd = context;

	if (!process_send(natd->upnp.socket, request, sizeof(*request)))
		fatal("upnp does not take requests any more");
}

const struct engine_hooks loop_engine_hooks = { send_to_upnp, save_before_asking };

/* ---- what is wanted ---- */

/* The forwards of natd.conf, or the one that this host's VPN needs. */
static size_t wanted_forwards(struct natd *natd, struct config_forward *forwards)
{
	size_t count = natd->config.forward_count;

	natd->forwards_origin = "natd.conf";
	memcpy(forwards, natd->config.forwards, count * sizeof(*forwards));
	if (count)
		return count;
	natd->forwards_origin = vpn_find_forward(&forwards[0], VPN_PIVPN_DIRECTORY);
	if (natd->wireguard_port) {
		natd->forwards_origin = "the running WireGuard interface";
		forwards[0].port = forwards[0].external = natd->wireguard_port;
		forwards[0].protocol = IPPROTO_UDP;
	}
	return 1;
}

static void want_kernel(struct natd *natd)
{
	struct kernel_port ports[CONFIG_FORWARDS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < natd->engine.forwards.count && count < CONFIG_FORWARDS_MAX; i++) {
		const struct forward *forward = &natd->engine.forwards.list[i];

		if (forward->state != FORWARD_CLOSING)
			ports[count++] = (struct kernel_port){ forward->wanted.protocol,
							       forward->wanted.port };
	}
	kernel_want(&natd->kernel, &natd->config, &natd->network, ports, count, save_before_writing,
		    natd);
}

static void want_router(struct natd *natd)
{
	struct upnp_network network = { 0 };
	const struct uplink *uplink = &natd->uplink;

	if (!uplink->known || uplink->gateway.family != AF_INET) {
		engine_network(&natd->engine, NULL, natd_now());
		return;
	}
	network.gateway = uplink->gateway.v4;
	network.address = uplink->address.address.v4;
	network.ifindex = uplink->index;
	network.prefix = uplink->address.length;
	engine_network(&natd->engine, &network, natd_now());
}

/* Where natd.conf names no port, the kernel's WireGuard interfaces do; only rules may ask them. */
static void ask_wireguard(struct natd *natd)
{
	if (natd->config.forward_count || natd->wireguard_pending)
		return;
	for (size_t i = 0; i < natd->network.link_count; i++) {
		if (natd->network.links[i].kind != LINK_WIREGUARD)
			continue;
		kernel_ask_wireguard(&natd->kernel, natd->network.links[i].name);
		natd->wireguard_pending++;
	}
	natd->wireguard_port = natd->wireguard_pending ? natd->wireguard_port : 0;
}

static void act(struct natd *natd)
{
	struct config_forward forwards[CONFIG_FORWARDS_MAX];
	size_t count = wanted_forwards(natd, forwards);

	engine_want(&natd->engine, &natd->config, forwards, count, natd_now());
	want_router(natd);
	want_kernel(natd);
	loop_engine_touched(natd);
}

static void look(struct natd *natd)
{
	struct uplink before = natd->uplink;
	char text[ADDRESS_TEXT_MAX];

	if (!network_read(&natd->network)) {
		log_warning("rtnetlink does not answer: %s", strerror(errno));
		return;
	}
	natd->uplink = network_uplink(&natd->network, AF_INET);
	if (natd->uplink.known && !address_equal(&before.gateway, &natd->uplink.gateway))
		log_info("the home router is %s on %s", address_print(&natd->uplink.gateway, text),
			 natd->uplink.interface);
	if (!natd->uplink.known && before.known)
		log_warning("the default route is gone; natd waits for another");
	ask_wireguard(natd);
	if (!natd->wireguard_pending)
		act(natd);
}

void loop_first_look(struct natd *natd)
{
	natd->watch = network_watch();
	if (natd->watch < 0)
		fatal("rtnetlink has no events for natd: %s", strerror(errno));
	look(natd);
	if (!natd->uplink.known)
		log_info("there is no default route yet; natd waits for one");
}

void loop_configure(struct natd *natd, const struct config *config)
{
	natd->config = *config;
	look(natd);
}

/* ---- what happens ---- */

static void on_network(evutil_socket_t watch, short what, void *context)
{
	struct natd *natd = context;

	(void)what;
	if (network_changed(watch) && !evtimer_pending(natd->settle_timer, NULL))
		start_timer(natd->settle_timer, SETTLE_MS);
}

static void on_settled(evutil_socket_t none, short what, void *context)
{
	struct natd *natd = context;

	(void)none;
	(void)what;
	if (!natd->stopping)
		look(natd);
}

static void check_stopped(struct natd *natd)
{
	if (natd->stopping && engine_is_idle(&natd->engine) && !natd->kernel.removing)
		kernel_remove(&natd->kernel);
	if (natd->kernel.removed)
		event_base_loopbreak(natd->base);
}

static void show_state(struct natd *natd)
{
	size_t open = 0;
	size_t wanted = 0;

	for (size_t i = 0; i < natd->engine.forwards.count; i++) {
		wanted += natd->engine.forwards.list[i].state != FORWARD_CLOSING;
		open += natd->engine.forwards.list[i].state == FORWARD_OPEN;
	}
	notify_status("%zu of %zu ports are open on the router", open, wanted);
}

void loop_engine_touched(struct natd *natd)
{
	int64_t deadline = engine_deadline(&natd->engine);

	if (natd->engine.forwards.dirty)
		save(natd, true);
	if (!natd->engine_timer)
		return; /* the first look comes before the loop */
	evtimer_del(natd->engine_timer);
	if (deadline && !natd->stopping)
		start_timer(natd->engine_timer, deadline - natd_now());
	control_forwards_changed(natd->control);
	check_stopped(natd);
}

static void on_engine_timer(evutil_socket_t none, short what, void *context)
{
	struct natd *natd = context;

	(void)none;
	(void)what;
	engine_tick(&natd->engine, natd_now());
	loop_engine_touched(natd);
}

static void child_is_gone(struct natd *natd, const struct process *process)
{
	int status = 0;
	pid_t pid = waitpid(process->pid, &status, WNOHANG);

	if (natd->stopping)
		log_warning("%s ended while natd was stopping", process->name);
	else if (pid > 0 && WIFSIGNALED(status))
		log_error("%s was killed by signal %d (%s); natd ends, and the service manager "
			  "starts all "
			  "again. The kernel keeps its rules meanwhile.",
			  process->name, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_error("%s has ended; natd ends, and the service manager starts all again. The "
			  "kernel "
			  "keeps its rules meanwhile.",
			  process->name);
	natd->exit_status = EXIT_FAILURE;
	event_base_loopbreak(natd->base);
}

static void on_upnp(evutil_socket_t socket, short what, void *context)
{
	struct natd *natd = context;
	struct upnp_report report;
	int got;

	(void)what;
	while ((got = process_receive(socket, &report, sizeof(report), false)) > 0) {
		if (!engine_report(&natd->engine, &report, natd_now()))
			control_router_report(natd->control, &report);
	}
	if (got < 0) {
		child_is_gone(natd, &natd->upnp);
		return;
	}
	loop_engine_touched(natd);
	show_state(natd);
}

static void on_wireguard_port(struct natd *natd, const struct rules_wireguard *wireguard)
{
	if (wireguard->port)
		natd->wireguard_port = wireguard->port;
	if (natd->wireguard_pending && --natd->wireguard_pending == 0)
		act(natd);
}

static void on_rules(evutil_socket_t socket, short what, void *context)
{
	struct natd *natd = context;
	struct rules_report report;
	int got;

	(void)what;
	while ((got = process_receive(socket, &report, sizeof(report), false)) > 0) {
		kernel_report(&natd->kernel, &report, natd_now());
		if (report.what == RULES_WIREGUARD_IS)
			on_wireguard_port(natd, &report.wireguard);
		if (report.what == RULES_COUNTED)
			control_counted(natd->control);
	}
	if (got < 0)
		child_is_gone(natd, &natd->rules);
	else
		check_stopped(natd);
}

static void on_stop_timer(evutil_socket_t none, short what, void *context)
{
	struct natd *natd = context;

	(void)none;
	(void)what;
	if (!natd->kernel.removing) {
		log_warning("the router does not answer; its mappings end with their lease");
		kernel_remove(&natd->kernel);
		start_timer(natd->stop_timer, STOP_MS);
		return;
	}
	log_warning("rules does not answer; table inet natd may be left");
	natd->exit_status = EXIT_FAILURE;
	event_base_loopbreak(natd->base);
}

static void on_stop(evutil_socket_t signal_number, short what, void *context)
{
	struct natd *natd = context;

	(void)what;
	if (natd->stopping)
		return;
	log_info("stopping (%s)", strsignal(signal_number));
	notify_stopping();
	natd->stopping = true;
	start_timer(natd->stop_timer, STOP_MS);
	if (!natd->config.keep)
		engine_stop(&natd->engine);
	if (natd->config.keep)
		kernel_remove(&natd->kernel);
	else
		loop_engine_touched(natd);
}

static void on_reload(evutil_socket_t signal_number, short what, void *context)
{
	struct natd *natd = context;
	char error[CONFIG_ERROR_MAX];
	struct config config;

	(void)signal_number;
	(void)what;
	if (!config_read(&config, natd->config_path, natd->config_optional, error)) {
		log_error("%s", error);
		log_error("the configuration stays as it was");
		return;
	}
	loop_configure(natd, &config);
	log_info("%s is read again", natd->config_path);
}

static struct event *add_event(struct natd *natd, evutil_socket_t socket, short what,
			       event_callback_fn on_event)
{
	struct event *event = event_new(natd->base, socket, what | EV_PERSIST, on_event, natd);

	if (!event || event_add(event, NULL) < 0)
		fatal("no memory for an event");
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
	natd->network_event = add_event(natd, natd->watch, EV_READ, on_network);
	natd->signals[0] = add_event(natd, SIGTERM, EV_SIGNAL, on_stop);
	natd->signals[1] = add_event(natd, SIGINT, EV_SIGNAL, on_stop);
	natd->signals[2] = add_event(natd, SIGHUP, EV_SIGNAL, on_reload);
	natd->settle_timer = new_timer(natd, on_settled);
	natd->engine_timer = new_timer(natd, on_engine_timer);
	natd->stop_timer = new_timer(natd, on_stop_timer);
}

int loop_run(struct natd *natd)
{
	loop_engine_touched(natd);
	event_base_dispatch(natd->base);
	if (natd->stopping && natd->exit_status == 0) {
		natd->kernel.sysctls.count = 0; /* they are as they were */
		save(natd, true);
		log_info("stopped");
	}
	return natd->exit_status;
}
