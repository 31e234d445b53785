/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_floor: how long the kernel alone takes to write natd's tables, for the bench.
 *
 *   rules_floor publishes|clients COUNT RUNS
 *
 * Writes both tables into the network namespace that it is started in, from bytes that were made
 * beforehand, and removes them, RUNS times. One line for each: the milliseconds of the one system
 * call. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "natd/log.h"
#include "rules/frame.h"
#include "rules/guard.h"
#include "rules/nftables.h"
#include "rules/table.h"

#define SETTLE_US        100000 /* the kernel still frees what was removed */
#define PUBLISHES_OF_ONE 60000

static void add_network(struct set *set, uint32_t address, uint8_t length)
{
	struct rules_network network = { .interface = "wg0", .egress = RULES_EGRESS_MASQUERADE };

	network.network = (struct rules_prefix){ .family = AF_INET, .length = length };
	network.network.v4.s_addr = htonl(address);
	set_add_network(set, &network);
}

static void add_publish(struct set *set, uint32_t index)
{
	struct rules_publish publish = { .keep_source = 1 };

	publish.protocol = index < PUBLISHES_OF_ONE ? IPPROTO_TCP : IPPROTO_UDP;
	publish.port = publish.last = publish.to_port = (uint16_t)(index % PUBLISHES_OF_ONE + 1);
	publish.to = (struct rules_prefix){ .family = AF_INET, .length = 32 };
	publish.to.v4.s_addr = htonl(0x0a080002);
	set_add_publish(set, &publish);
}

/* A tunnel, a home network and a port as any natd has them, and what there shall be many of. */
static void make_set(struct set *set, bool clients, uint32_t count)
{
	struct rules_prefix lan = { .family = AF_INET, .length = 24 };

	lan.v4.s_addr = htonl(0xc0a84d00);
	set_begin(set, 1);
	set_add_tunnel(set, &(struct rules_tunnel){ .interface = "wg0", .reach = 7 });
	set_add_lan(set, &lan);
	set_add_port(set, &(struct rules_port){ .protocol = IPPROTO_UDP, .port = 51820 });
	add_network(set, 0x0a000000, 8);
	for (uint32_t i = 0; i < count; i++)
		if (clients)
			add_network(set, 0x0a000000 + i * 2, 32);
		else
			add_publish(set, i);
	if (!set_finish(set))
		fatal("%s", set->what);
}

static double commit(struct nftables *nftables, struct batch *batch)
{
	struct batch_error error = { 0 };
	struct timespec began;
	struct timespec ended;

	clock_gettime(CLOCK_MONOTONIC, &began);
	if (!nftables_commit(nftables, batch, &error))
		fatal("the kernel refuses it: %s", strerror(error.error));
	clock_gettime(CLOCK_MONOTONIC, &ended);
	return (double)(ended.tv_sec - began.tv_sec) * 1e3 +
	       (double)(ended.tv_nsec - began.tv_nsec) / 1e6;
}

int main(int argc, char **argv)
{
	struct nftables nftables;
	struct frame frame = { 0 };
	struct batch write;
	struct batch end;
	struct set set = { 0 };

	log_open("floor", true);
	if (argc != 4)
		fatal("usage: rules_floor publishes|clients COUNT RUNS");
	make_set(&set, strcmp(argv[1], "clients") == 0, (uint32_t)atoi(argv[2]));
	nftables_open(&nftables);
	frame_make(&frame, &set, 0, 0);
	frame_begin(&frame, &write, &set, true);
	batch_end(&write);
	batch_begin(&end);
	table_remove(&end);
	guard_remove(&end);
	batch_end(&end);
	for (int run = atoi(argv[3]); run > 0; run--) {
		printf("%.3f\n", commit(&nftables, &write));
		commit(&nftables, &end);
		usleep(SETTLE_US);
	}
	return EXIT_SUCCESS;
}
