/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules says, and what it changes in struct kernel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "natd/kernel_set.h"
#include "natd/log.h"

/* Another program has the tables changed so often, with no calm between, that natd says so. Longer than
 * CONTEST_MAX_MS of rules, so that a contest does not look like its end. */
#define CONTESTED 4
#define CALM_MS   60000

#define REFUSED_FIRST_MS 2000
#define REFUSED_MAX_MS   600000

struct address kernel_address(const struct rules_prefix *host)
{
	struct address address = { .family = host->family };

	memcpy(&address.v6, &host->v6, sizeof(address.v6));
	return address;
}

/* The next look sends it again, and natd takes one by itself (kernel_wait_ms()). */
static void on_refused(struct kernel *kernel, const struct rules_written *said)
{
	free(kernel->set);
	kernel->set = NULL;
	kernel->set_count = 0;
	if (!kernel->refusals || strcmp(kernel->refused, said->what) != 0)
		log_error("the kernel refuses the rules: %s: %s", said->what,
			  strerror(said->error));
	kernel->refusals++;
}

static void on_written(struct kernel *kernel, const struct rules_report *report)
{
	kernel->in_force |= report->written.error == 0;
	if (report->generation != kernel->generation)
		return; /* a newer set is on its way */
	kernel->written = report->written.error == 0;
	kernel->owned = report->written.owned;
	if (!kernel->written)
		on_refused(kernel, &report->written);
	else if (kernel->refusals)
		log_info("the kernel has the rules now");
	else
		log_debug("the kernel has the rules after %u us", report->written.took_us);
	if (kernel->written)
		kernel->refusals = 0;
	memcpy(kernel->refused, report->written.what, sizeof(kernel->refused));
}

static void on_removed(struct kernel *kernel, const struct rules_written *said)
{
	kernel->removed = true;
	if (said->error)
		log_warning("natd's tables may be left: the kernel refuses to remove %s: %s",
			    said->what, strerror(said->error));
}

int64_t kernel_wait_ms(const struct kernel *kernel)
{
	int64_t wait = REFUSED_FIRST_MS;

	for (unsigned int i = 1; i < kernel->refusals && wait < REFUSED_MAX_MS; i++)
		wait *= 2;
	return wait < REFUSED_MAX_MS ? wait : REFUSED_MAX_MS;
}

/* Looks that come quickly one after the other ask for what is on its way already. */
static bool was_ours(const struct kernel *kernel, const struct rules_sysctl_is *sysctl)
{
	for (size_t i = 0; i < kernel->sysctls.count; i++)
		if (strcmp(kernel->sysctls.list[i].name, sysctl->name) == 0)
			return kernel->sysctls.list[i].ours == sysctl->before;
	return false;
}

static void on_sysctl(struct kernel *kernel, const struct rules_sysctl_is *sysctl)
{
	if (sysctl->error == ENOENT)
		return; /* its interface has gone */
	if (sysctl->error)
		log_warning("%s cannot be written: %s", sysctl->name, strerror(sysctl->error));
	else if (!kernel->removing && !was_ours(kernel, sysctl))
		log_info("%s is changed from %d until natd stops: the VPN's clients need it",
			 sysctl->name, sysctl->before);
}

/* What was put back may be an earlier set: rules has no other where the last one was refused. */
static void on_touched(struct kernel *kernel, const struct rules_report *report, int64_t now)
{
	const struct rules_touched *touched = &report->touched;
	bool calm = !kernel->repairs || now - kernel->last_repair_at > CALM_MS;

	if (report->generation == kernel->generation)
		kernel->written = touched->error == 0 && !touched->wait_ms;
	if (touched->wait_ms) {
		log_warning("%s (pid %u) changed natd's tables again; they are put back in %u ms",
			    touched->program, touched->pid, touched->wait_ms);
		return;
	}
	kernel->repairs++;
	kernel->repairs_in_row = calm ? 1 : kernel->repairs_in_row + 1;
	kernel->last_repair = *touched;
	log_clean(kernel->last_repair.program); /* 15 bytes: they may end within a letter */
	kernel->last_repair_at = now;
	if (touched->error)
		log_error("%s (pid %u) changed natd's tables, and they cannot be put back: %s",
			  touched->program, touched->pid, strerror(touched->error));
	else
		log_warning("%s (pid %u) changed natd's tables; put back in %u us",
			    touched->program, touched->pid, touched->took_us);
}

bool kernel_is_contested(const struct kernel *kernel, int64_t now)
{
	return kernel->repairs_in_row >= CONTESTED && now - kernel->last_repair_at <= CALM_MS;
}

static void on_network_count(struct kernel *kernel, const struct rules_network_count *count)
{
	struct kernel_client *client = kernel_client_of(kernel, &count->network);

	if (client)
		client->connections = count->packets;
}

static void on_publish_count(struct kernel *kernel, const struct rules_publish_count *count)
{
	const struct config_publish wanted = { .protocol = count->protocol,
					       .port = count->port,
					       .to.family = count->family };
	struct kernel_publish *publish = NULL;

	if (kernel->publish_count)
		publish = bsearch(&wanted, kernel->publishes, kernel->publish_count,
				  sizeof(*kernel->publishes), config_compare_publishes);
	if (publish)
		publish->connections = count->connections;
}

static void on_purged(struct kernel *kernel, uint32_t purged)
{
	kernel->purged += purged;
	log_info("%u connections are ended: they began under other rules, or under none", purged);
}

static void on_peers(struct kernel *kernel, const struct rules_peers *peers)
{
	size_t i = 0;

	while (i < kernel->peers_count && strcmp(kernel->peers[i].interface, peers->interface) != 0)
		i++;
	if (i < CONFIG_TUNNELS_MAX)
		kernel->peers[i] = *peers;
	if (i == kernel->peers_count && i < CONFIG_TUNNELS_MAX)
		kernel->peers_count++;
	if (kernel->peers_pending)
		kernel->peers_pending--;
}

static bool interface_is_sound(const char interface[IF_NAMESIZE])
{
	return memchr(interface, '\0', IF_NAMESIZE) != NULL;
}

#define TERMINATED(array) (memchr(array, '\0', sizeof(array)) != NULL)

static bool traced_is_sound(const struct rules_traced *traced)
{
	return traced->fate < RULES_FATES && TERMINATED(traced->table) &&
	       TERMINATED(traced->chain) && TERMINATED(traced->comment) &&
	       (traced->from.family == AF_INET || traced->from.family == AF_INET6) &&
	       traced->to.family == traced->from.family;
}

static bool crowd_is_sound(const struct rules_crowd *crowd)
{
	return !crowd->connections ||
	       ((crowd->address.family == AF_INET || crowd->address.family == AF_INET6) &&
		crowd->server.family == crowd->address.family);
}

static bool report_is_sound(const struct rules_report *report)
{
	switch (report->what) {
	case RULES_WRITTEN:
	case RULES_REMOVED:
		return report->written.owned < RULES_OWNED_WAYS &&
		       memchr(report->written.what, '\0', RULES_TEXT_MAX) != NULL;
	case RULES_SYSCTL_IS: return memchr(report->sysctl.name, '\0', RULES_SYSCTL_MAX) != NULL;
	case RULES_TUNNEL_COUNT: return interface_is_sound(report->tunnel.interface);
	case RULES_WIREGUARD_IS: return interface_is_sound(report->wireguard.interface);
	case RULES_TOUCHED: return memchr(report->touched.program, '\0', 16) != NULL;
	case RULES_TRACING: return true;
	case RULES_CROWD: return crowd_is_sound(&report->crowd);
	case RULES_TRACED: return traced_is_sound(&report->traced);
	case RULES_PEERS_ARE:
		return interface_is_sound(report->peers.interface) && report->peers.ago >= -1 &&
		       report->peers.shaken <= report->peers.peers;
	case RULES_PORT_COUNT:
		return report->port.seen_ago >= -1 && report->port.seen_lan_ago >= -1;
	case RULES_NETWORK_COUNT:
	case RULES_PUBLISH_COUNT:
	case RULES_PURGED:
	case RULES_SCANNED:
	case RULES_COUNTED: return true;
	case RULES_FIREWALL: return firewalls_is_sound(&report->firewall);
	case RULES_WAY_OUT: return ways_out_is_sound(&report->way_out);
	default: return false;
	}
}

static void on_counted(struct kernel *kernel)
{
	kernel->counting = false;
	firewalls_keep_tunnels(&kernel->firewalls, kernel->tunnel_counts,
			       kernel->tunnel_count_count);
}

void kernel_report(struct kernel *kernel, const struct rules_report *report, int64_t now)
{
	if (!report_is_sound(report))
		fatal("rules sent a report that makes no sense (%d)", report->what);
	switch (report->what) {
	case RULES_WRITTEN: on_written(kernel, report); break;
	case RULES_REMOVED: on_removed(kernel, &report->written); break;
	case RULES_COUNTED: on_counted(kernel); break;
	case RULES_SYSCTL_IS: on_sysctl(kernel, &report->sysctl); break;
	case RULES_TOUCHED: on_touched(kernel, report, now); break;
	case RULES_PORT_COUNT:
		if (kernel->port_count < CONFIG_FORWARDS_MAX)
			kernel->ports[kernel->port_count++] = report->port;
		firewalls_counted_port(&kernel->firewalls, &report->port);
		break;
	case RULES_TUNNEL_COUNT:
		if (kernel->tunnel_count_count < CONFIG_TUNNELS_MAX)
			kernel->tunnel_counts[kernel->tunnel_count_count++] = report->tunnel;
		firewalls_counted(&kernel->firewalls, &report->tunnel);
		break;
	case RULES_NETWORK_COUNT: on_network_count(kernel, &report->network); break;
	case RULES_PUBLISH_COUNT: on_publish_count(kernel, &report->publish); break;
	case RULES_PEERS_ARE: on_peers(kernel, &report->peers); break;
	case RULES_CROWD: kernel->crowd = report->crowd; break;
	case RULES_PURGED: on_purged(kernel, report->purged); break;
	case RULES_FIREWALL: firewalls_add(&kernel->firewalls, &report->firewall); break;
	case RULES_WAY_OUT: ways_out_add(&kernel->ways_out, &report->way_out); break;
	case RULES_SCANNED:
		firewalls_scanned(&kernel->firewalls, kernel->coexist);
		ways_out_scanned(&kernel->ways_out);
		break;
	default: break; /* what only ends or starts a list, or is natd's */
	}
}
