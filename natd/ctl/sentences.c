/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/sentences.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "natd/ctl/text.h"

#define VALUES_MAX 6

/* The values of a sentence, in the order of its English form; pieces of the sentence itself. */
struct values {
	const char *start[VALUES_MAX];
	size_t length[VALUES_MAX];
	size_t count;
};

/* clang-format off */
static const char *const forms[] = {
	N_("%s is taken on the router: %s"),
	N_("the router still sends %s to %s, an address that this host had before"),
	N_("This host is %s now. Delete that entry on the router's page, or change it to\n"
	   "that address; natd then goes on by itself. And give this host a fixed address\n"
	   "there, so that it does not happen again (natctl manual)."),
	N_("%s: the router still holds the wanted one for %s, an address that this host had before"),
	N_("What natd had opened there ends by itself, within two hours, and natd takes the\n"
	   "port back. At once: delete that entry on the router's page. And give this host\n"
	   "(%s) a fixed address there (natctl manual)."),
	N_("%s: the router has given the wanted one away"),
	N_("%s is open as external port %u: %s"),
	N_("%s is open as external port %u"),
	N_("Allow %s in it: `ufw allow PORT/udp`, or\n"
	   "`firewall-cmd --permanent --add-port=PORT/udp && firewall-cmd --reload`."),
	N_("Allow it in the router. FRITZ!Box: Home Network, this device, edit,\n"
	   "\"Permit independent port sharing\". Or open the port by hand: natctl manual"),
	N_("Another program switched it off after natd: look in /etc/sysctl.d and /etc/ufw/sysctl.conf."),
	N_("Is the kernel complete? After an upgrade: reboot."),
	N_("Best first:\n"
	   "1  set the router %s to access-point mode\n"
	   "2  or set the outer router to bridge mode\n"
	   "3  or forward the port on the outer router to %s as well (natctl manual)"),
	N_("Free it on the device that holds it (natctl list), or set another\n"
	   "`external` port in /etc/natd/natd.conf and in the clients' Endpoint."),
	N_("Give it back to an interface (`ip address add`), or change `egress` in\n"
	   "/etc/natd/natd.conf. Until then the tunnel's clients reach nothing."),
	N_("IP forwarding is off: clients connect but reach nothing"),
	N_("Look at the router's page. Offline: wait. A DS-Lite line: use IPv6, or ask the\n"
	   "provider for an IPv4 address. A private WAN address: there is a second router\n"
	   "or carrier-grade NAT before it (man natd-portforward)."),
	N_("No setting in the router can bring IPv4 in on such a line. Let the clients come by\n"
	   "IPv6, or ask the provider for an IPv4 address (in Japan: PPPoE for this host)."),
	N_("no IPv4 from outside: the router %s has only IPv6, as on a DS-Lite line"),
	N_("Look up the WAN (internet) address on the router's page.\n"
	   "192.168., 10. or 172.16-31.: a second router; set one of the two to bridge\n"
	   "or access-point mode. 100.64-127.: ask the provider for a public address.\n"
	   "None: the router is offline, or the line is DS-Lite (use IPv6)."),
	N_("No setting in the router can fix this.\n"
	   "Ask the provider for a public (global) IPv4 address, or use IPv6."),
	N_("Open the port by hand, once: `natctl manual` prints what to type."),
	N_("Open the port by hand, once: `natctl manual` prints what to type.\n"
	   "Or switch UPnP on in the router; natd notices within ten minutes."),
	N_("Start the VPN: `sudo systemctl enable --now wg-quick@wg0` or `openvpn-server@...`."),
	N_("Use that port in the clients' Endpoint, or free the wanted one (natctl list)\n"
	   "and reload."),
	N_("a firewall on this host drops what arrives: %llu packets came, none was delivered"),
	N_("a firewall on this host, %s, drops what arrives: %llu packets came, none was delivered (table %s, chain %s)"),
	N_("Only that program may change its table: allow %s in it."),
	N_("Allow the port there, and write it into /etc/nftables.conf as well:\n%s"),
	N_("Allow the port there:\n%s"),
	N_("something drops what the VPN's clients send, and nftables does not show it: %llu packets came, none went on"),
	N_("Perhaps iptables-legacy: look at `sudo iptables-legacy -S FORWARD`.\n"
	   "Let the VPN pass there:\n%s"),
	N_("another firewall, %s, drops what the VPN's clients send: %llu packets came, none went on (table %s, chain %s)"),
	N_("Set `coexist = true` in /etc/natd/natd.conf, then `sudo natctl reload`.\n"
	   "Or let the VPN pass there by hand:\n%s"),
	N_("Let the VPN pass there:\n%s"),
	N_("another program"),
	N_("asking the router %s"),
	N_("carrier-grade NAT: the router's WAN address %s is shared by the provider's customers"),
	N_("natd tries again by itself. By hand: natctl manual"),
	N_("no IPv4 from outside: the line of the router %s is DS-Lite (%s)"),
	N_("no IPv4 from outside: the line is DS-Lite, the provider's end of its tunnel is %s"),
	N_("no IPv4 from outside: the router %s has no WAN address to forward from"),
	N_("nothing on this host listens on %s"),
	N_("the egress address %s is not on this host"),
	N_("nothing on this host listens on %s, but a program does by %s"),
	N_("Where that is the VPN: set protocol = \"%s\" in the forward of\n"
	   "/etc/natd/natd.conf, then `sudo natctl reload`. The clients need the same."),
	N_("%s and %s have the same network: what is for the VPN's clients leaves by %s"),
	N_("Give the VPN another network in its settings and in those of its clients, best\n"
	   "one that no other home has, such as 10.83.117.0/24."),
	N_("packets from outside come: the port is open on the router by hand"),
	N_("%s (pid %u) keeps removing natd's rules: put back %u times, and away again"),
	N_("%s (pid %u) keeps changing natd's rules: put back %u times"),
	N_("Only natd can change its tables here: look whether a second natd runs."),
	N_("Let that program leave other tables alone: look for `flush ruleset` in its\n"
	   "files, also in /etc/nftables.conf. Or let natd own its tables, where the\n"
	   "kernel can (Linux 6.9): `rules { owned = true }` in /etc/natd/natd.conf."),
	N_("the kernel's table of connections is nearly full: %d of %d"),
	N_("When it is full, new connections fail. Make it larger: a line\n"
	   "`net.netfilter.nf_conntrack_max = %lld` in /etc/sysctl.d/90-conntrack.conf,\n"
	   "then `sudo sysctl --system`."),
	N_("%s has hardly a port left for new connections to %s, %s port %u: %u of %u are in use"),
	N_("When all are in use, new connections there fail. Let the tunnel leave\n"
	   "with several addresses (`egress = \"FIRST-LAST\"` in\n"
	   "/etc/natd/natd.conf), or see which client opens so many:\n"
	   "  sudo conntrack -L --orig-dst %s"),
	N_("the internet is reached without a router that could be asked"),
	N_("the kernel refuses natd's rules: %s"),
	N_("the router %s does not open ports when asked (UPnP is off)"),
	N_("the router %s has no public WAN address: a second router is before it, or the provider's NAT"),
	N_("the router %s is not asked (natd.conf: protocols = { })"),
	N_("the router did not open %s: %s"),
	N_("the router forwards the port to this host"),
	N_("the router refuses to open ports for this host (%s): %s"),
	N_("this host has the public address %s itself"),
	N_("two routers in a row: the WAN address %s of the router %s is private"),
	N_("asking the outer router %s"),
	N_("both routers, %s and %s, forward the port to this host"),
	N_("carrier-grade NAT: the outer router's WAN address %s is shared by the provider's customers"),
	N_("carrier-grade NAT: the router's WAN address is %s, but the internet sees %s"),
	N_("carrier-grade NAT: the router %s has no public WAN address, and the next on the way, %s, is the provider's"),
	N_("probably carrier-grade NAT: after the router %s comes %s, an address that providers use for it"),
	N_("two routers in a row: the outer one, %s, forwards the port, but %s does not open it"),
	N_("three routers in a row: the WAN address %s of the outer router %s is private, too"),
	N_("two routers in a row: the outer one, %s, did not open %s: %s"),
	N_("two routers in a row: the outer one, %s, does not open ports when asked"),
	N_("Look up the WAN (internet) address on the router's page.\n"
	   "100.64. to 100.127.: no setting can fix it; ask the provider for a public\n"
	   "(global) IPv4 address. Another: open the port by hand (natctl manual)."),
	N_("Open the port by hand, once, in the router %s:\n"
	   "   %s\n"
	   "`natctl manual` shows where to type it."),
	N_("Best first:\n"
	   "1  set the router %s to access-point mode\n"
	   "2  or set the outer router %s to bridge mode\n"
	   "3  or forward the port by hand on both (natctl manual)"),
	N_("Best first:\n"
	   "1  set the router %s to access-point mode\n"
	   "2  or set the outer router %s to bridge mode\n"
	   "3  or two rules by hand (natctl manual):\n"
	   "   on %s: %s\n"
	   "   on %s: %s"),
	N_("Best first:\n"
	   "1  set the router %s to access-point mode\n"
	   "2  or set the outer router %s to bridge mode\n"
	   "3  or one rule by hand (natctl manual); natd keeps the other one:\n"
	   "   on %s: %s"),
	N_("%llu packets for %s have arrived here, %llu were delivered"),
	N_("after the router, the way to the internet goes by %s"),
	N_("the router does not answer PCP, NAT-PMP or UPnP"),
	N_("the router does not answer any more"),
	N_("the router does not allow this host to open ports"),
	N_("another device has this port on the router"),
	N_("the router's table is full"),
	N_("the router has no usable WAN address"),
	N_("the router gives no reason"),
	N_("the router said yes but did not do it"),
	N_("the running WireGuard interface"),
	N_("PiVPN's settings"),
	N_("WireGuard's usual port"),
	N_("The clients can come by IPv6, which the router lets in: their Endpoint is %s\n%s"),
	N_("natd.conf says ipv6 = false"),
	N_("natctl open opens a port for IPv4 only"),
	N_("natd.conf says that no router is to be asked"),
	N_("this host has no public IPv6 address"),
	N_("the IPv6 internet is reached without a router"),
	N_("PCP over IPv6: refused"),
	N_("PCP over IPv6: no answer"),
	N_("UPnP: the router does not answer"),
	N_("UPnP: the router does not answer over IPv6"),
	N_("UPnP: no control of the IPv6 firewall"),
	N_("UPnP: the router allows this host no IPv6 pinhole"),
	N_("this host has no default route: it is not connected to a router"),
	N_("the default route names no router: this host is on the internet itself"),
	N_("the process that asks the router ended early"),
	N_("the kernel does not tell what this host's network is"),
	N_("there is no router to ask"),
	N_("%s is not connected: this host has no way to the internet"),
	N_("Check the cable, or the Wi-Fi's name and password.\n"
	   "natd goes on by itself as soon as it is back."),
	N_("this host has IPv6, but no IPv4 default route: no port can be opened"),
	N_("Check the cable or Wi-Fi and DHCP: `ip -4 route` shows no line that\n"
	   "begins with \"default\". natd goes on as soon as there is one."),
	N_("this host has no way to the internet: no default route"),
	N_("the router says yes but does not open %s: %s"),
	N_("Restart the router: its table may be stuck; natd tries again by itself.\n"
	   "If that does not help, open the port by hand: natctl manual"),
	N_("the egress address %s is not on this host; its clients leave with another"),
	N_("Give it back to an interface (`ip address add`), or change `egress` in\n"
	   "/etc/natd/natd.conf. Until then these clients are masqueraded."),
	N_("the name %s points to %s, but this home is %s"),
	N_("the name %s has no address in the DNS"),
	N_("Nothing on this host keeps the name right. Install ddclient or inadyn and let\n"
	   "it ask `natctl wan-ip` (man natd-portforward).\n"
	   "Phones keep the old address until their VPN is switched off and on."),
	N_("%s does not run: sudo systemctl enable --now %s\n"
	   "Phones keep the old address until their VPN is switched off and on."),
	N_("%s runs, but the name does not follow: look at what it says,\n"
	   "journalctl -u %s, and whether it asks `natctl wan-ip`.\n"
	   "Phones keep the old address until their VPN is switched off and on."),
	N_("over IPv6 the name %s points to %s, which is not this host"),
	N_("Phones in networks with IPv6 try that address first. Take the AAAA record out\n"
	   "at the provider of the name, or let it point to this host (natctl wan-ip -6)."),
	N_("no resolver of this host answers"),
	N_("the resolver answers with error %u"),
	N_("wg-quick's settings"),
	N_("OpenVPN's settings"),
	N_("v6 Plus"), /* natd/map_e.c */
	N_("OCN Virtual Connect"),
	N_("PiVPN's clients call port %u, but the router passes on port %u"),
	N_("PiVPN's clients call %s, but natd.conf checks the name %s"),
	N_("PiVPN's clients call %s, which nobody reaches from outside: change Endpoint in their "
	   "settings, and pivpnHOST for new ones"),
	N_("PiVPN's clients call %s, but this home is %s now"),
	N_("a rule of table %s %s, chain %s lets clients out by %s, but this host goes out by %s now; natd's own rule does"),
	N_("a rule in %s lets clients out by %s, but this host goes out by %s now; natd's own rule does"),
	N_("natd may not read %s and takes WireGuard's usual port: name another in natd.conf, or start natd again if that is new"),
	N_("natd.conf names the tunnel %s, which does not exist, and not %s, which does: natd lets nobody out from there"),
	N_("this line (%s) owns only some ports, not %u; the router did not open %u: %s"),
	N_("Open port %u by hand (natctl manual) and use it in the clients' Endpoint.\n"
	   "The line owns the ports\n%s"),
	N_("this line (%s) owns only some ports, and %u is not one of them"),
	N_("Open another: the line owns the ports\n%s"),
	N_("this line (%s) owns only some ports, not %u; %u is open instead"),
	N_("Use port %u in the clients' Endpoint, and `external = %u` in\n"
	   "/etc/natd/natd.conf. The line owns the ports\n%s"),
	N_("%s; %s"), /* two protocols' reasons */
	N_("%s: %s"), /* fits much, so it is the last */
};
/* clang-format on */

#define FORM_COUNT (sizeof(forms) / sizeof(forms[0]))

/* The length of the conversion at `form` ("%s", "%llu", "%2$s"), 0 if there is none. */
static size_t conversion(const char *form)
{
	size_t length = 1;

	if (*form != '%' || form[1] == '%')
		return 0;
	while (form[length] && !isalpha((unsigned char)form[length]))
		length++;
	while (form[length] == 'l' || form[length] == 'z')
		length++;
	return form[length] ? length + 1 : 0;
}

/* Where the text after a value goes on: at the next words of `form`, or at the end of `sentence`. */
static const char *value_end(const char *form, const char *sentence)
{
	size_t words = 0;
	char text[SENTENCE_MAX];

	while (form[words] && form[words] != '%')
		words++;
	if (!form[words] && !words)
		return sentence + strlen(sentence);
	snprintf(text, sizeof(text), "%.*s", (int)words, form);
	/* The last words of a form end the sentence: what the router said may hold them as well. */
	if (!form[words]) {
		size_t left = strlen(sentence);

		return left >= words && strcmp(sentence + left - words, form) == 0
			       ? sentence + left - words
			       : NULL;
	}
	return words ? strstr(sentence, text) : NULL;
}

/* Is `sentence` made from `form`? Then `values` are what was filled in. */
static bool made_from(const char *form, const char *sentence, struct values *values)
{
	values->count = 0;
	while (*form) {
		size_t skip = conversion(form);
		const char *end;

		if (!skip) {
			if (*form++ != *sentence++)
				return false;
			continue;
		}
		end = value_end(form + skip, sentence);
		if (!end || values->count == VALUES_MAX)
			return false;
		values->start[values->count] = sentence;
		values->length[values->count++] = (size_t)(end - sentence);
		form += skip;
		sentence = end;
	}
	return *sentence == '\0';
}

/* Which value a conversion of a translation means: "%2$s" says so, "%s" means the next. */
static size_t value_of(const char *form, size_t next)
{
	return isdigit((unsigned char)form[1]) && form[2] == '$' ? (size_t)(form[1] - '1') : next;
}

/* A value is often the router's reason, which is a sentence itself. */
static size_t fill_value(const struct values *values, size_t value, char *text, size_t room)
{
	char english[SENTENCE_MAX];
	char translated[SENTENCE_MAX];

	snprintf(english, sizeof(english), "%.*s", (int)values->length[value],
		 values->start[value]);
	return (size_t)snprintf(text, room, "%s", sentence(english, translated));
}

static void fill(const char *form, const struct values *values, char text[SENTENCE_MAX])
{
	size_t used = 0;
	size_t next = 0;

	while (*form && used < SENTENCE_MAX - 1) {
		size_t skip = conversion(form);
		size_t value = skip ? value_of(form, next++) : 0;

		if (!skip)
			text[used++] = *form++;
		else if (value < values->count)
			used += fill_value(values, value, text + used, SENTENCE_MAX - used);
		form += skip;
	}
	text[used < SENTENCE_MAX ? used : SENTENCE_MAX - 1] = '\0';
}

/* False where `english` is not of this form, or the form is not translated. */
static bool translate(const char *form, const char *english, char text[SENTENCE_MAX])
{
	const char *translated = _(form);
	struct values values;

	if (translated == form || !made_from(form, english, &values))
		return false;
	fill(translated, &values, text);
	return true;
}

const char *sentence(const char *english, char text[SENTENCE_MAX])
{
	static const char *const *const tables[] = { sentence_steps, sentence_refusals,
						     sentence_router, sentence_config };

	/* `forms` ends with one that fits much. */
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const char *const *form = tables[i]; *english && *form; form++)
			if (translate(*form, english, text))
				return text;
	for (size_t i = 0; *english && i < FORM_COUNT; i++)
		if (translate(forms[i], english, text))
			return text;
	return english;
}
