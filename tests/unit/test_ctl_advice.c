/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What natctl advises, on a terminal: whole paragraphs in whole lines, in both languages, and lists and
 * commands as they are. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "natd/ctl/headline.h"
#include "natd/ctl/sentences.h"
#include "natd/ctl/text.h"
#include "tests/unit/test_ctl_catalogue.h"

static char *shown(const char *advice)
{
	json_t *verdict = json_pack("{s:s}", "advice", advice);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	headline_show_advice(out, verdict);
	fclose(out);
	json_decref(verdict);
	return text;
}

static void assert_shown(const char *language, const char *advice, const char *wanted)
{
	char *text;

	assert_true(text_use(language));
	text = shown(advice);
	assert_string_equal(text, wanted);
	free(text);
}

static void paragraphs_fill_their_lines(void **state)
{
	(void)state;
	assert_shown(
		"en",
		"Nothing on this host keeps the name right. Install ddclient or inadyn and let\n"
		"it ask `natctl wan-ip` (man natd-portforward).\n"
		"Phones keep the old address until their VPN is switched off and on.",
		"\nDo this: Nothing on this host keeps the name right. Install ddclient or inadyn\n"
		"         and let it ask `natctl wan-ip` (man natd-portforward). Phones keep the\n"
		"         old address until their VPN is switched off and on.\n");
	assert_shown(
		"ja",
		"Nothing on this host keeps the name right. Install ddclient or inadyn and let\n"
		"it ask `natctl wan-ip` (man natd-portforward).\n"
		"Phones keep the old address until their VPN is switched off and on.",
		"\n対処: このホストにはホスト名を更新するプログラムがありません。ddclient か "
		"inadyn\n"
		"      を入れて、アドレスを `natctl wan-ip` で調べさせてください (man\n"
		"      natd-portforward)。スマートフォンは VPN をいったん切って入れ直すまで古い\n"
		"      アドレスを使い続けます。\n");
}

static void lists_values_and_commands_stay(void **state)
{
	(void)state;
	assert_shown("en",
		     "Best first:\n1  set the router 192.168.1.1 to access-point mode\n"
		     "3  or two rules by hand (natctl manual):\n   on 192.168.1.1: UDP 1\n"
		     "   on 192.168.0.1: UDP 2",
		     "\nDo this: Best first:\n"
		     "         1  set the router 192.168.1.1 to access-point mode\n"
		     "         3  or two rules by hand (natctl manual):\n"
		     "            on 192.168.1.1: UDP 1\n"
		     "            on 192.168.0.1: UDP 2\n");
	assert_shown("en", "Open the port by hand:\n   UDP 51820\n`natctl manual` shows where.",
		     "\nDo this: Open the port by hand:\n"
		     "            UDP 51820\n"
		     "         `natctl manual` shows where.\n");
	assert_shown("en", "Allow it in ufw: `ufw allow PORT/udp`, or\n`firewall-cmd --reload`.",
		     "\nDo this: Allow it in ufw: `ufw allow PORT/udp`, or\n"
		     "         `firewall-cmd --reload`.\n");
	assert_shown("en", "The clients can come by IPv6: their Endpoint is [2a00::1]:51820\nLook.",
		     "\nDo this: The clients can come by IPv6: their Endpoint is [2a00::1]:51820\n"
		     "         Look.\n");
	assert_shown(
		"ja",
		"ddclient does not run: sudo systemctl enable --now ddclient\n"
		"Phones keep the old address until their VPN is switched off and on.",
		"\n対処: ddclient が動いていません: sudo systemctl enable --now ddclient\n"
		"      スマートフォンは VPN をいったん切って入れ直すまで古いアドレスを使い続けま\n"
		"      す。\n");
	assert_shown("en",
		     "Let the VPN pass there:\n"
		     "  sudo nft insert rule ip filter FORWARD iifname wg0 counter accept comment "
		     "natd\n"
		     "  sudo nft list ruleset",
		     "\nDo this: Let the VPN pass there:\n"
		     "           sudo nft insert rule ip filter FORWARD iifname wg0 counter accept "
		     "\\\n"
		     "               comment natd\n"
		     "           sudo nft list ruleset\n");
}

/* ---- all that natd may advise ---- */

/* Puts the text of the string literals at `*source`, up to the parenthesis that ends them, into `text`,
 * with values in place of conversions. */
static void read_form(const char **source, char *text, size_t size)
{
	size_t used = 0;
	bool quoted = false;

	for (; quoted || **source != ')'; (*source)++) {
		const char *at = *source;

		assert_true(*at && used < size - 64);
		if (*at == '"') {
			quoted = !quoted;
		} else if (quoted && *at == '\\') {
			text[used++] = at[1] == 'n' ? '\n' : at[1];
			(*source)++;
		} else if (quoted && *at == '%') {
			size_t length = strcspn(at, "sudz");

			used += (size_t)snprintf(text + used, size - used, "%s",
						 at[length] == 's' ? "192.168.1.31" : "51820");
			*source += length;
		} else if (quoted) {
			text[used++] = *at;
		}
	}
	text[used] = '\0';
}

/* The columns of what cannot be parted at the start of `text`. A Japanese line may end before each
 * character, so that one that ends far from the edge was ended by hand. */
static size_t first_word(const char *text)
{
	char word[256];

	if (*text & 0x80)
		return 20;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, " \n"), text);
	return print_width(word);
}

static bool goes_on(const char *line, const char *next)
{
	bool command = *next == '`' || strstr(line, ": sudo ") || strstr(line, "Endpoint is ");

	return *line != ' ' && *next && *next != ' ' && !isdigit((unsigned char)*next) && !command;
}

static void check_lines(const char *advice)
{
	char *text = shown(advice);
	char before[1024] = " ";
	char line[1024];

	for (char *at = text + 1; *at; at += strcspn(at, "\n") + 1) {
		const char *words = line + print_width(_("Do this:")) + 1;

		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		if (print_width(line) > PRINT_COLUMNS)
			fail_msg("too long: %s\n%s", line, text);
		if (at == text + 1)
			words = line + strlen(_("Do this:")) + 1;
		if (goes_on(before, words) &&
		    print_width(_("Do this: ")) + print_width(before) + first_word(words) <
			    PRINT_COLUMNS)
			fail_msg("needlessly short: %s\n%s", before, text);
		memmove(before, words, strlen(words) + 1);
	}
	free(text);
}

static void all_advice_fills_its_lines(void **state)
{
	FILE *file = popen("cat natd/ctl/sentences*.c", "re");
	char *source = calloc(1, 1 << 17);
	char advice[2048];
	size_t count = 0;

	(void)state;
	assert_non_null(file);
	assert_true(fread(source, 1, (1 << 17) - 1, file) < (1 << 17) - 1);
	pclose(file);
	for (const char *at = source; (at = strstr(at, "N_(")); count++) {
		at += strlen("N_(");
		read_form(&at, advice, sizeof(advice));
		assert_true(text_use("en"));
		check_lines(advice);
		assert_true(text_use("ja"));
		check_lines(advice);
	}
	assert_true(count > 200);
	free(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paragraphs_fill_their_lines),
		cmocka_unit_test(lists_values_and_commands_stay),
		cmocka_unit_test(all_advice_fills_its_lines),
	};

	start_text();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
