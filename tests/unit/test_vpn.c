/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the settings of VPNs say, and where they do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "natd/vpn.h"
#include "natd/vpn_notes.h"

#define PIVPN                                                                                      \
	"PLAT=Raspbian\nIPv4dev=eth0\npivpnPORT=51821\npivpnPROTO=udp\npivpnHOST=my.home.test\n"

static char root[] = "/tmp/natd-test-vpn-XXXXXX";

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static int make_root(void **state)
{
	(void)state;
	strcpy(root + strlen(root) - 6, "XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Makes the file and the folders above it. */
static void write_file(const char *path, const char *text)
{
	char whole[256];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *slash = strchr(whole + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(whole, 0700);
		*slash = '/';
	}
	file = fopen(whole, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void expect(const struct vpn *vpn, size_t which, const char *name, uint8_t protocol,
		   uint16_t port)
{
	assert_in_range(which, 0, vpn->count - 1);
	assert_string_equal(vpn->forwards[which].name, name);
	assert_int_equal(vpn->forwards[which].protocol, protocol);
	assert_int_equal(vpn->forwards[which].port, port);
	assert_int_equal(vpn->forwards[which].external, port);
}

static void without_settings_it_is_the_usual_port(void **state)
{
	struct vpn vpn;

	(void)state;
	vpn_read(&vpn, root);
	assert_int_equal(vpn.count, 1);
	expect(&vpn, 0, "wireguard", IPPROTO_UDP, 51820);
	assert_string_equal(vpn.origin, "WireGuard's usual port");
	vpn_runs_wireguard(&vpn, (const uint16_t[]){ 41194 }, 1);
	expect(&vpn, 0, "wireguard", IPPROTO_UDP, 41194);
	assert_string_equal(vpn.origin, "the running WireGuard interface");
}

/* Where Docker is, iptables-save puts its rule first. */
static void dockers_rule_is_not_the_vpns(void **state)
{
	struct vpn vpn;

	(void)state;
	write_file("/etc/iptables/rules.v4",
		   "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n"
		   "-A POSTROUTING -s 10.8.0.0/24 -o eth1 -j MASQUERADE\n");
	vpn_read(&vpn, root);
	assert_string_equal(vpn.way_out, "eth1");
}

static void a_tab_is_a_blank_for_openvpn(void **state)
{
	struct vpn vpn;

	(void)state;
	write_file("/etc/openvpn/server/a.conf",
		   "port\t443\nproto\ttcp\nserver\t10.9.0.0 255.255.255.0\n");
	vpn_read(&vpn, root);
	assert_int_equal(vpn.count, 1);
	expect(&vpn, 0, "openvpn", IPPROTO_TCP, 443);
}

/* A second WireGuard leads to another site: the home VPN keeps its port. */
static void of_several_the_one_that_files_name(void **state)
{
	static const uint16_t running[] = { 51821, 41194 };
	struct vpn vpn;

	(void)state;
	write_file("/etc/pivpn/wireguard/setupVars.conf", "pivpnPROTO=udp\npivpnPORT=41194\n");
	vpn_read(&vpn, root);
	vpn_runs_wireguard(&vpn, running, 2);
	assert_int_equal(vpn.count, 1);
	expect(&vpn, 0, "wireguard", IPPROTO_UDP, 41194);
	vpn_runs_wireguard(&vpn, running, 1);
	expect(&vpn, 0, "wireguard", IPPROTO_UDP, 51821);
}

static void pivpn_names_both(void **state)
{
	struct vpn vpn;

	(void)state;
	write_file("/etc/pivpn/wireguard/setupVars.conf", PIVPN);
	write_file("/etc/pivpn/openvpn/setupVars.conf",
		   "pivpnPORT=\"1194\"\npivpnPROTO=tcp\npivpnHOST=other.home.test\n");
	/* the same server, in its own words */
	write_file("/etc/openvpn/server.conf", "port 1194\nproto tcp-server\nserver 10.8.0.0 "
					       "255.255.255.0\n");
	vpn_read(&vpn, root);
	assert_int_equal(vpn.count, 2);
	expect(&vpn, 0, "wireguard", IPPROTO_UDP, 51821);
	expect(&vpn, 1, "openvpn", IPPROTO_TCP, 1194);
	assert_string_equal(vpn.origin, "PiVPN's settings");
	assert_string_equal(vpn.host, "my.home.test");
	assert_int_equal(vpn.port, 51821);
}

static void servers_are_told_from_clients(void **state)
{
	struct vpn vpn;

	(void)state;
	write_file("/etc/wireguard/provider.conf",
		   "[Interface]\nListenPort = 40000\n[Peer]\nEndpoint = vpn.test:51820\n"
		   "AllowedIPs = 0.0.0.0/0, ::/0\n");
	write_file(
		"/etc/wireguard/wg0.conf",
		"[Interface]\nListenPort = 51833 # mine\n"
		"PostUp = iptables -t nat -A POSTROUTING -s 10.66.66.0/24 -o wlan0 -j MASQUERADE\n"
		"[Peer]\nAllowedIPs = 10.66.66.2/32\n[Peer]\nEndpoint = friend.test:1\n"
		"AllowedIPs = 10.66.66.3/32\n");
	write_file("/etc/wireguard/wg1.conf.bak", "[Interface]\nListenPort = 1\n");
	write_file("/etc/openvpn/client.conf", "client\nremote vpn.test 1194\n");
	write_file("/etc/openvpn/server/office.conf", "client\nremote vpn.test 1195\nport 7\n");
	write_file("/etc/openvpn/server/home.conf",
		   "# port 1\nport 443\nproto tcp\nserver 10.9.0.0 "
		   "255.255.255.0\n");
	vpn_read(&vpn, root);
	assert_int_equal(vpn.count, 2);
	expect(&vpn, 0, "wireguard", IPPROTO_UDP, 51833);
	expect(&vpn, 1, "openvpn", IPPROTO_TCP, 443);
	assert_string_equal(vpn.origin, "wg-quick's settings");
	assert_string_equal(vpn.way_out, "wlan0");
	assert_string_equal(vpn.way_out_file, "/etc/wireguard/wg0.conf");
	assert_string_equal(vpn.host, "");
}

static void several_servers_have_names_of_their_own(void **state)
{
	struct vpn vpn;

	(void)state;
	write_file("/etc/openvpn/server/a.conf", "server 10.9.0.0 255.255.255.0\n");
	write_file("/etc/openvpn/server/b.conf", "tls-server\nport 1195\n");
	vpn_read(&vpn, root);
	expect(&vpn, 0, "openvpn", IPPROTO_UDP, 1194);
	expect(&vpn, 1, "openvpn2", IPPROTO_UDP, 1195);
	vpn_runs_wireguard(&vpn, (const uint16_t[]){ 51820 }, 1);
	assert_int_equal(vpn.count, 3);
	expect(&vpn, 0, "wireguard", IPPROTO_UDP, 51820);
	expect(&vpn, 1, "openvpn", IPPROTO_UDP, 1194);
}

static void rubbish_names_nothing(void **state)
{
	struct vpn vpn;

	(void)state;
	write_file("/etc/pivpn/wireguard/setupVars.conf",
		   "pivpnPORT=99999\npivpnHOST=\"`reboot`\"\n=\npivpnPORT\n");
	write_file("/etc/wireguard/wg0.conf", "ListenPort\nListenPort = x\n[Peer\n\n\xff\xfe");
	vpn_read(&vpn, root);
	assert_string_equal(vpn.origin, "WireGuard's usual port");
	assert_string_equal(vpn.host, "");
}

static size_t notes_of(const struct vpn *vpn, const char *name, const char *interface,
		       uint16_t external, char notes[VPN_NOTES_MAX][VPN_NOTE_MAX])
{
	struct vpn_truth truth = { .name = name, .interface = interface, .external = external };
	struct address wan;

	assert_true(address_parse(&wan, "11.0.0.2"));
	truth.wan = wan.v4;
	return vpn_notes(vpn, &truth, notes);
}

static void what_fits_is_not_told(void **state)
{
	char notes[VPN_NOTES_MAX][VPN_NOTE_MAX];
	struct vpn vpn;

	(void)state;
	write_file("/etc/pivpn/wireguard/setupVars.conf", PIVPN);
	write_file(
		"/etc/iptables/rules.v4",
		"-A POSTROUTING -s 10.6.0.0/24 -o eth0 -m comment --comment wireguard-nat-rule -j "
		"MASQUERADE\n");
	vpn_read(&vpn, root);
	assert_string_equal(vpn.way_out, "eth0");
	assert_int_equal(notes_of(&vpn, "My.Home.test", "eth0", 51821, notes), 0);
	assert_int_equal(notes_of(&vpn, "", "", 0, notes), 0);
	strcpy(vpn.way_out, "eth+");
	strcpy(vpn.host, "11.0.0.2");
	assert_int_equal(notes_of(&vpn, "", "eth1", 51821, notes), 0);
}

static void what_does_not_fit_is_told(void **state)
{
	static const struct {
		const char *host;
		const char *said;
	} hosts[] = {
		{ "other.test", "call other.test, but natd.conf checks the name my.home.test" },
		{ "192.168.1.31", "call 192.168.1.31, which nobody reaches from outside" },
		{ "11.0.0.9", "call 11.0.0.9, but this home is 11.0.0.2 now" },
	};
	char notes[VPN_NOTES_MAX][VPN_NOTE_MAX];
	struct vpn vpn = { .found = true,
			   .origin = "PiVPN's settings",
			   .port = 51821,
			   .way_out = "eth0",
			   .way_out_file = "/etc/iptables/rules.v4" };

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		strcpy(vpn.host, hosts[i].host);
		assert_int_equal(notes_of(&vpn, "my.home.test", "wlan0", 51820, notes), 3);
		assert_non_null(strstr(notes[0], hosts[i].said));
		assert_non_null(
			strstr(notes[1], "port 51821, but the router passes on port 51820"));
		assert_non_null(strstr(notes[2], "by eth0, but this host goes out by wlan0 now"));
	}
}

/* A place that natd may not read matters only where natd had to guess. */
static void what_is_hidden_is_told_where_it_matters(void **state)
{
	const struct vpn_truth configured = { .name = "", .interface = "eth0", .configured = true };
	char notes[VPN_NOTES_MAX][VPN_NOTE_MAX];
	struct vpn vpn;

	(void)state;
	vpn_read(&vpn, root);
	strcpy(vpn.unreadable, "/etc/wireguard");
	assert_int_equal(vpn_notes(&vpn, &configured, notes), 0);
	assert_int_equal(notes_of(&vpn, "", "eth0", 51820, notes), 1);
	assert_non_null(strstr(notes[0], "may not read /etc/wireguard"));
	vpn_runs_wireguard(&vpn, (const uint16_t[]){ 51820 }, 1);
	assert_int_equal(notes_of(&vpn, "", "eth0", 51820, notes), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_settings_it_is_the_usual_port),
		TEST(dockers_rule_is_not_the_vpns),
		TEST(a_tab_is_a_blank_for_openvpn),
		TEST(of_several_the_one_that_files_name),
		TEST(pivpn_names_both),
		TEST(servers_are_told_from_clients),
		TEST(several_servers_have_names_of_their_own),
		TEST(rubbish_names_nothing),
		TEST(what_fits_is_not_told),
		TEST(what_does_not_fit_is_told),
		TEST(what_is_hidden_is_told_where_it_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
