/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSCTL_ROOT "/proc/sys/net/"
#define PATH_SIZE   (sizeof(SYSCTL_ROOT) + RULES_SYSCTL_MAX)
#define VALUE_SIZE  32

static bool parse_value(const char *text, int32_t *value)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || end == text || (*end != '\n' && *end != '\0') || number < INT32_MIN ||
	    number > INT32_MAX)
		return false;
	*value = (int32_t)number;
	return true;
}

static int read_value(const char *path, int32_t *value)
{
	char text[VALUE_SIZE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;
	int error;

	if (fd < 0)
		return errno;
	got = read(fd, text, sizeof(text) - 1);
	error = got < 0 ? errno : 0;
	close(fd);
	if (error)
		return error;
	text[got] = '\0';
	return parse_value(text, value) ? 0 : EPROTO;
}

/* The files belong to root; to CAP_NET_ADMIN the kernel gives what it gives root, net/sysctl_net.c
 * net_ctl_permissions(). */
static int write_value(const char *path, int32_t value)
{
	char text[VALUE_SIZE];
	int length = snprintf(text, sizeof(text), "%d\n", value);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return errno;
	error = write(fd, text, (size_t)length) < 0 ? errno : 0;
	close(fd);
	return error;
}

int32_t sysctl_value(const char *name)
{
	char path[PATH_SIZE];
	int32_t value = -1;

	snprintf(path, sizeof(path), SYSCTL_ROOT "%s", name);
	return read_value(path, &value) ? -1 : value;
}

struct rules_sysctl_is sysctl_write(const struct rules_sysctl *sysctl)
{
	struct rules_sysctl_is is = { .before = -1 };
	char path[PATH_SIZE];
	int32_t after = 0;

	memcpy(is.name, sysctl->name, sizeof(is.name));
	snprintf(path, sizeof(path), SYSCTL_ROOT "%s", sysctl->name);
	is.error = read_value(path, &is.before);
	if (is.error || is.before == sysctl->value)
		return is;
	is.error = write_value(path, sysctl->value);
	if (!is.error)
		is.error = read_value(path, &after);
	if (!is.error && after != sysctl->value)
		is.error = EINVAL;
	return is;
}
