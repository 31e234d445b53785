/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What natctl doctor looks at on this host: who listens, what has come, the tunnels, the kernel. */
#include <errno.h>
#include <string.h>

#include "natd/doctor_steps.h"
#include "natd/facts.h"
#include "natd/peers.h"
#include "natd/route.h"

void look_listening(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct forward *forward = doctor_forward(doctor, item);
	const char *name = forward ? forward_name(&forward->wanted) : "";

	if (!forward)
		return;
	if (kernel_is_published(&doctor->natd->kernel, forward->wanted.protocol,
				forward->wanted.port)) {
		finding_say(finding, "%s is handed on to a client of the VPN", name);
		return;
	}
	switch (listen_check(forward->wanted.protocol, forward->wanted.port)) {
	case LISTEN_YES: finding_say(finding, "a program on this host listens on %s", name); break;
	case LISTEN_NO:
		finding->result = forward->temporary ? FOUND_INFO : FOUND_FAIL;
		finding_say(finding, "nothing on this host listens on %s", name);
		break;
	default: break;
	}
}

bool has_counted(const struct doctor *doctor)
{
	return doctor->counted;
}

static void say_last(const struct rules_port_count *count, const char *name,
		     struct finding *finding)
{
	bool outside = count->seen_ago >= 0;
	int64_t ago = (outside ? count->seen_ago : count->seen_lan_ago) / 1000;

	if (outside) {
		finding_say(finding, "the last packet from outside for %s came %lld s ago", name,
			    (long long)ago);
		return;
	}
	finding->result = FOUND_INFO;
	if (ago >= 0 && count->seen_lan_ago >= 0)
		finding_say(finding, "only the home network has sent packets for %s, %lld s ago",
			    name, (long long)ago);
	else
		finding_say(finding,
			    "no packet from outside has come for %s: natctl test waits for one",
			    name);
}

void look_arrival(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct forward *forward = doctor_forward(doctor, item);
	const struct rules_port_count *count =
		forward ? facts_port_count(doctor->natd, forward->wanted.protocol,
					   forward->wanted.port)
			: NULL;

	if (count)
		say_last(count, forward_name(&forward->wanted), finding);
}

void look_firewalls(const struct doctor *doctor, size_t item, struct finding *finding)
{
	struct facts facts = facts_gather(doctor->natd);

	(void)item;
	finding->result = FOUND_FAIL;
	if (facts.dropped) {
		finding_say(finding, "a firewall of this host drops what comes for %s",
			    facts.silent_port);
	} else if (facts.stopped) {
		finding_say(finding, "another firewall drops what the clients of %s send",
			    facts.stopped_tunnel);
	} else {
		finding->result = FOUND_OK;
		finding_say(finding, "no other firewall of this host drops what is the VPN's");
	}
}

/* ---- the tunnels ---- */

size_t each_tunnel(const struct doctor *doctor)
{
	size_t count = doctor->natd->kernel.tunnel_count;

	return count ? count : 1;
}

static const struct tunnel *tunnel_at(const struct doctor *doctor, size_t item)
{
	const struct kernel *kernel = &doctor->natd->kernel;

	return item < kernel->tunnel_count ? &kernel->tunnels[item] : NULL;
}

void look_tunnel(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct tunnel *tunnel = tunnel_at(doctor, item);

	if (tunnel && tunnel->present) {
		finding_say(finding, "the tunnel %s is there", tunnel->interface);
		return;
	}
	finding->result = FOUND_WARN;
	if (tunnel)
		finding_say(finding, "the tunnel %s does not exist: is the VPN started?",
			    tunnel->interface);
	else
		finding_say(finding,
			    "there is no tunnel (WireGuard, tun or tap): is the VPN started?");
}

bool has_peers(const struct doctor *doctor)
{
	return !doctor->natd->kernel.peers_pending;
}

size_t each_wireguard(const struct doctor *doctor)
{
	return doctor->natd->kernel.peers_count;
}

/* natd connects to a WireGuard in user space at its start, where it may. */
static void say_unasked(const struct doctor *doctor, const struct rules_peers *peers,
			struct finding *finding)
{
	const struct kernel *kernel = &doctor->natd->kernel;

	for (size_t i = 0; i < kernel->tunnel_count; i++) {
		const struct tunnel *tunnel = &kernel->tunnels[i];

		if (strcmp(tunnel->interface, peers->interface) != 0 || tunnel->kind != LINK_TUN ||
		    !facts_is_wireguard(tunnel))
			continue;
		memcpy(finding->unasked, peers->interface, sizeof(finding->unasked));
		finding_say(finding,
			    "%s: only root may ask it for its handshakes: sudo natctl doctor",
			    peers->interface);
	}
}

void look_handshakes(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct rules_peers *peers = &doctor->natd->kernel.peers[item];

	finding->result = FOUND_INFO;
	if (!peers->known)
		say_unasked(doctor, peers, finding);
	else if (peers_print(peers, finding->text))
		finding->result = FOUND_OK;
}

static void say_route(const struct doctor *doctor, const struct tunnel *tunnel,
		      const struct route_answer *answer, struct finding *finding)
{
	const struct network_link *out =
		network_link_by_index(&doctor->natd->network, answer->interface);

	finding->result = answer->error ? FOUND_FAIL : FOUND_OK;
	if (!answer->error)
		finding_say(finding, "the kernel forwards the clients of %s to the internet by %s",
			    tunnel->interface, out ? out->name : "?");
	else if (answer->error == EHOSTUNREACH)
		finding_say(finding,
			    "the kernel does not forward what comes from %s: forwarding is off",
			    tunnel->interface);
	else if (answer->error == ENETUNREACH)
		finding_say(finding, "the clients of %s have no route to the internet",
			    tunnel->interface);
	else if (answer->error == EINVAL || answer->error == EXDEV)
		finding_say(finding, "the kernel refuses the sources of %s (rp_filter)",
			    tunnel->interface);
	else
		finding->result = FOUND_OK; /* not up yet, or no answer: nothing is known */
}

void look_forwarding(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct tunnel *tunnel = tunnel_at(doctor, item);
	struct route_answer answer;
	char other[IF_NAMESIZE];

	if (tunnel && facts_overlap(doctor->natd, tunnel, other)) {
		finding->result = FOUND_FAIL;
		finding_say(finding, "%s has the network of %s as well: the clients get no answers",
			    other, tunnel->interface);
	} else if (tunnel && facts_route(doctor->natd, tunnel, &answer))
		say_route(doctor, tunnel, &answer, finding);
}

/* Only where natd.conf wants an address of its own. */
void look_egress(const struct doctor *doctor, size_t item, struct finding *finding)
{
	struct facts facts = facts_gather(doctor->natd);

	(void)item;
	if (!facts.lost_egress[0])
		return;
	finding->result = facts.egress_closed ? FOUND_FAIL : FOUND_WARN;
	finding_say(finding, "the egress address %s is not on this host", facts.lost_egress);
}

void look_rules(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct kernel *kernel = &doctor->natd->kernel;

	(void)item;
	if (kernel->written) {
		finding_say(finding, "the kernel holds natd's rules");
		return;
	}
	finding->result = kernel->refused[0] ? FOUND_FAIL : FOUND_UNKNOWN;
	if (kernel->refused[0])
		finding_say(finding, "the kernel refuses natd's rules: %s", kernel->refused);
	else
		finding_say(finding, "natd's rules are on their way to the kernel");
}

void look_size(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct tunnel *tunnel = tunnel_at(doctor, item);
	struct facts_size size;

	if (!tunnel || !facts_packet_size(doctor->natd, tunnel, &size))
		return;
	finding->result = size.fits ? FOUND_OK : FOUND_WARN;
	if (size.fits)
		finding_say(finding, "packets of %s fit the line: %u + %u bytes of %u",
			    tunnel->interface, size.inner, size.around, size.line);
	else
		finding_say(finding, "packets of %s are too big for the line: %u + %u bytes of %u",
			    tunnel->interface, size.inner, size.around, size.line);
}
