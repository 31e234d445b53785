/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/uapi.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "natd/log.h"

#define FOLDER      "/run/wireguard"
#define SUFFIX      ".sock"
#define DEVICES_MAX 8
#define PIECE_SIZE  4096

/* It is asked on this host, for a person who waits: one that hangs keeps rules for so long. */
#define PATIENCE_MS 300

static struct device {
	char interface[IF_NAMESIZE]; /* "": this place is free */
	int socket;
} devices[DEVICES_MAX];

/* ---- connections ---- */

static int connect_to(const char *file)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int size = snprintf(address.sun_path, sizeof(address.sun_path), FOLDER "/%s", file);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && size < (int)sizeof(address.sun_path) &&
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	log_debug(FOLDER "/%s: %s", file, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* "wg0.sock" */
static void open_device(struct device *device, const char *file)
{
	const char *suffix = strstr(file, SUFFIX);
	size_t length = suffix ? (size_t)(suffix - file) : 0;

	if (!length || length >= IF_NAMESIZE || strcmp(suffix, SUFFIX) != 0)
		return;
	device->socket = connect_to(file);
	if (device->socket >= 0)
		memcpy(device->interface, file, length);
}

void rules_open(void)
{
	DIR *folder = opendir(FOLDER);
	const struct dirent *entry;
	size_t count = 0;

	while (folder && count < DEVICES_MAX && (entry = readdir(folder))) {
		open_device(&devices[count], entry->d_name);
		count += devices[count].interface[0] != '\0';
	}
	if (folder)
		closedir(folder);
}

static void hang_up(struct device *device)
{
	close(device->socket);
	*device = (struct device){ 0 };
}

void rules_close(void)
{
	for (size_t i = 0; i < DEVICES_MAX; i++)
		if (devices[i].interface[0])
			hang_up(&devices[i]);
}

static struct device *find(const char *interface)
{
	for (size_t i = 0; i < DEVICES_MAX; i++)
		if (devices[i].interface[0] && strcmp(devices[i].interface, interface) == 0)
			return &devices[i];
	return NULL;
}

/* ---- the answer ---- */

static void take_handshake(struct rules_peers *peers, int64_t shaken, int64_t now)
{
	int64_t ago = now > shaken ? now - shaken : 0;

	if (shaken <= 0)
		return;
	peers->shaken++;
	if (peers->ago < 0 || ago < peers->ago)
		peers->ago = ago;
}

static void take_line(struct uapi_answer *answer, int64_t now)
{
	static const char handshake[] = "last_handshake_time_sec=";
	static const char peer[] = "public_key=";
	static const char end[] = "errno=";
	const char *line = answer->line;

	if (strncmp(line, peer, strlen(peer)) == 0) {
		answer->peers->peers++;
	} else if (strncmp(line, handshake, strlen(handshake)) == 0 &&
		   answer->peers->shaken < answer->peers->peers) {
		take_handshake(answer->peers, strtoll(line + strlen(handshake), NULL, 10), now);
	} else if (strncmp(line, end, strlen(end)) == 0) {
		answer->over = true;
		answer->refused = strcmp(line + strlen(end), "0") != 0;
	}
}

void uapi_take(struct uapi_answer *answer, const char *bytes, uint32_t size, int64_t now)
{
	for (uint32_t i = 0; i < size && !answer->over; i++) {
		if (bytes[i] != '\n') {
			if (answer->length < sizeof(answer->line) - 1)
				answer->line[answer->length++] = bytes[i];
			continue;
		}
		answer->line[answer->length] = '\0';
		take_line(answer, now);
		/* It may have been the private key. */
		explicit_bzero(answer->line, sizeof(answer->line));
		answer->length = 0;
	}
}

/* What is left of the one before, after its last line, is taken along. False: it has gone, or hangs. */
static bool read_answer(int fd, struct uapi_answer *answer)
{
	char piece[PIECE_SIZE];
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	ssize_t got = 1;

	while (!answer->over && got > 0) {
		got = poll(&wait, 1, PATIENCE_MS) > 0 ? recv(fd, piece, sizeof(piece), MSG_DONTWAIT)
						      : 0;
		if (got > 0)
			uapi_take(answer, piece, (uint32_t)got, time(NULL));
		explicit_bzero(piece, sizeof(piece));
	}
	explicit_bzero(answer->line, sizeof(answer->line));
	return answer->over && !answer->refused;
}

bool rules_userspace_peers(const char *interface, struct rules_peers *peers)
{
	static const char question[] = "get=1\n\n";
	struct device *device = find(interface);
	const struct rules_peers nothing = *peers;
	struct uapi_answer answer = { .peers = peers };

	if (!device)
		return false;
	if (send(device->socket, question, strlen(question), MSG_NOSIGNAL | MSG_DONTWAIT) ==
		    (ssize_t)strlen(question) &&
	    read_answer(device->socket, &answer))
		return true;
	*peers = nothing;
	hang_up(device); /* a new one is root's to connect to */
	return false;
}
