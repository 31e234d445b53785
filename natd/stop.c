/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/stop.h"

#include <stdlib.h>
#include <string.h>

#include "natd/log.h"
#include "natd/loop.h"
#include "natd/notify.h"

/* Neither a router that does not answer nor rules must hold up a shutdown. */
#define STOP_MS 3000

/* The router has had its time; the kernel has as long. */
static void remove_rules(struct natd *natd)
{
	kernel_remove(&natd->kernel);
	loop_timer(natd->stop_timer, STOP_MS);
}

void stop_check(struct natd *natd)
{
	if (natd->stopping && engine_is_idle(&natd->engine) &&
	    engine_is_idle(&natd->upstream.engine) && pinholes_are_idle(&natd->pinholes) &&
	    !natd->kernel.removing)
		remove_rules(natd);
	if (natd->kernel.removed)
		event_base_loopbreak(natd->base);
}

void stop_on_timer(evutil_socket_t none, short what, void *context)
{
	struct natd *natd = context;

	(void)none;
	(void)what;
	if (!natd->kernel.removing) {
		log_warning("the router does not answer; its mappings end with their lease");
		remove_rules(natd);
		return;
	}
	log_warning("rules does not answer; table inet natd may be left");
	natd->exit_status = EXIT_FAILURE;
	event_base_loopbreak(natd->base);
}

void stop_on_signal(evutil_socket_t signal_number, short what, void *context)
{
	struct natd *natd = context;

	(void)what;
	if (natd->stopping)
		return;
	log_info("stopping (%s)", strsignal(signal_number));
	notify_stopping();
	natd->stopping = true;
	engine_leave(&natd->engine);
	if (natd->config.keep) {
		remove_rules(natd);
		return;
	}
	loop_timer(natd->stop_timer, STOP_MS);
	engine_stop(&natd->engine);
	engine_stop(&natd->upstream.engine);
	pinholes_stop(&natd->pinholes);
	loop_engine_touched(natd);
}

/* The service manager starts the next natd at once: it takes over the router's mappings, the rules and
 * the kernel's switches as after a crash, and no packet notices. */
void stop_on_handover(evutil_socket_t signal_number, short what, void *context)
{
	struct natd *natd = context;

	(void)signal_number;
	(void)what;
	if (natd->stopping)
		return;
	log_info("ending for a restart: the router's mappings and the rules stay");
	notify_stopping();
	loop_save(natd);
	event_base_loopbreak(natd->base);
}
