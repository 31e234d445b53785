/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/ip.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "natd/log.h"
#include "upnp/bytes.h"

#define UDP_HEADER 8   /* the program sees the datagram from there on */
#define PART_MAX   192 /* octets of the beginning, and of the end: a jump of BPF spans 255 steps */
#define STEPS_MAX  (2 * 2 * PART_MAX / 4 + 16)

struct program {
	struct sock_filter steps[STEPS_MAX];
	unsigned short count;
};

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t common_beginning(const struct refrain *refrain, const uint8_t *bytes, size_t size)
{
	size_t most = smaller(refrain->beginning, size);
	size_t same = 0;

	while (same < most && refrain->notice[same] == bytes[same])
		same++;
	return same;
}

static size_t common_end(const struct refrain *refrain, const uint8_t *bytes, size_t size)
{
	size_t most = smaller(refrain->end, size);
	size_t same = 0;

	while (same < most && refrain->notice[refrain->size - 1 - same] == bytes[size - 1 - same])
		same++;
	return same;
}

bool refrain_learn(struct refrain *refrain, const uint8_t *bytes, size_t size)
{
	struct refrain before = *refrain;

	if (size > REFRAIN_SIZE_MAX)
		return false;
	if (!refrain->size) {
		memcpy(refrain->notice, bytes, size);
		refrain->size = (uint16_t)size;
		refrain->beginning = refrain->end = (uint16_t)smaller(size, PART_MAX);
		return size > 0;
	}
	refrain->beginning = (uint16_t)common_beginning(refrain, bytes, size);
	refrain->end = (uint16_t)common_end(refrain, bytes, size);
	return refrain->beginning != before.beginning || refrain->end != before.end;
}

/* Is the line of that name, where there is one, in the beginning or in the end? */
static bool covers(const struct refrain *refrain, const char *name)
{
	const char *text = (const char *)refrain->notice;
	size_t length = strlen(name);
	size_t from = 0;
	size_t to;

	while (from + length < refrain->size && strncasecmp(text + from, name, length) != 0)
		from++;
	if (from + length >= refrain->size)
		return true;
	for (to = from + length; to < refrain->size && text[to] != '\n';)
		to++;
	/* Compared are whole words of four octets. */
	return to < refrain->beginning / 4U * 4 || from >= refrain->size - refrain->end / 4U * 4;
}

bool refrain_is_enough(const struct refrain *refrain)
{
	return refrain->size && covers(refrain, "\nNTS:") && covers(refrain, "\nLOCATION:") &&
	       covers(refrain, "\nBOOTID.UPNP.ORG:");
}

static void step(struct program *program, struct sock_filter one)
{
	program->steps[program->count++] = one;
}

/* `left`: steps from the next one to the one that lets in. */
static void expect(struct program *program, uint32_t word, size_t left)
{
	step(program,
	     (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word, 0, (uint8_t)(left - 1)));
}

static void add_source(struct program *program, struct in_addr router, struct in_addr also)
{
	const uint32_t source = (uint32_t)SKF_NET_OFF + offsetof(struct iphdr, saddr);

	step(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, source));
	step(program,
	     (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(router.s_addr), 2, 0));
	step(program,
	     (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(also.s_addr), 1, 0));
	step(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0));
}

/* What is not word for word the refrain is let in. */
static void add_refrain(struct program *program, const struct refrain *refrain)
{
	size_t first = refrain->beginning / 4;
	size_t last = refrain->end / 4;
	uint32_t least = UDP_HEADER + 4 * (uint32_t)(first > last ? first : last);
	size_t left = 2 * (first + last) + 3; /* with the load of the length, and the end */

	step(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0));
	step(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, least, 0,
						   (uint8_t)(left - 1)));
	for (size_t i = 0; i < first; i++) {
		step(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							   UDP_HEADER + 4 * (uint32_t)i));
		left -= 2;
		expect(program, get32(refrain->notice + 4 * i), left);
	}
	step(program, (struct sock_filter)BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0));
	left--;
	for (size_t i = last; i > 0; i--) {
		step(program,
		     (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0U - 4 * (uint32_t)i));
		left -= 2;
		expect(program, get32(refrain->notice + refrain->size - 4 * i), left);
	}
	step(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0));
}

void filter_attach(int fd, struct in_addr router, struct in_addr also,
		   const struct refrain *refrain)
{
	struct program program = { .count = 0 };
	struct sock_fprog whole = { .filter = program.steps };

	add_source(&program, router, also);
	if (refrain_is_enough(refrain))
		add_refrain(&program, refrain);
	step(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX));
	whole.len = program.count;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &whole, sizeof(whole)) < 0)
		log_debug("what others send is not kept out: %s", strerror(errno));
}
