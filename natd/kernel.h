/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel: what natd wants of the kernel and what rules has told of it. */
#ifndef NATD_KERNEL_H
#define NATD_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "natd/config.h"
#include "natd/firewalls.h"
#include "natd/network.h"
#include "natd/process.h"
#include "natd/sysctl.h"
#include "natd/tunnels.h"
#include "natd/ways_out.h"
#include "rules/rules.h"

/* A client with an egress of its own. */
struct kernel_client {
	struct config_client is;
	char interface[IF_NAMESIZE]; /* of its tunnel; "": it is behind none */
	uint64_t connections;        /* translated so far */
};

struct kernel_publish {
	struct config_publish is;
	char interface[IF_NAMESIZE]; /* of the client's tunnel; "": it is behind none */
	uint64_t connections;        /* handed on so far */
};

struct kernel {
	struct process *rules;
	struct tunnel tunnels[CONFIG_TUNNELS_MAX];
	size_t tunnel_count;
	struct kernel_client *clients; /* in the configuration's order, as the publishes */
	size_t client_count;
	struct kernel_publish *publishes;
	size_t publish_count;
	struct sysctls sysctls;
	struct firewalls firewalls;
	struct ways_out ways_out; /* of other programs' rules */
	bool coexist;             /* what rules was told of it */
	bool coexist_told;
	bool removing; /* natd stops: nothing is wanted any more */

	/* The set that rules was given last. */
	struct rules_request *set;
	size_t set_count;
	uint32_t generation;

	/* What rules says. */
	bool written;          /* the kernel has the set of `generation` */
	bool in_force;         /* it has one of ours, this or an earlier one */
	unsigned int refusals; /* in a row */
	uint8_t owned;         /* enum rules_owned */
	bool removed;
	char refused[RULES_TEXT_MAX]; /* why not */
	uint32_t repairs;
	uint64_t purged;         /* connections ended because they would have gone on wrongly */
	uint32_t repairs_in_row; /* with no calm of a minute between two */
	struct rules_touched last_repair;
	int64_t last_repair_at; /* CLOCK_BOOTTIME milliseconds */
	struct rules_port_count ports[CONFIG_FORWARDS_MAX];
	size_t port_count;
	struct rules_tunnel_count tunnel_counts[CONFIG_TUNNELS_MAX];
	size_t tunnel_count_count;
	bool counting; /* RULES_COUNTED is to come */
	struct rules_peers peers[CONFIG_TUNNELS_MAX];
	size_t peers_count;
	size_t peers_pending; /* interfaces that rules was asked about */
	struct rules_crowd crowd;
};

/* A forward's port that rules shall count. */
struct kernel_port {
	uint8_t protocol;
	uint16_t port;
};

void kernel_init(struct kernel *kernel, struct process *rules);

/* Works out the set from configuration, network and ports, and sends it where it differs from the last
 * one, or where the kernel has refused that. Nothing is forwarded before a set is in force: clients would
 * leave untranslated, and go where they must not. `save` is called before the first sysctl is written, so
 * that its old value survives a crash. */
void kernel_want(struct kernel *kernel, const struct config *config, const struct network *network,
		 const struct kernel_port *ports, size_t port_count, void (*save)(void *context),
		 void *context);

/* Is a port of this host handed on to a client? Either family counts. */
bool kernel_is_published(const struct kernel *kernel, uint8_t protocol, uint16_t port);

/* Milliseconds until a set that the kernel has refused is sent again: perhaps another program had the
 * table, or there was no memory. */
int64_t kernel_wait_ms(const struct kernel *kernel);

/* Does another program keep changing the tables? */
bool kernel_is_contested(const struct kernel *kernel, int64_t now);

/* Asks rules for the counters, unless they are on their way; RULES_COUNTED ends the answer. */
void kernel_count(struct kernel *kernel);

/* Asks which port the kernel's WireGuard interface `name` listens on; RULES_WIREGUARD_IS answers. */
void kernel_ask_wireguard(struct kernel *kernel, const char *name);

/* Asks with whom each WireGuard has shaken hands; RULES_PEERS_ARE answers for each. */
void kernel_ask_peers(struct kernel *kernel);

/* An address that this host had is gone: ends the connections that left with it. */
void kernel_gone(struct kernel *kernel, const struct address *address);

/* Follows packets until kernel_trace_end(); RULES_TRACING says whether it began, RULES_TRACED each. */
void kernel_trace(struct kernel *kernel, const struct rules_trace *trace);
void kernel_trace_end(struct kernel *kernel);

/* Puts the switches back and deletes the table; kernel->removed when it is done. */
void kernel_remove(struct kernel *kernel);

/* The address of a host prefix of rules. */
struct address kernel_address(const struct rules_prefix *host);

/* Takes a report; fatal on one that our own build cannot send. */
void kernel_report(struct kernel *kernel, const struct rules_report *report, int64_t now);

#endif
