/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which announcements the kernel lets in: real sockets, on the loopback interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "upnp/filter.h"

static int to, from_router, from_other;
static struct in_addr router, nobody;

static int open_at(const char *address)
{
	struct sockaddr_in own = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, address, &own.sin_addr);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	return fd;
}

static int set_up(void **state)
{
	(void)state;
	to = open_at("127.0.0.1");
	from_router = open_at("127.0.0.2");
	from_other = open_at("127.0.0.3");
	inet_pton(AF_INET, "127.0.0.2", &router);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(to);
	close(from_router);
	close(from_other);
	return 0;
}

/* A notice as miniupnpd lays it out. */
static size_t notice(char text[512], const char *location, const char *kind, const char *nts,
		     unsigned int boot)
{
	return (size_t)snprintf(text, 512,
				"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"
				"CACHE-CONTROL: max-age=1800\r\nLOCATION: %s\r\n"
				"SERVER: Debian/12 UPnP/1.1 MiniUPnPd/2.3.1\r\nNT: %s\r\n"
				"USN: uuid:4a2b8c1e::%s\r\nNTS: ssdp:%s\r\n"
				"OPT: \"http://schemas.upnp.org/upnp/1/0/\"; ns=01\r\n"
				"01-NLS: %u\r\nBOOTID.UPNP.ORG: %u\r\n"
				"CONFIGID.UPNP.ORG: 1337\r\n\r\n",
				location, kind, kind, nts, boot, boot);
}

/* Loopback delivers before sendto() returns. */
static bool arrives(int from, const void *bytes, size_t size)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	char got[1024];

	assert_int_equal(getsockname(to, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(sendto(from, bytes, size, 0, (struct sockaddr *)&address, length), size);
	return recv(to, got, sizeof(got), MSG_DONTWAIT) == (ssize_t)size;
}

#define HERE "http://192.168.77.1:40451/rootDesc.xml"

static const char *const kinds[] = { "upnp:rootdevice", "urn:schemas-upnp-org:device:WANDevice:2",
				     "urn:schemas-upnp-org:service:WANIPConnection:2" };

static void learn_all(struct refrain *refrain)
{
	char text[512];

	for (size_t i = 0; i < 3; i++)
		refrain_learn(refrain, (uint8_t *)text,
			      notice(text, HERE, kinds[i], "alive", 1795303130));
}

static void test_only_the_router_is_let_in(void **state)
{
	static const struct refrain none;
	struct in_addr pair;

	(void)state;
	filter_attach(to, router, nobody, &none);
	assert_true(arrives(from_router, "x", 1));
	assert_false(arrives(from_other, "x", 1));
	inet_pton(AF_INET, "127.0.0.3", &pair);
	filter_attach(to, router, pair, &none);
	assert_true(arrives(from_router, "x", 1));
	assert_true(arrives(from_other, "x", 1));
}

static void test_refrain_is_kept_out_and_news_are_not(void **state)
{
	struct refrain refrain = { .size = 0 };
	char text[512];

	(void)state;
	learn_all(&refrain);
	assert_true(refrain_is_enough(&refrain));
	filter_attach(to, router, nobody, &refrain);
	for (size_t i = 0; i < 3; i++)
		assert_false(arrives(from_router, text,
				     notice(text, HERE, kinds[i], "alive", 1795303130)));
	/* one that was not heard before, of another service */
	assert_false(arrives(from_router, text, notice(text, HERE, "urn:x", "alive", 1795303130)));
	assert_true(arrives(from_router, text, notice(text, HERE, kinds[0], "alive", 1795303131)));
	assert_true(arrives(from_router, text, notice(text, HERE, kinds[0], "alive", 1)));
	assert_true(arrives(from_router, text, notice(text, HERE, kinds[0], "byebye", 1795303130)));
	assert_true(arrives(from_router, text,
			    notice(text, "http://192.168.77.1:40452/rootDesc.xml", kinds[0],
				   "alive", 1795303130)));
	assert_true(arrives(from_router, text, 7));
	assert_true(arrives(from_router, "", 0));
	assert_false(arrives(from_other, text, 7));
}

static void test_what_counts_must_be_in_common(void **state)
{
	struct refrain refrain = { .size = 0 };
	char text[512];
	uint8_t long_one[REFRAIN_SIZE_MAX + 1] = { 0 };

	(void)state;
	assert_false(refrain_is_enough(&refrain));
	assert_false(refrain_learn(&refrain, long_one, sizeof(long_one)));
	learn_all(&refrain);
	assert_false(refrain_learn(&refrain, (uint8_t *)text,
				   notice(text, HERE, kinds[1], "alive", 1795303130)));
	/* of a second device in the box, at another place */
	assert_true(refrain_learn(
		&refrain, (uint8_t *)text,
		notice(text, "http://192.168.77.1:80/tv.xml", kinds[0], "alive", 1795303130)));
	assert_false(refrain_is_enough(&refrain));
	filter_attach(to, router, nobody, &refrain);
	assert_true(arrives(from_router, text, notice(text, HERE, kinds[0], "alive", 1795303130)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_only_the_router_is_let_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refrain_is_kept_out_and_news_are_not, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_what_counts_must_be_in_common, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
