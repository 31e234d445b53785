/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answers of generic netlink about WireGuard, as bytes in the order in which
 * drivers/net/wireguard/netlink.c wg_get_device_dump() and net/netlink/genetlink.c write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <string.h>

#include "rules/wireguard.h"

/* Netlink has the byte order of the host; these are of a little-endian one. */
#define LITTLE_ENDIAN_ONLY                                                                         \
	do {                                                                                       \
		if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)                                     \
			skip();                                                                    \
	} while (0)

static const uint8_t device[] = {
	/* nlmsghdr: 144 bytes, type 0x1f, NLM_F_MULTI, sequence 0 */
	144, 0, 0, 0, 0x1f, 0, 2, 0, 0, 0, 0, 0, 0x39, 0x30, 0, 0,
	/* genlmsghdr: WG_CMD_GET_DEVICE, version 1 */
	0, 1, 0, 0,
	/* WGDEVICE_A_LISTEN_PORT 51820 */
	6, 0, 6, 0, 0x6c, 0xca, 0, 0,
	/* WGDEVICE_A_FWMARK 0 */
	8, 0, 7, 0, 0, 0, 0, 0,
	/* WGDEVICE_A_IFINDEX 3 */
	8, 0, 1, 0, 3, 0, 0, 0,
	/* WGDEVICE_A_IFNAME "wg0" */
	8, 0, 2, 0, 'w', 'g', '0', 0,
	/* WGDEVICE_A_PRIVATE_KEY */
	36, 0, 3, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
	23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
	/* WGDEVICE_A_PUBLIC_KEY */
	36, 0, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
	23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
	/* WGDEVICE_A_PEERS, nested, none */
	4, 0, 8, 0x80,
	/* the rest of the length: an empty attribute of the future */
	16, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
};

static const uint8_t family[] = {
	/* nlmsghdr: 44 bytes, GENL_ID_CTRL */
	44, 0, 0, 0, 0x10, 0, 0, 0, 3, 0, 0, 0, 0x39, 0x30, 0, 0,
	/* genlmsghdr: CTRL_CMD_NEWFAMILY, version 2 */
	1, 2, 0, 0,
	/* CTRL_ATTR_FAMILY_NAME "wireguard" */
	14, 0, 2, 0, 'w', 'i', 'r', 'e', 'g', 'u', 'a', 'r', 'd', 0, 0, 0,
	/* CTRL_ATTR_FAMILY_ID 0x1f */
	6, 0, 1, 0, 0x1f, 0, 0, 0
};

static const struct nlmsghdr *copy(void *buffer, const uint8_t *bytes, size_t size, uint32_t length)
{
	memcpy(buffer, bytes, size);
	memcpy(buffer, &length, sizeof(length));
	return buffer;
}

static void test_port(void **state)
{
	uint32_t buffer[64];

	(void)state;
	LITTLE_ENDIAN_ONLY;
	assert_int_equal(sizeof(device), 144);
	assert_int_equal(wireguard_read_port(copy(buffer, device, sizeof(device), 144)), 51820);
}

static void test_family(void **state)
{
	uint32_t buffer[64];

	(void)state;
	LITTLE_ENDIAN_ONLY;
	assert_int_equal(sizeof(family), 44);
	assert_int_equal(wireguard_read_family(copy(buffer, family, sizeof(family), 44)), 0x1f);
}

/* Cut before the word that holds the port, there is no port. (libmnl reads whole words.) */
static void test_cut(void **state)
{
	uint32_t buffer[64];

	(void)state;
	LITTLE_ENDIAN_ONLY;
	for (uint32_t length = NLMSG_HDRLEN; length <= 24; length++)
		assert_int_equal(wireguard_read_port(copy(buffer, device, sizeof(device), length)),
				 0);
	assert_int_equal(wireguard_read_port(copy(buffer, device, sizeof(device), 28)), 51820);
}

static void test_wrong_size(void **state)
{
	uint32_t buffer[64];
	uint8_t bytes[sizeof(device)];

	(void)state;
	LITTLE_ENDIAN_ONLY;
	memcpy(bytes, device, sizeof(bytes));
	bytes[20] = 5; /* a port of one byte */
	assert_int_equal(wireguard_read_port(copy(buffer, bytes, sizeof(bytes), 144)), 0);
	bytes[20] = 0; /* an attribute shorter than its own header */
	assert_int_equal(wireguard_read_port(copy(buffer, bytes, sizeof(bytes), 144)), 0);
}

/* "lo" is no WireGuard device on any kernel. */
static void test_no_such_device(void **state)
{
	(void)state;
	assert_int_equal(wireguard_port("lo"), 0);
}

/* A device with two peers, as wg_get_device_dump() nests them: who shook hands 5 s before 1000, and one
 * that never did. A third goes on from the message before: it has no time of its own here. */
static const uint8_t peers[] = {
	148, 0, 0, 0, 0x1f, 0, 2, 0, 0, 0, 0, 0, 0x39, 0x30, 0, 0, 0, 1, 0, 0,
	/* WGDEVICE_A_PEERS, nested, 128 bytes */
	128, 0, 8, 0x80,
	/* peer: WGPEER_A_PUBLIC_KEY, shortened, and WGPEER_A_LAST_HANDSHAKE_TIME */
	44, 0, 0, 0x80, 20, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 0,
	6, 0, 0xe3, 3, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 44, 0, 0, 0x80, 20, 0, 1, 0, 1, 2,
	3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 20, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0,
	/* the one that goes on: WGPEER_A_ALLOWEDIPS, none, and an attribute of the future */
	36, 0, 0, 0x80, 4, 0, 9, 0x80, 28, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0
};

static struct rules_peers read_peers(uint32_t length, int64_t now)
{
	struct rules_peers read = { .ago = -1 };
	uint32_t buffer[64];

	wireguard_read_peers(copy(buffer, peers, sizeof(peers), length), now, &read);
	return read;
}

static void test_peers(void **state)
{
	struct rules_peers read;

	(void)state;
	LITTLE_ENDIAN_ONLY;
	assert_int_equal(sizeof(peers), 148);
	read = read_peers(sizeof(peers), 1000);
	assert_int_equal(read.peers, 2);
	assert_int_equal(read.shaken, 1);
	assert_int_equal(read.ago, 5);
	/* A clock that was set back makes no negative time. */
	assert_int_equal(read_peers(sizeof(peers), 900).ago, 0);
}

static void test_cut_peers(void **state)
{
	(void)state;
	LITTLE_ENDIAN_ONLY;
	for (uint32_t length = 16; length < sizeof(peers); length += NLMSG_ALIGNTO)
		assert_int_equal(read_peers(length, 1000).peers, 0); /* the nest is longer */
}

/* One peer with an endpoint or none, and one prefix of this length. */
static bool is_client(bool endpoint, uint8_t length)
{
	static const uint8_t address[16];
	char buffer[512] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nlattr *nests[4];

	mnl_nlmsg_put_extra_header(message, sizeof(struct genlmsghdr));
	nests[0] = mnl_attr_nest_start(message, WGDEVICE_A_PEERS);
	nests[1] = mnl_attr_nest_start(message, 0);
	if (endpoint)
		mnl_attr_put(message, WGPEER_A_ENDPOINT, sizeof(address), address);
	nests[2] = mnl_attr_nest_start(message, WGPEER_A_ALLOWEDIPS);
	nests[3] = mnl_attr_nest_start(message, 0);
	mnl_attr_put_u8(message, WGALLOWEDIP_A_CIDR_MASK, length);
	for (size_t i = 4; i-- > 0;)
		mnl_attr_nest_end(message, nests[i]);
	return wireguard_read_client(message);
}

/* A server knows where its clients are as well, but not that everything is there. */
static void test_client_and_server(void **state)
{
	(void)state;
	assert_true(is_client(true, 0));
	assert_false(is_client(true, 32));
	assert_false(is_client(false, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port),
		cmocka_unit_test(test_family),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_wrong_size),
		cmocka_unit_test(test_no_such_device),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_cut_peers),
		cmocka_unit_test(test_client_and_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
