/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules_driver: stands in for natd before the real rules process, for the system tests.
 *
 *   rules_driver UID
 *
 * Starts rules_main() as natd does, as UID with CAP_NET_ADMIN, prints "pid PID" and reads one
 * request a line; fields are not checked here, so a test can send what natd never would:
 *
 *   begin GENERATION [none|guard|all]           which tables are owned
 *   commit|remove|count GENERATION
 *   tunnel GENERATION INTERFACE REACH
 *   network GENERATION INTERFACE PREFIX none|masquerade|closed|ADDRESS|FIRST-LAST|PREFIX
 *   lan GENERATION PREFIX
 *   port GENERATION PROTOCOL PORT
 *   publish GENERATION PROTOCOL PORT LAST ADDRESS TO-PORT KEEP-SOURCE
 *   sysctl GENERATION NAME VALUE
 *   wireguard GENERATION INTERFACE
 *   peers GENERATION INTERFACE
 *   coexist GENERATION 0|1
 *   gone GENERATION ADDRESS
 *   trace GENERATION ADDRESS ADDRESS           from one host to another
 *   trace-ports GENERATION                     from anywhere to our ports
 *   untrace GENERATION
 *   fill GENERATION INTERFACE COUNT            COUNT networks /32 of 10.0.0.0/8
 *   raw WHAT GENERATION BYTE                   a request of number WHAT, every other byte BYTE
 *   short SIZE                                 a message of another size
 *
 * Each report is one line: what it is, its generation, its fields. "gone STATUS" is the end of the
 * process, as waitpid(2) gives it. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "natd/log.h"
#include "natd/process.h"
#include "rules/rules.h"

#define LINE_SIZE  512
#define WORDS_MAX  8
#define BAD_FAMILY 99

static void read_prefix(struct rules_prefix *prefix, const char *text)
{
	char address[INET6_ADDRSTRLEN + 4];
	char *slash;

	snprintf(address, sizeof(address), "%s", text);
	slash = strchr(address, '/');
	if (slash)
		*slash = '\0';
	prefix->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(prefix->family, address, &prefix->v6) != 1)
		prefix->family = BAD_FAMILY;
	prefix->length = (uint8_t)(slash ? atoi(slash + 1) : prefix->family == AF_INET ? 32 : 128);
}

static void read_network(struct rules_request *request, char **words)
{
	struct rules_network *network = &request->network;
	char *last;

	snprintf(network->interface, sizeof(network->interface), "%s", words[2]);
	read_prefix(&network->network, words[3]);
	if (strcmp(words[4], "none") == 0) {
		network->egress = RULES_EGRESS_NONE;
	} else if (strcmp(words[4], "closed") == 0) {
		network->egress = RULES_EGRESS_CLOSED;
	} else if (strcmp(words[4], "masquerade") == 0) {
		network->egress = RULES_EGRESS_MASQUERADE;
	} else if (strchr(words[4], '/')) {
		network->egress = RULES_EGRESS_PREFIX;
		read_prefix(&network->address, words[4]);
	} else {
		last = strchr(words[4], '-');
		network->egress = last ? RULES_EGRESS_POOL : RULES_EGRESS_ADDRESS;
		if (last) {
			*last = '\0';
			read_prefix(&network->last, last + 1);
		}
		read_prefix(&network->address, words[4]);
	}
}

static const char *const owned_ways[RULES_OWNED_WAYS] = { "none", "guard", "all" };

static void read_begin(struct rules_request *request, char **words)
{
	while (request->begin.owned < RULES_OWNED_WAYS &&
	       strcmp(words[2], owned_ways[request->begin.owned]) != 0)
		request->begin.owned++;
}

static void read_tunnel(struct rules_request *request, char **words)
{
	/* All 16 bytes may be used: a name without its NUL is a test. */
	memcpy(request->tunnel.interface, words[2], strnlen(words[2], IF_NAMESIZE));
	if (words[3])
		request->tunnel.reach = (uint8_t)atoi(words[3]);
}

static void read_lan(struct rules_request *request, char **words)
{
	read_prefix(&request->prefix, words[2]);
}

static void read_port(struct rules_request *request, char **words)
{
	request->port.protocol = (uint8_t)atoi(words[2]);
	request->port.port = (uint16_t)atoi(words[3]);
}

static void read_publish(struct rules_request *request, char **words)
{
	request->publish.protocol = (uint8_t)atoi(words[2]);
	request->publish.port = (uint16_t)atoi(words[3]);
	request->publish.last = (uint16_t)atoi(words[4]);
	read_prefix(&request->publish.to, words[5]);
	request->publish.to_port = (uint16_t)atoi(words[6]);
	request->publish.keep_source = (uint8_t)atoi(words[7]);
}

static void read_sysctl(struct rules_request *request, char **words)
{
	snprintf(request->sysctl.name, sizeof(request->sysctl.name), "%s", words[2]);
	request->sysctl.value = atoi(words[3]);
}

static void read_coexist(struct rules_request *request, char **words)
{
	request->coexist = (uint8_t)atoi(words[2]);
}

static void read_trace(struct rules_request *request, char **words)
{
	read_prefix(&request->trace.from, words[2]);
	read_prefix(&request->trace.to, words[3]);
}

static const struct {
	const char *word;
	enum rules_request_what what;
	int words;
	void (*read)(struct rules_request *request, char **words);
} commands[] = {
	{ "begin", RULES_BEGIN, 2, NULL },
	{ "begin", RULES_BEGIN, 3, read_begin },
	{ "commit", RULES_COMMIT, 2, NULL },
	{ "remove", RULES_REMOVE, 2, NULL },
	{ "count", RULES_COUNT, 2, NULL },
	{ "tunnel", RULES_TUNNEL, 4, read_tunnel },
	{ "network", RULES_NETWORK, 5, read_network },
	{ "lan", RULES_LAN, 3, read_lan },
	{ "port", RULES_PORT, 4, read_port },
	{ "publish", RULES_PUBLISH, 8, read_publish },
	{ "sysctl", RULES_SYSCTL, 4, read_sysctl },
	{ "wireguard", RULES_WIREGUARD, 3, read_tunnel },
	{ "peers", RULES_PEERS, 3, read_tunnel },
	{ "coexist", RULES_COEXIST, 3, read_coexist },
	{ "gone", RULES_GONE, 3, read_lan },
	{ "trace", RULES_TRACE, 4, read_trace },
	{ "trace-ports", RULES_TRACE, 2, NULL },
	{ "untrace", RULES_TRACE_END, 2, NULL },
};

/* The socket is non-blocking at this end; rules may be busy with what came before. */
static void send_request(int socket, const struct rules_request *request)
{
	while (!process_send(socket, request, sizeof(*request))) {
		struct pollfd writable = { .fd = socket, .events = POLLOUT };

		if (poll(&writable, 1, 5000) <= 0 || writable.revents & POLLHUP)
			return;
	}
}

static void fill(int socket, char **words)
{
	struct rules_request request = { .what = RULES_NETWORK,
					 .generation = (uint32_t)atoi(words[1]) };

	snprintf(request.network.interface, IF_NAMESIZE, "%s", words[2]);
	request.network.network.family = AF_INET;
	request.network.network.length = 32;
	request.network.egress = RULES_EGRESS_MASQUERADE;
	for (uint32_t i = 0; i < (uint32_t)atoi(words[3]); i++) {
		request.network.network.v4.s_addr = htonl(0x0a000000 + i * 2);
		send_request(socket, &request);
	}
}

static void send_raw(int socket, char **words)
{
	struct rules_request request;

	memset(&request, atoi(words[3]), sizeof(request));
	request.what = (enum rules_request_what)atoi(words[1]);
	request.generation = (uint32_t)atoi(words[2]);
	send_request(socket, &request);
}

static void send_short(int socket, char **words)
{
	char bytes[sizeof(struct rules_request)] = { 0 };

	process_send(socket, bytes, (size_t)atoi(words[1]) % sizeof(bytes));
}

static void obey(int socket, char **words, int count)
{
	struct rules_request request;

	if (strcmp(words[0], "fill") == 0 && count == 4)
		fill(socket, words);
	else if (strcmp(words[0], "raw") == 0 && count == 4)
		send_raw(socket, words);
	else if (strcmp(words[0], "short") == 0 && count == 2)
		send_short(socket, words);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(words[0], commands[i].word) != 0 || count != commands[i].words)
			continue;
		memset(&request, 0, sizeof(request));
		request.what = commands[i].what;
		request.generation = (uint32_t)strtoul(words[1], NULL, 10);
		if (commands[i].read)
			commands[i].read(&request, words);
		send_request(socket, &request);
	}
}

static void on_line(int socket, char *line)
{
	char *words[WORDS_MAX + 1] = { NULL };
	int count = 0;

	for (char *word = strtok(line, " \n"); word && count < WORDS_MAX;
	     word = strtok(NULL, " \n"))
		words[count++] = word;
	if (count > 0)
		obey(socket, words, count);
}

static void print_network(uint32_t generation, const struct rules_network_count *network)
{
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(network->network.family, &network->network.v6, text, sizeof(text));
	printf("network %u %s/%u %" PRIu64 "\n", generation, text, network->network.length,
	       network->packets);
}

static void print_crowd(uint32_t generation, const struct rules_crowd *crowd)
{
	char address[INET6_ADDRSTRLEN] = "";
	char server[INET6_ADDRSTRLEN] = "";

	if (!crowd->connections)
		return;
	inet_ntop(crowd->address.family, &crowd->address.v6, address, sizeof(address));
	inet_ntop(crowd->server.family, &crowd->server.v6, server, sizeof(server));
	printf("crowd %u %s %u %s %u %u\n", generation, address, crowd->protocol, server,
	       crowd->port, crowd->connections);
}

static void print_traced(const struct rules_traced *traced)
{
	char from[INET6_ADDRSTRLEN] = "";
	char source[INET6_ADDRSTRLEN] = "";

	inet_ntop(traced->from.family, &traced->from.v6, from, sizeof(from));
	inet_ntop(traced->source.family, &traced->source.v6, source, sizeof(source));
	printf("traced %u %u %u %u %s %s %u %s %s %" PRIu64 " %s\n", traced->fate, traced->protocol,
	       traced->port, traced->home, from, source, traced->family, traced->table,
	       traced->chain, traced->handle, traced->comment);
}

static void print_report(const struct rules_report *said)
{
	uint32_t generation = said->generation;

	switch (said->what) {
	case RULES_WRITTEN:
		printf("owned %u %s\n", generation,
		       owned_ways[said->written.owned % RULES_OWNED_WAYS]);
		/* fallthrough */
	case RULES_REMOVED:
		printf("%s %u %d %u %s\n", said->what == RULES_WRITTEN ? "written" : "removed",
		       generation, said->written.error, said->written.took_us, said->written.what);
		break;
	case RULES_SYSCTL_IS:
		printf("sysctl %u %s %d %d\n", generation, said->sysctl.name, said->sysctl.before,
		       said->sysctl.error);
		break;
	case RULES_PORT_COUNT:
		printf("port %u %u %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64
		       "\n",
		       generation, said->port.protocol, said->port.port, said->port.arrived,
		       said->port.delivered, said->port.arrived_lan, said->port.seen_ago,
		       said->port.seen_lan_ago);
		break;
	case RULES_NETWORK_COUNT: print_network(generation, &said->network); break;
	case RULES_TUNNEL_COUNT:
		printf("tunnel %u %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		       generation, said->tunnel.interface, said->tunnel.in, said->tunnel.out,
		       said->tunnel.spoofed, said->tunnel.allowed, said->tunnel.passed);
		break;
	case RULES_PUBLISH_COUNT:
		printf("publish %u %u %u %u %" PRIu64 "\n", generation, said->publish.family,
		       said->publish.protocol, said->publish.port, said->publish.connections);
		break;
	case RULES_CROWD: print_crowd(generation, &said->crowd); break;
	case RULES_COUNTED: printf("counted %u\n", generation); break;
	case RULES_TOUCHED:
		if (said->touched.wait_ms)
			printf("waits %u %u\n", generation, said->touched.wait_ms);
		else
			printf("touched %u %u %s %u %d\n", generation, said->touched.pid,
			       said->touched.program, said->touched.took_us, said->touched.error);
		break;
	case RULES_WIREGUARD_IS:
		printf("wireguard %u %s %u\n", generation, said->wireguard.interface,
		       said->wireguard.port);
		break;
	case RULES_PEERS_ARE:
		printf("peers %u %s %u %u %" PRId64 "\n", generation, said->peers.interface,
		       said->peers.peers, said->peers.shaken, said->peers.ago);
		break;
	case RULES_TRACING: printf("tracing %u %d\n", generation, said->written.error); break;
	case RULES_TRACED: print_traced(&said->traced); break;
	case RULES_PURGED: printf("purged %u %u\n", generation, said->purged); break;
	case RULES_FIREWALL:
		printf("firewall %u %u %s %s hook=%u owner=%u closes=%u passed=%u dropped=%" PRIu64
		       "\n",
		       generation, said->firewall.family, said->firewall.table,
		       said->firewall.chain, said->firewall.hook, said->firewall.owner,
		       said->firewall.closes, said->firewall.passed, said->firewall.dropped);
		break;
	case RULES_WAY_OUT:
		printf("way-out %u %u %s %s \"%s\" %u/%u\n", generation, said->way_out.family,
		       said->way_out.table, said->way_out.chain, said->way_out.interface,
		       said->way_out.from.family, said->way_out.from.length);
		break;
	case RULES_SCANNED: printf("scanned %u\n", generation); break;
	case RULES_REPORTS: printf("unknown %u\n", generation); break;
	}
}

static void gone(const struct process *process)
{
	int status = 0;

	waitpid(process->pid, &status, 0);
	printf("gone %d\n", status);
	exit(EXIT_SUCCESS);
}

static void drain(const struct process *process)
{
	struct rules_report said;
	int got;

	while ((got = process_receive(process->socket, &said, sizeof(said), false)) > 0)
		print_report(&said);
	if (got < 0)
		gone(process);
}

/* Standard input is read unbuffered below stdio, so that poll(2) sees what is left. */
static bool read_line(char line[LINE_SIZE])
{
	size_t used = 0;

	while (used < LINE_SIZE - 1 && read(STDIN_FILENO, line + used, 1) == 1)
		if (line[used++] == '\n')
			break;
	line[used] = '\0';
	return used > 0;
}

int main(int argc, char **argv)
{
	struct identity nobody = { .uid = 65534, .gid = 65534 };
	struct process process;
	char line[LINE_SIZE];

	if (argc > 1)
		nobody.uid = nobody.gid = (uid_t)atoi(argv[1]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	log_open("driver", true);
	process_start(&process, "rules", PROCESS_NET_ADMIN, &nobody, rules_main);
	printf("pid %d\n", (int)process.pid);
	for (;;) {
		struct pollfd waiting[] = {
			{ .fd = process.socket, .events = POLLIN },
			{ .fd = STDIN_FILENO, .events = POLLIN },
		};

		poll(waiting, 2, -1);
		if (waiting[0].revents)
			drain(&process);
		if (!waiting[1].revents)
			continue;
		if (!read_line(line))
			return EXIT_SUCCESS;
		on_line(process.socket, line);
	}
}
