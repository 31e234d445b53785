/* SPDX-License-Identifier: GPL-2.0-or-later */
/* natd.conf(5): what is read, and what each refusal says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "natd/config.h"

#define EGRESSES                                                                                   \
	"\"masquerade\", \"none\", an address of this host like \"203.0.113.9\", up to 256 like "  \
	"\"203.0.113.8-203.0.113.11\", or an IPv6 prefix like \"2001:db8:1::/64\""

static char directory[] = "/tmp/natd-test-config-XXXXXX";

static const char *write_file(const char *name, const void *text, size_t size)
{
	static char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	fclose(file);
	return path;
}

#define THOUSANDS 2000

static bool read_text(struct config *config, const char *text, char error[CONFIG_ERROR_MAX])
{
	return config_read(config, write_file("natd.conf", text, strlen(text)), false, error);
}

static void check_published(const struct config *config)
{
	const struct config_publish *web = &config->publishes[0];
	const struct config_publish *game = &config->publishes[2]; /* IPv6, and UDP after TCP */
	char printed[ADDRESS_TEXT_MAX];

	assert_int_equal(config->publish_count, 3);
	assert_string_equal(web->name, "web");
	assert_int_equal(web->protocol, IPPROTO_TCP);
	assert_int_equal(web->port, 443);
	assert_int_equal(web->last, 443);
	assert_int_equal(web->to_port, 8443);
	assert_true(web->keep_source);
	assert_string_equal(address_print(&web->to, printed), "10.8.0.2");
	assert_int_equal(game->protocol, IPPROTO_UDP);
	assert_int_equal(game->port, 2000);
	assert_int_equal(game->last, 2499);
	assert_int_equal(game->to_port, 2000);
	assert_false(game->keep_source);
}

static void test_everything_is_read(void **state)
{
	static const char text[] =
		"router { protocols = { \"upnp\", \"pcp\" } lease = 20 keep = true "
		"stun = \"198.51.100.7:3478\" }\n"
		"rules { owned = false }\n"
		"forward \"web\" { protocol = \"tcp\" port = 8443 external = 443 ipv6 = false }\n"
		"tunnel \"wg0\" { networks = { \"10.8.0.0/24\", \"fd42::/64\" }\n"
		"  egress = \"203.0.113.9\" reach = { \"clients\" } }\n"
		"client \"10.8.0.2\" { egress = \"203.0.113.10\" egress-gone = masquerade }\n"
		"client \"fd42::8:0/112\" { egress = none }\n"
		"publish \"web\" { port = 443 to = \"10.8.0.2\" to-port = 8443 }\n"
		"publish \"game\" { protocol = udp port = 2000-2499 to = \"fd42::2\" source = hide "
		"}\n"
		"publish \"web6\" { port = 443 to = \"fd42::2\" }\n"
		"name = \"My-Home.ddns.net\"\n"
		"coexist = false\n";
	char error[CONFIG_ERROR_MAX];
	struct config config;
	struct config_tunnel *tunnel = &config.tunnels[0];
	char printed[PREFIX_TEXT_MAX];

	(void)state;
	assert_true(read_text(&config, text, error));
	assert_int_equal(config.order_count, 2);
	assert_int_equal(config.order[0], UPNP_IGD);
	assert_int_equal(config.order[1], UPNP_PCP);
	assert_int_equal(config.lease, 20);
	assert_int_equal(config.stun.port, 3478);
	assert_int_equal(ntohl(config.stun.address.s_addr), 0xc6336407);
	assert_true(config.keep);
	assert_false(config.coexist);
	assert_string_equal(config.name, "My-Home.ddns.net");
	assert_false(config.owned);
	assert_int_equal(config.forward_count, 1);
	assert_string_equal(config.forwards[0].name, "web");
	assert_int_equal(config.forwards[0].protocol, IPPROTO_TCP);
	assert_int_equal(config.forwards[0].port, 8443);
	assert_int_equal(config.forwards[0].external, 443);
	assert_false(config.forwards[0].ipv6);
	assert_string_equal(tunnel->interface, "wg0");
	assert_int_equal(tunnel->network_count, 2);
	assert_string_equal(prefix_print(&tunnel->networks[1], printed), "fd42::/64");
	assert_int_equal(tunnel->egress.kind, RULES_EGRESS_ADDRESS);
	assert_string_equal(address_print(&tunnel->egress.address, printed), "203.0.113.9");
	assert_int_equal(tunnel->reach, RULES_REACH_CLIENTS);
	assert_int_equal(config.client_count, 2);
	assert_string_equal(prefix_print(&config.clients[0].network, printed), "10.8.0.2/32");
	assert_string_equal(address_print(&config.clients[0].egress.address, printed),
			    "203.0.113.10");
	assert_true(config.clients[0].egress.masquerade_gone);
	assert_false(tunnel->egress.masquerade_gone);
	assert_string_equal(prefix_print(&config.clients[1].network, printed), "fd42::8:0/112");
	assert_int_equal(config.clients[1].egress.kind, RULES_EGRESS_NONE);
	check_published(&config);
	config_free(&config);
	assert_null(config.clients);
}

static void test_silence_is_the_default(void **state)
{
	char error[CONFIG_ERROR_MAX];
	struct config defaults;
	struct config config;

	(void)state;
	config_defaults(&defaults);
	assert_true(read_text(&config, "# nothing\n", error));
	assert_memory_equal(&config, &defaults, sizeof(config));
	assert_true(config_read(&config, "/nonexistent/natd.conf", true, error));
	assert_memory_equal(&config, &defaults, sizeof(config));
	assert_true(read_text(
		&config, "router { }\nforward \"a\" { port = 7 }\ntunnel \"wg0\" { }\n", error));
	assert_int_equal(config.order_count, UPNP_PROTOCOLS);
	assert_int_equal(config.forwards[0].protocol, IPPROTO_UDP);
	assert_int_equal(config.forwards[0].external, 7);
	assert_int_equal(config.tunnels[0].reach, RULES_REACH_INTERNET | RULES_REACH_LAN);
	assert_int_equal(config.tunnels[0].egress.kind, RULES_EGRESS_MASQUERADE);
	assert_true(read_text(&config, "router { protocols = { } }\n", error));
	assert_int_equal(config.order_count, 0);
}

/* Each refusal quotes what is wrong, at its line, and says what is allowed. */
static void test_refusals(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} refusals[] = {
		{ "forward \"a\" {\n port = 99999 }",
		  ":2: port = \"99999\" is not allowed; allowed: a port, 1 to 65535" },
		{ "forward \"a\" {\n port = 0x50 }",
		  ":2: port = \"0x50\" is not allowed; allowed: a port, 1 to 65535" },
		{ "forward \"a\" {\n port = -1 }",
		  ":2: port = \"-1\" is not allowed; allowed: a port, 1 to 65535" },
		{ "forward \"a\" { port = 1\n protocol = \"sctp\" }",
		  ":2: protocol = \"sctp\" is not allowed; allowed: \"udp\" or \"tcp\"" },
		{ "forward \"a\" {\n prot = 9 }",
		  ":2: no such option 'prot'; allowed here: protocol, port, external, ipv6" },
		{ "name = myhome", "name = \"myhome\" is not allowed; allowed: a whole DNS name" },
		{ "name = \"a..b\"", "is not allowed" },
		{ "name = 192.168.1.1", "is not allowed" },
		{ "name = \"-a.net\"", "is not allowed" },
		{ "\n\nnames = 5",
		  ":3: no such option 'names'; allowed here: router, rules, forward, "
		  "tunnel, client, publish, coexist, name" },
		{ "client \"10.8.0.1/24\" { egress = none }",
		  ":1: client \"10.8.0.1/24\": allowed is an address or a network with no host "
		  "bits, "
		  "like \"10.8.0.2\" or \"fd42::/64\"" },
		{ "client \"phone\" { egress = none }",
		  ":1: client \"phone\": allowed is an address" },
		{ "client \"0.0.0.0/0\" { egress = none }",
		  ":1: client \"0.0.0.0/0\": allowed is" },
		{ "client \"10.8.0.2\" {\n egress = lan }",
		  ":2: egress = \"lan\" is not allowed; allowed: " EGRESSES },
		{ "client \"10.8.0.2\" { }",
		  ":1: client \"10.8.0.2\" has no egress; allowed: egress = " EGRESSES },
		{ "client \"10.8.0.2\" { egress = \"2a11::8-2a11::9\" }",
		  ":1: client \"10.8.0.2\" cannot leave with 2a11::8-2a11::9; allowed: an IPv4 "
		  "address" },
		{ "client \"10.8.0.2\" { egress = \"2a11::9\" }",
		  ":1: client \"10.8.0.2\" cannot leave with 2a11::9; allowed: an IPv4 address" },
		{ "client \"fd42::2\" { egress = \"8.8.8.8\" }",
		  ":1: client \"fd42::2\" cannot leave with 8.8.8.8; allowed: an IPv6 address" },
		{ "client \"10.8.0.2\" { egress = none }\nclient \"10.8.0.2/32\" { egress = none }",
		  ":2: client \"10.8.0.2/32\" is there twice; allowed: each client once" },
		{ "publish \"a\" { to = \"10.8.0.2\" }",
		  ":1: publish \"a\" has no port; allowed: port = a port, 1 to 65535, or several, "
		  "like \"2000-2499\"" },
		{ "publish \"a\" { port = 80 }",
		  ":1: publish \"a\" has no to; allowed: to = the address of a client, like "
		  "\"10.8.0.2\"" },
		{ "publish \"a\" {\n port = 90-80 }",
		  ":2: port = \"90-80\" is not allowed; allowed: "
		  "a port, 1 to 65535, or several" },
		{ "publish \"a\" {\n port = 1-65536 }", ":2: port = \"1-65536\" is not allowed" },
		{ "publish \"a\" {\n port = 0-5 }", ":2: port = \"0-5\" is not allowed" },
		{ "publish \"a\" {\n port = 100000-5 }", ":2: port = \"100000-5\" is not allowed" },
		{ "publish \"a\" {\n to = \"10.8.0.0/24\" }",
		  ":2: to = \"10.8.0.0/24\" is not allowed; allowed: the address of a client, like "
		  "\"10.8.0.2\"" },
		{ "publish \"a\" {\n to-port = 0 }",
		  ":2: to-port = \"0\" is not allowed; allowed: a port, 1 to 65535" },
		{ "publish \"a\" {\n source = no }",
		  ":2: source = \"no\" is not allowed; allowed: \"keep\" or \"hide\"" },
		{ "publish \"a\" {\n protocol = sctp }",
		  ":2: protocol = \"sctp\" is not allowed; allowed: \"udp\" or \"tcp\"" },
		{ "publish \"a\" { port = 1-100 to = \"10.8.0.2\" to-port = 65500 }",
		  ":1: publish \"a\": 100 ports from to-port 65500 on end beyond 65535; allowed: "
		  "to-port = 1 to 65436" },
		{ "publish \"a\" { port = 80-90 to = \"10.8.0.2\" }\n"
		  "publish \"b\" { port = 90 to = \"10.8.0.3\" }",
		  ":2: publish \"b\" wants port 90, which publish \"a\" has; allowed: each port "
		  "once per "
		  "protocol and family" },
		{ "tunnel \"wg0\" {\n egress-gone = open }",
		  ":2: egress-gone = \"open\" is not allowed; "
		  "allowed: \"close\" or \"masquerade\"" },
		{ "client {\n egress = none }",
		  ":1: missing title for section 'client'; allowed: a "
		  "name in quotes" },
		{ "forward \"a\" { }",
		  ":1: forward \"a\" has no port; allowed: port = 1 to 65535" },
		{ "forward \"a\" { port = 5 }\nforward \"b\" { port = 5 }",
		  ":2: forward \"b\" wants external port 5, which forward \"a\" has; allowed: each "
		  "port once per protocol" },
		{ "forward \"a\" { port = 5 }\nforward \"a\" { port = 6 }",
		  ":2: found duplicate title 'a'; allowed: each name once" },
		{ "forward {\n port = 5 }", ":1: missing title for section 'forward'; allowed: a "
					    "name in quotes, like forward \"wireguard\" { ... }" },
		{ "forward \"a;b\" { port = 5 }",
		  ":1: forward \"a;b\": allowed is a name of letters, digits, '.', '_' and '-', at "
		  "most 31 long" },
		{ "tunnel \"this-name-is-too-long\" { }",
		  ":1: tunnel \"this-name-is-too-long\": allowed is a name of letters, digits, "
		  "'.', '_' and '-', at most 15 long" },
		{ "forward \"a\" {\n port = 5",
		  ":2: a section is not closed; allowed: a '}' at the end of each section" },
		{ "router { lease = \"7200 }",
		  ":1: a string is not closed; allowed: a second '\"' on the line of the first" },
		{ "router { protocols = { \"pcp\",\n",
		  ":1: premature end of file; allowed: each list closed, and a value behind each "
		  "'='" },
		{ "router {\n lease =", ":2: premature end of file" },
		{ "}", ":1: unexpected closing brace; allowed: one '}' for each '{'" },
		{ "router { lease = }",
		  ":1: unexpected token '}'; allowed: NAME = VALUE, or SECTION { ... }" },
		{ "router { lease = 19 }",
		  ":1: lease = \"19\" is not allowed; allowed: seconds, 20 to 604800" },
		{ "router { stun = \"stun example:3478\" }",
		  ":1: stun = \"stun example:3478\" is not allowed; allowed: an IPv4 address "
		  "or a name, and a port, like \"stun.example.net:3478\"" },
		{ "router { stun = \"[2001:db8::1]:3478\" }",
		  ":1: stun = \"[2001:db8::1]:3478\" is not allowed" },
		{ "router { stun = \"stun.example.net\" }",
		  ":1: stun = \"stun.example.net\" is not allowed" },
		{ "router { stun = \"198.51.100.7\" }",
		  ":1: stun = \"198.51.100.7\" is not allowed" },
		{ "router { stun = \"198.51.100.7:0\" }",
		  ":1: stun = \"198.51.100.7:0\" is not allowed" },
		{ "router { lease = 604801 }",
		  ":1: lease = \"604801\" is not allowed; allowed: seconds, 20 to 604800" },
		{ "rules { owned = maybe }",
		  ":1: owned = \"maybe\" is not allowed; allowed: true or false" },
		{ "router { keep = maybe }",
		  ":1: keep = \"maybe\" is not allowed; allowed: true or false" },
		{ "coexist = perhaps", ":1: coexist = \"perhaps\" is not allowed; allowed: true or "
				       "false" },
		{ "router { protocols = { \"pcp\", \"pcp\" } }",
		  ":1: protocols = \"pcp\" is not allowed; allowed: \"pcp\", \"nat-pmp\" and "
		  "\"upnp\", each once" },
		{ "tunnel \"wg0\" {\n networks = { \"10.8.0.1/24\" } }",
		  ":2: networks = \"10.8.0.1/24\" is not allowed; allowed: at most 16 networks "
		  "with their length and no host bits, like \"10.8.0.0/24\" or \"fd42::/64\"" },
		{ "tunnel \"wg0\" {\n networks = { \"10.8.0.0/24\",\n \"10.9.0.0\" } }",
		  ":3: networks = \"10.9.0.0\" is not allowed; allowed: at most 16 networks "
		  "with their length" },
		{ "tunnel \"wg0\" { networks = { \"fd42::\" } }",
		  ":1: networks = \"fd42::\" is not allowed" },
		{ "tunnel \"wg0\" { egress = \"8.8.8.8-8.8.8.7\" }",
		  ":1: egress = \"8.8.8.8-8.8.8.7\" is not allowed; allowed: " EGRESSES },
		{ "tunnel \"wg0\" { egress = \"127.0.0.1\" }",
		  ":1: egress = \"127.0.0.1\" is not allowed" },
		{ "tunnel \"wg0\" { reach = { \"moon\" } }",
		  ":1: reach = \"moon\" is not allowed; allowed: \"internet\", \"lan\" and "
		  "\"clients\"" },
		{ "\033[31mred",
		  ":1: no such option '?[31mred'; allowed here: router, rules, forward, "
		  "tunnel, client, publish, coexist, name" },
	};
	char error[CONFIG_ERROR_MAX];
	struct config before;
	struct config config;

	(void)state;
	memset(&config, 0x5a, sizeof(config));
	before = config;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		assert_false(read_text(&config, refusals[i].text, error));
		if (!strstr(error, refusals[i].said))
			fail_msg("%s\nsays:  %s\nwants: %s", refusals[i].text, error,
				 refusals[i].said);
		assert_int_equal(strncmp(error, directory, strlen(directory)), 0);
		assert_memory_equal(&config, &before, sizeof(config));
	}
}

/* The line is the one that an editor shows, whatever stands in the comments before it. */
static void test_lines_after_comments(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} refusals[] = {
		{ "# one\n# two\nlease = 5\n", ":3: no such option 'lease'" },
		{ "// one\n//// two\nlease = 5\n", ":3: no such option 'lease'" },
		{ "/* one */\n/* two\n three */\nlease = 5\n", ":4: no such option 'lease'" },
		{ "coexist = true # one\n\nlease = 5 # two\n", ":3: no such option 'lease'" },
		{ "coexist = true#one\nlease = 5\n", ":2: no such option 'lease'" },
		{ "router {\n # \"one\n /* it's */ lease = 1\n}\n", ":3: lease = \"1\" is not" },
		{ "router {\n protocols = { \"pcp\", # one\n # two\n /* three */ \"pdp\" }\n}\n",
		  ":4: protocols = \"pdp\" is not allowed" },
		{ "forward \"a # b\" { }\n", ":1: forward \"a # b\": allowed is a name" },
		{ "forward \"a // b\" { }\n", ":1: forward \"a // b\": allowed is a name" },
		{ "forward \"a /* b\" { }\n", ":1: forward \"a /* b\": allowed is a name" },
		{ "forward 'a # b' { }\n", ":1: forward \"a # b\": allowed is a name" },
		{ "forward \"a\\\"#b\" { }\n", ":1: forward \"a\"#b\": allowed is a name" },
		{ "router { stun = http://x }\n", ":1: stun = \"http://x\" is not allowed" },
		{ "# one\n/* two\nlease = 5\n",
		  ":2: a comment is not closed; allowed: a '*/' at the end of each '/*', or '#'" },
		{ "/*/\n", ":1: a comment is not closed" },
		{ "# one\nname = \"a.net\n\nlease = 5\n", ":2: a string is not closed" },
		{ "name = 'a.net\n", ":1: a string is not closed" },
		{ "# one\nforward \"a\" {\n port = 5\n", ":3: a section is not closed" },
		{ "forward \"a\" { # }", ":1: a section is not closed" },
	};
	char error[CONFIG_ERROR_MAX];
	struct config config;

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		assert_false(read_text(&config, refusals[i].text, error));
		if (!strstr(error, refusals[i].said))
			fail_msg("%s\nsays:  %s\nwants: %s", refusals[i].text, error,
				 refusals[i].said);
	}
}

/* As Windows' editors write it: with a byte order mark and a carriage return at each line's end. */
static void test_file_from_windows(void **state)
{
	static const char text[] = "\xef\xbb\xbfrouter {\r\n lease = 3600\r\n}\r\n";
	char error[CONFIG_ERROR_MAX];
	struct config config;

	(void)state;
	assert_true(read_text(&config, text, error));
	assert_int_equal(config.lease, 3600);
	assert_true(read_text(&config, "\xef\xbb\xbf# nothing\r\n", error));
	assert_false(read_text(&config, "\xef\xbb\xbf\r\nlease = 5\r\n", error));
	assert_non_null(strstr(error, ":2: no such option 'lease'"));
}

static void test_comments_in_lists(void **state)
{
	static const char text[] = "tunnel \"wg0\" {\n"
				   "  networks = {\n"
				   "    \"10.8.0.0/24\", # phones: \"all\" of them, { and }\n"
				   "    // \"10.9.0.0/24\",\n"
				   "    \"10.10.0.0/24\"  /* laptops,\n"
				   "    and \"10.11.0.0/24\" */\n"
				   "  }\n"
				   "}\n"
				   "coexist = false # the last line ends nowhere";
	char error[CONFIG_ERROR_MAX];
	char printed[PREFIX_TEXT_MAX];
	struct config config;

	(void)state;
	assert_true(read_text(&config, text, error));
	assert_int_equal(config.tunnels[0].network_count, 2);
	assert_string_equal(prefix_print(&config.tunnels[0].networks[1], printed), "10.10.0.0/24");
	assert_false(config.coexist);
}

/* What the packages install is a good file, also with each of its examples in use, and the line of what
 * a person adds at its end is the right one. */
static void test_shipped_file(void **state)
{
	static char text[1 << 16];
	FILE *file = fopen("natd/service/natd.conf", "r");
	char error[CONFIG_ERROR_MAX];
	char wanted[64];
	struct config config;
	size_t size;
	int lines = 0;

	(void)state;
	assert_non_null(file);
	size = fread(text, 1, sizeof(text) / 2, file);
	fclose(file);
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	assert_true(read_text(&config, text, error));
	snprintf(text + size, sizeof(text) - size, "coexists = true\n");
	assert_false(read_text(&config, text, error));
	snprintf(wanted, sizeof(wanted), ":%d: no such option 'coexists'", lines + 1);
	assert_non_null(strstr(error, wanted));
	text[size] = '\0';
	for (char *at = strchr(text, '\n'); at; at = strchr(at + 1, '\n'))
		if (at[1] == '#')
			at[1] = ' ';
	assert_true(read_text(&config, text, error));
	assert_int_equal(config.forwards[0].port, 51820);
	assert_int_equal(config.client_count, 1);
	config_free(&config);
}

/* Two that want the same are found however far apart they are, and the later one is told. */
static void test_thousands(void **state)
{
	static char text[THOUSANDS * 160];
	char error[CONFIG_ERROR_MAX];
	struct config config;
	size_t used = 0;

	(void)state;
	for (unsigned int i = 0; i < THOUSANDS; i++)
		used += (size_t)snprintf(
			text + used, sizeof(text) - used,
			"client \"10.8.%u.%u\" { egress = none }\n"
			"publish \"p%u\" { port = %u to = \"10.8.%u.%u\" to-port = 443 }\n",
			i / 200, 200 - i % 200, i, 20000 - i, i / 200, i % 200);
	assert_true(read_text(&config, text, error));
	assert_int_equal(config.client_count, THOUSANDS);
	for (size_t i = 1; i < config.client_count; i++) {
		assert_true(config_compare_clients(&config.clients[i - 1], &config.clients[i]) < 0);
		assert_int_equal(config.publishes[i].port, config.publishes[i - 1].port + 1);
	}
	config_free(&config);
	snprintf(text + used, sizeof(text) - used, "client \"10.8.0.200/32\" { egress = none }\n");
	assert_false(read_text(&config, text, error));
	assert_non_null(strstr(error, ":4001: client \"10.8.0.200/32\" is there twice"));
	snprintf(text + used, sizeof(text) - used,
		 "publish \"late\" { port = 19000-19010 to = \"10.8.0.2\" }\n");
	assert_false(read_text(&config, text, error));
	assert_non_null(strstr(error, ":4001: publish \"late\" wants port 19000, which publish "
				      "\"p1000\" has"));
}

static void test_unreadable_files(void **state)
{
	char error[CONFIG_ERROR_MAX];
	struct config config;
	static char big[(4 << 20) + 1];

	(void)state;
	memset(big, '#', sizeof(big));
	assert_false(config_read(&config, "/nonexistent/natd.conf", false, error));
	assert_string_equal(error,
			    "/nonexistent/natd.conf: cannot be read: No such file or directory");
	assert_false(config_read(&config, directory, false, error));
	assert_non_null(strstr(error, "cannot be read: Is a directory"));
	assert_false(config_read(&config, write_file("big", big, sizeof(big)), false, error));
	assert_non_null(strstr(error, "is longer than 4194303 bytes"));
	assert_false(config_read(&config, write_file("nul", "a\0b", 3), false, error));
	assert_non_null(strstr(error, "holds a NUL byte"));
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	static const char *const names[] = { "natd.conf", "big", "nul", "openvpn/setupVars.conf" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/openvpn", directory);
	rmdir(path);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_is_read),
		cmocka_unit_test(test_silence_is_the_default),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_lines_after_comments),
		cmocka_unit_test(test_file_from_windows),
		cmocka_unit_test(test_comments_in_lists),
		cmocka_unit_test(test_shipped_file),
		cmocka_unit_test(test_thousands),
		cmocka_unit_test(test_unreadable_files),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
