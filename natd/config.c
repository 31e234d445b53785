/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/config.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "natd/parser.h"
#include "natd/setting.h"

#define FILE_MAX 65536

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

static void read_section(cfg_t *section, struct target *target)
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
	read_section(section, &target);
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
	read_section(section, &target);
}

static const char *family_name(uint8_t family)
{
	return family == AF_INET ? "an IPv4" : "an IPv6";
}

/* One address per client: an address of the other family cannot be it. */
static bool check_client(const struct config *config, const struct config_client *client,
			 cfg_t *section)
{
	char text[EGRESS_TEXT_MAX];

	if (egress_is_fixed(&client->egress) &&
	    client->egress.address.family != client->network.address.family) {
		cfg_error(section, "client \"%s\" cannot leave with %s; allowed: %s address",
			  cfg_title(section), egress_print(&client->egress, text),
			  family_name(client->network.address.family));
		return false;
	}
	for (size_t i = 0; i < config->client_count; i++) {
		if (!prefix_equal(&config->clients[i].network, &client->network))
			continue;
		cfg_error(section, "client \"%s\" is there twice; allowed: each client once",
			  cfg_title(section));
		return false;
	}
	return true;
}

static bool add_client(struct config *config, cfg_t *section)
{
	struct config_client *client = &config->clients[config->client_count];
	struct target target = { .config = config, .client = client, .egress = &client->egress };

	*client = (struct config_client){ .egress.kind = RULES_EGRESSES };
	prefix_parse(&client->network, cfg_title(section));
	read_section(section, &target);
	if (client->egress.kind == RULES_EGRESSES) {
		cfg_error(section, "client \"%s\" has no egress; allowed: egress = %s",
			  cfg_title(section), setting_find("client", "egress")->allowed);
		return false;
	}
	if (!check_client(config, client, section))
		return false;
	config->client_count++;
	return true;
}

/* One port of one family leads to one client. */
static bool check_publish_ports(const struct config *config, const struct config_publish *publish,
				cfg_t *section)
{
	for (size_t i = 0; i < config->publish_count; i++) {
		const struct config_publish *other = &config->publishes[i];

		if (other->protocol != publish->protocol ||
		    other->to.family != publish->to.family || other->last < publish->port ||
		    publish->last < other->port)
			continue;
		cfg_error(section,
			  "publish \"%s\" wants port %u, which publish \"%s\" has; allowed: each "
			  "port "
			  "once per protocol and family",
			  publish->name, publish->port > other->port ? publish->port : other->port,
			  other->name);
		return false;
	}
	return true;
}

static bool check_publish(const struct config *config, const struct config_publish *publish,
			  cfg_t *section)
{
	const char *missing = !publish->port ? "port" : !publish->to.family ? "to" : NULL;

	if (missing) {
		cfg_error(section, "publish \"%s\" has no %s; allowed: %s = %s", publish->name,
			  missing, missing, setting_find("publish", missing)->allowed);
		return false;
	}
	if (publish->to_port + (publish->last - publish->port) > UINT16_MAX) {
		cfg_error(section,
			  "publish \"%s\": %u ports from to-port %u on end beyond 65535; allowed: "
			  "to-port = 1 to %u",
			  publish->name, publish->last - publish->port + 1U, publish->to_port,
			  UINT16_MAX - (publish->last - publish->port));
		return false;
	}
	return check_publish_ports(config, publish, section);
}

static bool add_publish(struct config *config, cfg_t *section)
{
	struct config_publish *publish = &config->publishes[config->publish_count];
	struct target target = { .config = config, .publish = publish };

	*publish = (struct config_publish){ .protocol = IPPROTO_TCP, .keep_source = true };
	snprintf(publish->name, sizeof(publish->name), "%s", cfg_title(section));
	read_section(section, &target);
	if (!publish->to_port)
		publish->to_port = publish->port;
	if (!check_publish(config, publish, section))
		return false;
	config->publish_count++;
	return true;
}

static bool build(struct config *config, cfg_t *cfg)
{
	struct target target = { .config = config };

	config_defaults(config);
	read_section(cfg, &target);
	for (unsigned int i = 0; i < cfg_size(cfg, "router"); i++)
		read_section(cfg_getnsec(cfg, "router", i), &target);
	for (unsigned int i = 0; i < cfg_size(cfg, "rules"); i++)
		read_section(cfg_getnsec(cfg, "rules", i), &target);
	for (unsigned int i = 0; i < cfg_size(cfg, "forward"); i++)
		if (!add_forward(config, cfg_getnsec(cfg, "forward", i)))
			return false;
	for (unsigned int i = 0; i < cfg_size(cfg, "tunnel"); i++)
		add_tunnel(config, cfg_getnsec(cfg, "tunnel", i));
	for (unsigned int i = 0; i < cfg_size(cfg, "client"); i++)
		if (!add_client(config, cfg_getnsec(cfg, "client", i)))
			return false;
	for (unsigned int i = 0; i < cfg_size(cfg, "publish"); i++)
		if (!add_publish(config, cfg_getnsec(cfg, "publish", i)))
			return false;
	return true;
}

/* The whole file with the sentinel behind it, to be freed by the caller; NULL with `error` filled.
 * Read by us, because libConfuse's scanner ends the process where it cannot read. */
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
		else
			memcpy(text + size, PARSER_SENTINEL, sizeof(PARSER_SENTINEL));
	}
	if (file)
		fclose(file);
	if (!error[0])
		return text;
	free(text);
	return NULL;
}

bool config_read(struct config *config, const char *path, bool optional,
		 char error[CONFIG_ERROR_MAX])
{
	struct config fresh;
	char *text;
	cfg_t *cfg;
	bool good;

	error[0] = '\0';
	if (optional && access(path, F_OK) < 0 && errno == ENOENT) {
		config_defaults(config);
		return true;
	}
	text = read_file(path, error);
	if (!text)
		return false;
	cfg = parser_open(path, error);
	good = cfg && cfg_parse_buf(cfg, text) == CFG_SUCCESS && build(&fresh, cfg);
	if (!good && !error[0])
		snprintf(error, CONFIG_ERROR_MAX, "%s: is not a natd.conf(5)", path);
	parser_close(cfg);
	free(text);
	if (good)
		*config = fresh;
	return good;
}
