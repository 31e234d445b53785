/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/arguments.h"

#include <stddef.h>
#include <string.h>

#include "natd/config.h"
#include "natd/control.h"

#define SECONDS_PER_DAY 86400u
#define TIME_MAX        (365 * SECONDS_PER_DAY)
#define DIGITS_MAX      9 /* that many fit into uint32_t */

bool argument_port_protocol(const char *text, uint16_t *port, uint32_t *protocol)
{
	const char *slash = strchr(text, '/');
	char digits[sizeof("65535")] = "";
	uint8_t number;

	if (!slash || (size_t)(slash - text) >= sizeof(digits))
		return false;
	memcpy(digits, text, (size_t)(slash - text));
	if (!config_parse_protocol(slash + 1, &number) || !config_parse_port(digits, port))
		return false;
	*protocol = number;
	return true;
}

bool argument_time(const char *text, uint32_t *seconds)
{
	static const struct {
		char letter;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', SECONDS_PER_DAY } };
	size_t digits = strspn(text, "0123456789");
	uint32_t number = 0;

	if (digits == 0 || digits > DIGITS_MAX || strlen(text) != digits + 1)
		return false;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (uint32_t)(text[i] - '0');
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (text[digits] != units[i].letter)
			continue;
		if (number == 0 || number > TIME_MAX / units[i].seconds)
			return false;
		*seconds = number * units[i].seconds;
		return true;
	}
	return false;
}

_Static_assert(CONTROL_WAIT_SECONDS_MAX == 10 * 60, "ARGUMENT_WAIT says so");

bool argument_wait(const char *text, uint32_t *seconds)
{
	uint32_t asked;

	if (!argument_time(text, &asked) || asked > CONTROL_WAIT_SECONDS_MAX)
		return false;
	*seconds = asked;
	return true;
}
