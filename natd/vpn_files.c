/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/vpn_files.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define OPENVPN_PORT 1194

#define LINE_BYTES 1024

/* What stands behind `key` and `between`, without blanks and quotes, in place; NULL if the line is about
 * something else. */
static char *value_of(char *line, const char *key, char between)
{
	char *value = line + strspn(line, " \t");
	size_t length = strlen(key);
	char *end;

	if (strncasecmp(value, key, length) != 0)
		return NULL;
	value += length;
	value += strspn(value, " \t");
	if (between != ' ' && *value++ != between)
		return NULL;
	if (between == ' ' && value[-1] != ' ' && value[-1] != '\t')
		return NULL;
	value += strspn(value, " \t\"'");
	end = value + strcspn(value, "\"'\r\n#;");
	while (end > value && isblank((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return value;
}

static bool is_name(const char *text, size_t size)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.:_+-";

	return *text && strlen(text) < size && text[strspn(text, allowed)] == '\0';
}

/* The word behind `option` in a rule: "-o eth0". */
static bool word_after(const char *line, const char *option, char *word, size_t size)
{
	const char *at = strstr(line, option);
	size_t length;

	if (!at)
		return false;
	at += strlen(option);
	length = strcspn(at, " \t\r\n;");
	if (!length || length >= size)
		return false;
	memcpy(word, at, length);
	word[length] = '\0';
	return is_name(word, size);
}

/* "iptables -t nat -A POSTROUTING -s 10.6.0.0/24 -o eth0 -j MASQUERADE": an interface that was right on
 * the day it was written. */
static void note_way_out(const char *line, struct vpn *vpn)
{
	char word[IF_NAMESIZE];

	if (vpn->way_out[0] || line[0] == '#' || !strstr(line, "POSTROUTING") ||
	    !strstr(line, "MASQUERADE") || strstr(line, " ! -o ") ||
	    strstr(line, " ! --out-interface "))
		return; /* "! -o docker0" is Docker's: by any other way than that */
	if (word_after(line, " -o ", word, sizeof(word)) ||
	    word_after(line, " --out-interface ", word, sizeof(word)))
		memcpy(vpn->way_out, word, sizeof(word));
}

bool vpn_read_pivpn(FILE *file, struct config_forward *forward, struct vpn *vpn)
{
	char host[UPNP_HOST_MAX] = "";
	char line[LINE_BYTES];
	bool found = false;
	char *value;

	while (fgets(line, sizeof(line), file)) {
		if ((value = value_of(line, "pivpnPORT", '=')))
			found |= config_parse_port(value, &forward->port);
		else if ((value = value_of(line, "pivpnPROTO", '=')))
			config_parse_protocol(value, &forward->protocol);
		else if ((value = value_of(line, "pivpnHOST", '=')) && is_name(value, sizeof(host)))
			memcpy(host, value, strlen(value) + 1);
	}
	if (!found || vpn->host[0])
		return found;
	memcpy(vpn->host, host, sizeof(host));
	vpn->port = forward->port;
	vpn->protocol = forward->protocol;
	return true;
}

bool vpn_read_wg_quick(FILE *file, struct config_forward *forward, struct vpn *vpn)
{
	char line[LINE_BYTES];
	bool has_endpoint = false;
	bool takes_all = false;
	bool client = false;
	char *value;

	forward->port = 0;
	while (fgets(line, sizeof(line), file)) {
		if (strncasecmp(line, "[Peer]", 6) == 0)
			has_endpoint = takes_all = false;
		note_way_out(line, vpn);
		if ((value = value_of(line, "ListenPort", '=')))
			config_parse_port(value, &forward->port);
		else if (value_of(line, "Endpoint", '='))
			has_endpoint = true;
		else if ((value = value_of(line, "AllowedIPs", '=')))
			takes_all |= strstr(value, "0.0.0.0/0") || strstr(value, "::/0");
		/* A peer that is called, and through which everything goes, is a server. */
		client |= has_endpoint && takes_all;
	}
	return forward->port && !client;
}

bool vpn_read_openvpn(FILE *file, struct config_forward *forward, struct vpn *vpn)
{
	static const char *const server_only[] = { "server ", "server-bridge", "server-ipv6",
						   "mode server", "tls-server" };
	char line[LINE_BYTES];
	bool server = false;
	char *value;

	(void)vpn;
	forward->port = OPENVPN_PORT;
	while (fgets(line, sizeof(line), file)) {
		const char *word = line + strspn(line, " \t");

		for (char *tab = line; (tab = strchr(tab, '\t'));)
			*tab = ' ';
		for (size_t i = 0; i < sizeof(server_only) / sizeof(server_only[0]); i++)
			server |= strncmp(word, server_only[i], strlen(server_only[i])) == 0;
		if ((value = value_of(line, "port", ' ')) || (value = value_of(line, "lport", ' ')))
			config_parse_port(value, &forward->port);
		else if ((value = value_of(line, "proto", ' ')))
			forward->protocol =
				strncmp(value, "tcp", 3) == 0 ? IPPROTO_TCP : IPPROTO_UDP;
	}
	return server;
}

bool vpn_read_iptables(FILE *file, struct config_forward *forward, struct vpn *vpn)
{
	char line[LINE_BYTES];

	(void)forward;
	while (fgets(line, sizeof(line), file))
		note_way_out(line, vpn);
	return false;
}
