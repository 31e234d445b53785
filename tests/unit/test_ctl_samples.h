/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kept answers of natd to `natctl -j status`: one in full, the others as what differs from it. */
#ifndef TESTS_UNIT_TEST_CTL_SAMPLES_H
#define TESTS_UNIT_TEST_CTL_SAMPLES_H

/* JSON written as JSON; the preprocessor makes the string. */
#define JSON(...) #__VA_ARGS__

/* clang-format off */

#define SAMPLE_WELL JSON({ \
	"version": "0.1", "since": 260, \
	"verdict": { "code": "OK", "works": "yes", "text": "", "advice": null, "evidence": [] }, \
	"router": { "address": "192.168.1.1", "interface": "eth0", "model": "RT-AX3000 (ASUSTeK)", \
		"url": "http://192.168.1.1/admin", "wan_address": "11.0.0.45", "wan_kind": "public", \
		"protocols": { "pcp": "ok", "nat-pmp": "off", "upnp": "ok" }, "upstream": null }, \
	"host": { "address": "192.168.1.31", "interface": "eth0", "mac": "dc:a6:32:01:02:03", \
		"dynamic": true }, \
	"forwards": [ { "name": "wireguard", "protocol": "udp", "port": 51820, \
		"external_port": 51820, "external_address": "11.0.0.45", "via": "pcp", \
		"state": "open", "reason": null, "expires_in": 5340, "renew_in": 1740, \
		"listening": true, "packets": 412, "last_packet_ago": 240, "ipv6": null } ], \
	"tunnels": [ { "interface": "wg0", "networks": ["10.8.0.0/24", "fd42::/64"], \
		"egress": { "kind": "masquerade", "address": "192.168.1.31", "interface": "eth0" }, \
		"packets": 5150, "clients": [] } ], \
	"publish": [], \
	"rules": { "in_sync": true, "owned": 14, "repairs": 0, "last_repair": null }, \
	"firewalls": [], \
	"name": null \
})

#define SAMPLE_ASKING JSON({ \
	"verdict": { "code": null, "works": "unknown", "text": "the router is being asked" }, \
	"router": { "model": null, "url": null, "wan_address": null, "wan_kind": "unknown", \
		"protocols": { "pcp": "asking", "nat-pmp": "asking", "upnp": "asking" } }, \
	"forwards": [ { "name": "wireguard", "protocol": "udp", "port": 51820, \
		"external_port": 51820, "external_address": null, "via": null, "state": "opening", \
		"reason": null, "expires_in": null, "renew_in": null, "listening": null, \
		"packets": null, "last_packet_ago": null, "ipv6": null } ], \
	"tunnels": [] \
})

#define SAMPLE_E10 JSON({ \
	"verdict": { "code": "E10", "works": "unknown", "text": "the router cannot be asked", \
		"advice": "switch UPnP on in the router, or open the port by hand:\n  natctl manual", \
		"evidence": ["router 192.168.1.1: UPnP no answer, NAT-PMP refused, PCP refused"] }, \
	"router": { "model": null, "url": null, "wan_address": null, "wan_kind": "unknown", \
		"protocols": { "pcp": "refused", "nat-pmp": "refused", "upnp": "silent" } }, \
	"forwards": [ { "name": "wireguard", "protocol": "udp", "port": 51820, \
		"external_port": 51820, "external_address": null, "via": null, "state": "failed", \
		"reason": "no protocol of the router answers", "expires_in": null, \
		"renew_in": null, "listening": true, "packets": 0, "last_packet_ago": null } ] \
})

#define SAMPLE_E20 JSON({ \
	"verdict": { "code": "E20", "works": "no", "text": "carrier-grade NAT", \
		"advice": "no setting in your router can fix this. Ask your provider for a public IPv4 address." }, \
	"router": { "wan_address": "100.72.14.9", "wan_kind": "cgnat" }, \
	"forwards": [ { "name": "wireguard", "protocol": "udp", "port": 51820, \
		"external_port": 51820, "external_address": "100.72.14.9", "via": "upnp", \
		"state": "open", "expires_in": 7200, "renew_in": 3600, "listening": true, \
		"packets": 0, "last_packet_ago": null } ] \
})

#define SAMPLE_E21 JSON({ \
	"verdict": { "code": "E21", "works": "no", "text": "two routers in a row", \
		"advice": "1  set the inner router to access-point mode\n2  or two rules" }, \
	"router": { "wan_address": "192.168.0.2", "wan_kind": "private" } \
})

/* A second router, which does its part. */
#define SAMPLE_OUTER JSON({ \
	"router": { "wan_address": "203.0.113.45", "wan_kind": "public", "seen_as": "203.0.113.45", \
		"upstream": { "address": "192.168.0.1", "client": "192.168.0.2", \
			"model": "Speedport Smart 4", \
			"protocols": { "pcp": "refused", "nat-pmp": "refused", "upnp": "ok" } } }, \
	"forwards": [ { "name": "wireguard", "protocol": "udp", "port": 51820, \
		"external_port": 51820, "external_address": "203.0.113.45", "via": "pcp", \
		"state": "open", "expires_in": 7200, "renew_in": 3600, "listening": true, \
		"packets": 0, "last_packet_ago": null, \
		"upstream": { "protocol": "udp", "state": "open", "via": "upnp", \
			"external_port": 51820, "client": "192.168.0.2", "port": 40000, \
			"reason": null, "expires_in": 7200, "renew_in": 3600 } } ] \
})

/* The same, but it cannot be asked. */
#define SAMPLE_OUTER_CLOSED JSON({ \
	"router": { "wan_address": "192.168.0.2", "wan_kind": "private", \
		"upstream": { "address": "192.168.0.1", "client": "192.168.0.2", "model": null, \
			"protocols": { "pcp": "refused", "nat-pmp": "refused", "upnp": "silent" } } }, \
	"forwards": [ { "name": "wireguard", "protocol": "udp", "port": 51820, \
		"external_port": 51820, "external_address": null, "via": "pcp", \
		"state": "open", "expires_in": 7200, "renew_in": 3600, "listening": true, \
		"packets": 0, "last_packet_ago": null, \
		"upstream": { "protocol": "udp", "state": "failed", "via": null, \
			"external_port": 51820, "client": "192.168.0.2", "port": 51820, \
			"reason": "the router does not answer PCP, NAT-PMP or UPnP", \
			"expires_in": null, "renew_in": null } } ] \
})

#define SAMPLE_E42 JSON({ \
	"verdict": { "code": "E42", "works": "no", "text": "forwarding is off", "advice": null } \
})

#define SAMPLE_E60 JSON({ \
	"verdict": { "code": "E60", "works": "no", "text": "nothing listens on UDP 51820", \
		"advice": "sudo systemctl enable --now wg-quick@wg0" }, \
	"forwards": [ { "name": "wireguard", "protocol": "udp", "port": 51820, \
		"external_port": 50528, "external_address": "11.0.0.45", "via": "nat-pmp", \
		"state": "open", "expires_in": 7200, "renew_in": 3600, "listening": false, \
		"packets": 3, "last_packet_ago": 90000 } ] \
})

/* Every key that the contract names, and nothing known. */
#define SAMPLE_NULLS JSON({ \
	"version": null, \
	"verdict": { "code": null, "works": null, "text": null, "advice": null, "evidence": null }, \
	"router": { "address": null, "interface": null, "model": null, "url": null, \
		"wan_address": null, "wan_kind": null, \
		"protocols": { "pcp": null, "nat-pmp": null, "upnp": null }, "upstream": null }, \
	"host": { "address": null, "interface": null, "mac": null, "dynamic": null }, \
	"forwards": [ { "name": null, "protocol": null, "port": null, "external_port": null, \
		"external_address": null, "via": null, "state": null, "reason": null, \
		"expires_in": null, "renew_in": null, "listening": null, "packets": null, \
		"last_packet_ago": null, "ipv6": null }, null ], \
	"tunnels": [ { "interface": null, "networks": null, "egress": null, "packets": null, \
		"clients": null }, { "networks": [null, 3], "egress": { "kind": null } } ], \
	"publish": null, \
	"rules": { "in_sync": null, "owned": null, "repairs": null, "last_repair": null }, \
	"firewalls": null, "name": { "name": null, "addresses": null, "matches": null } \
})

/* clang-format on */

#endif
