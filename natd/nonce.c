/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/nonce.h"

#include <string.h>
#include <sys/random.h>

#include "natd/log.h"

static const char hex_digits[] = "0123456789abcdef";

void nonce_make(uint8_t nonce[UPNP_NONCE_SIZE])
{
	if (getrandom(nonce, UPNP_NONCE_SIZE, 0) != UPNP_NONCE_SIZE)
		fatal("the kernel gives no random numbers");
}

const char *nonce_print(const uint8_t nonce[UPNP_NONCE_SIZE], char text[NONCE_TEXT_MAX])
{
	for (size_t i = 0; i < UPNP_NONCE_SIZE; i++) {
		text[2 * i] = hex_digits[nonce[i] >> 4];
		text[2 * i + 1] = hex_digits[nonce[i] & 15];
	}
	text[2 * UPNP_NONCE_SIZE] = '\0';
	return text;
}

bool nonce_parse(uint8_t nonce[UPNP_NONCE_SIZE], const char *text)
{
	if (strlen(text) != 2 * UPNP_NONCE_SIZE || strspn(text, hex_digits) != 2 * UPNP_NONCE_SIZE)
		return false;
	for (size_t i = 0; i < UPNP_NONCE_SIZE; i++) {
		size_t high = (size_t)(strchr(hex_digits, text[2 * i]) - hex_digits);
		size_t low = (size_t)(strchr(hex_digits, text[2 * i + 1]) - hex_digits);

		nonce[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
