/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/config.h"

#include <confuse.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "natd/comments.h"
#include "natd/config_many.h"
#include "natd/parser.h"
#include "natd/setting.h"

#define FILE_MAX (4 << 20)

void config_defaults(struct config *config)
{
	*config = (struct config){
		.order = { UPNP_PCP, UPNP_NATPMP, UPNP_IGD },
		.order_count = UPNP_PROTOCOLS,
		.lease = 7200,
		.coexist = true,
		.owned = true,
	};
}

void config_tunnel_defaults(struct config_tunnel *tunnel, const char *interface)
{
	*tunnel = (struct config_tunnel){
		.egress.kind = RULES_EGRESS_MASQUERADE,
		.reach = RULES_REACH_INTERNET | RULES_REACH_LAN,
	};
	snprintf(tunnel->interface, sizeof(tunnel->interface), "%s", interface);
}

/* A list that is given replaces the default, also by nothing. */
static void forget_default(struct target *target, const char *option)
{
	if (strcmp(option, "protocols") == 0)
		target->config->order_count = 0;
	if (strcmp(option, "reach") == 0)
		target->tunnel->reach = 0;
}

void config_read_section(cfg_t *section, struct target *target)
{
	for (cfg_opt_t *option = section->opts; option->name; option++) {
		const struct setting *setting = setting_find(section->name, option->name);

		if (!setting || !(option->flags & CFGF_MODIFIED))
			continue;
		if (setting->list)
			forget_default(target, option->name);
		parser_values(option, setting, target);
	}
}

static bool add_forward(struct config *config, cfg_t *section)
{
	struct config_forward *forward = &config->forwards[config->forward_count];
	struct target target = { .config = config, .forward = forward };

	*forward = (struct config_forward){ .protocol = IPPROTO_UDP, .ipv6 = true };
	snprintf(forward->name, sizeof(forward->name), "%s", cfg_title(section));
	config_read_section(section, &target);
	if (!forward->port) {
		cfg_error(section, "forward \"%s\" has no port; allowed: port = 1 to 65535",
			  forward->name);
		return false;
	}
	if (!forward->external)
		forward->external = forward->port;
	for (size_t i = 0; i < config->forward_count; i++) {
		if (config->forwards[i].protocol != forward->protocol ||
		    config->forwards[i].external != forward->external)
			continue;
		cfg_error(section,
			  "forward \"%s\" wants external port %u, which forward \"%s\" has; "
			  "allowed: each port once per protocol",
			  forward->name, forward->external, config->forwards[i].name);
		return false;
	}
	config->forward_count++;
	return true;
}

static void add_tunnel(struct config *config, cfg_t *section)
{
	struct config_tunnel *tunnel = &config->tunnels[config->tunnel_count++];
	struct target target = { .config = config, .tunnel = tunnel, .egress = &tunnel->egress };

	config_tunnel_defaults(tunnel, cfg_title(section));
	config_read_section(section, &target);
}

static bool build(struct config *config, cfg_t *cfg)
{
	struct target target = { .config = config };

	config_read_section(cfg, &target);
	for (unsigned int i = 0; i < cfg_size(cfg, "router"); i++)
		config_read_section(cfg_getnsec(cfg, "router", i), &target);
	for (unsigned int i = 0; i < cfg_size(cfg, "rules"); i++)
		config_read_section(cfg_getnsec(cfg, "rules", i), &target);
	for (unsigned int i = 0; i < cfg_size(cfg, "forward"); i++)
		if (!add_forward(config, cfg_getnsec(cfg, "forward", i)))
			return false;
	for (unsigned int i = 0; i < cfg_size(cfg, "tunnel"); i++)
		add_tunnel(config, cfg_getnsec(cfg, "tunnel", i));
	return config_add_many(config, cfg);
}

/* The whole file, with room for the sentinel behind it, to be freed by the caller; NULL with `error`
 * filled. Read by us, because libConfuse's scanner ends the process where it cannot read. */
static char *read_file(const char *path, char error[CONFIG_ERROR_MAX])
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, FILE_MAX + sizeof(PARSER_SENTINEL));
	size_t size;

	if (!file || !text) {
		snprintf(error, CONFIG_ERROR_MAX, "%s: cannot be read: %s", path, strerror(errno));
	} else {
		size = fread(text, 1, FILE_MAX, file);
		if (ferror(file))
			snprintf(error, CONFIG_ERROR_MAX, "%s: cannot be read: %s", path,
				 strerror(errno));
		else if (size == FILE_MAX)
			snprintf(error, CONFIG_ERROR_MAX, "%s: is longer than %d bytes", path,
				 FILE_MAX - 1);
		else if (memchr(text, '\0', size))
			snprintf(error, CONFIG_ERROR_MAX, "%s: is not text: it holds a NUL byte",
				 path);
	}
	if (file)
		fclose(file);
	if (!error[0])
		return text;
	free(text);
	return NULL;
}

/* An editor's count: what stands behind the last newline is a line too. */
static int count_lines(const char *text)
{
	int lines = 0;

	for (const char *at = text; *at; at++)
		lines += *at == '\n' || !at[1];
	return lines > 0 ? lines : 1;
}

/* Shows libConfuse what the user wrote, without its comments and with the sentinel behind it. */
static bool parse(cfg_t *cfg, char *text, const char *path, char error[CONFIG_ERROR_MAX])
{
	const char *complaint;
	int line;

	/* The byte order mark with which Windows' editors begin a file in UTF-8. */
	if (strncmp(text, "\ufeff", strlen("\ufeff")) == 0)
		memset(text, ' ', strlen("\ufeff"));
	complaint = comments_blank(text, &line);
	if (complaint) {
		snprintf(error, CONFIG_ERROR_MAX, "%s:%d: %s", path, line, complaint);
		return false;
	}
	memcpy(text + strlen(text), PARSER_SENTINEL, sizeof(PARSER_SENTINEL));
	return cfg_parse_buf(cfg, text) == CFG_SUCCESS;
}

bool config_read(struct config *config, const char *path, bool optional,
		 char error[CONFIG_ERROR_MAX])
{
	struct config fresh;
	char *text;
	cfg_t *cfg;
	bool good;

	error[0] = '\0';
	config_defaults(&fresh);
	if (optional && access(path, F_OK) < 0 && errno == ENOENT) {
		*config = fresh;
		return true;
	}
	text = read_file(path, error);
	if (!text)
		return false;
	cfg = parser_open(path, count_lines(text), error);
	good = cfg && parse(cfg, text, path, error) && build(&fresh, cfg);
	if (!good && !error[0])
		snprintf(error, CONFIG_ERROR_MAX, "%s: is not a natd.conf(5)", path);
	parser_close(cfg);
	free(text);
	malloc_trim(0); /* libConfuse takes a kilobyte for each section */
	if (good)
		*config = fresh;
	else
		config_free(&fresh);
	return good;
}

void config_free(struct config *config)
{
	free(config->clients);
	free(config->publishes);
	config->clients = NULL;
	config->publishes = NULL;
	config->client_count = config->publish_count = 0;
}
