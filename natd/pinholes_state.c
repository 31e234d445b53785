/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must survive a crash: the nonce opens PCP's pinhole again, and UPnP's is known by its number. */
#include <stdio.h>
#include <string.h>

#include "natd/nonce.h"
#include "natd/pinholes.h"

static json_t *to_json(const struct pinhole *pinhole)
{
	const char *via = pinhole->via < UPNP_PROTOCOLS ? upnp_protocol_names[pinhole->via] : NULL;
	char address[ADDRESS_TEXT_MAX];
	char nonce[NONCE_TEXT_MAX];

	return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s?, s:i}", "name", pinhole->name, "protocol",
			 pinhole->protocol == IPPROTO_UDP ? "udp" : "tcp", "port",
			 (int)pinhole->port, "address", address_print(&pinhole->address, address),
			 "nonce", nonce_print(pinhole->nonce, nonce), "via", via, "unique_id",
			 (int)pinhole->unique_id);
}

json_t *pinholes_to_json(const struct pinholes *pinholes)
{
	json_t *list = json_array();

	for (size_t i = 0; i < pinholes->count; i++)
		json_array_append_new(list, to_json(&pinholes->list[i]));
	return list;
}

/* Absent until something was granted. */
static bool parse_via(const char *name, uint8_t *via)
{
	*via = UPNP_ANY;
	if (name && strcmp(name, upnp_protocol_names[UPNP_PCP]) == 0)
		*via = UPNP_PCP;
	else if (name && strcmp(name, upnp_protocol_names[UPNP_IGD]) == 0)
		*via = UPNP_IGD;
	return !name || *via != UPNP_ANY;
}

bool pinholes_restore(struct pinholes *pinholes, json_t *saved)
{
	const char *name, *protocol, *address, *nonce;
	struct pinhole read = { 0 };
	struct pinhole *pinhole;
	int port, unique_id;

	if (json_unpack(saved, "{s:s, s:s, s:i, s:s, s:s, s:i}", "name", &name, "protocol",
			&protocol, "port", &port, "address", &address, "nonce", &nonce, "unique_id",
			&unique_id) < 0 ||
	    port < 1 || port > UINT16_MAX || unique_id < 0 || unique_id > UINT16_MAX ||
	    strlen(name) >= sizeof(read.name) || !nonce_parse(read.nonce, nonce) ||
	    !config_parse_protocol(protocol, &read.protocol) ||
	    !address_parse(&read.address, address) || read.address.family != AF_INET6 ||
	    !parse_via(json_string_value(json_object_get(saved, "via")), &read.via))
		return false;
	pinhole = pinholes_add(pinholes, read.protocol, (uint16_t)port, &read.address);
	if (!pinhole)
		return false;
	snprintf(pinhole->name, sizeof(pinhole->name), "%s", name);
	memcpy(pinhole->nonce, read.nonce, sizeof(pinhole->nonce));
	pinhole->via = read.via;
	pinhole->unique_id = (uint16_t)unique_id;
	pinhole->state = FORWARD_CLOSING;
	return true;
}
