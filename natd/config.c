/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/config.h"

#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "natd/log.h"
#include "natd/setting.h"

/* libConfuse takes the end of the file for the end of an open section. A last line that only the top
 * of the file knows tells. */
#define SENTINEL "\n_end = 1\n"

#define FILE_MAX 65536

/* Where the first error goes. libConfuse hands its callbacks nothing of ours. */
static struct {
	const char *path;
	char *text;
} error_sink;

static void keep_error(const cfg_t *cfg, const char *text)
{
	int used;

	if (!error_sink.text || error_sink.text[0])
		return;
	used = snprintf(error_sink.text, CONFIG_ERROR_MAX, "%s:%d: ", error_sink.path, cfg->line);
	if (used > 0 && used < CONFIG_ERROR_MAX)
		snprintf(error_sink.text + used, (size_t)(CONFIG_ERROR_MAX - used), "%s", text);
	log_clean(error_sink.text);
}

/* What may stand where `cfg` stands: "protocol, port, external, ipv6". */
static void allowed_names(const cfg_t *cfg, char *text, size_t size)
{
	size_t used = 0;

	for (const cfg_opt_t *option = cfg->opts; option->name && used < size; option++)
		if (option->name[0] != '_')
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
						 option->name);
}

/* libConfuse's own complaints, and what to add to them. A name in `_` is ours: see SENTINEL. */
static const struct {
	const char *complaint;
	const char *allowed;
} complaints[] = {
	{ "no such option '_end'",
	  "a section is not closed; allowed: a '}' at the end of each section" },
	{ "found duplicate title", "; allowed: each name once" },
	{ "missing title for section",
	  "; allowed: a name in quotes, like forward \"wireguard\" { ... }" },
	{ "unexpected token", "; allowed: NAME = VALUE, or SECTION { ... }" },
	{ "unexpected closing brace", "; allowed: one '}' for each '{'" },
	{ "premature end of file", "; allowed: each string and list closed" },
};

static const char *allowed_for(const char *complaint)
{
	for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++)
		if (strncmp(complaint, complaints[i].complaint, strlen(complaints[i].complaint)) ==
		    0)
			return complaints[i].allowed;
	return "";
}

/* Every complaint comes by here: libConfuse's and, through cfg_error(), ours. */
__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *format,
							   va_list arguments)
{
	char text[320];
	char names[96] = "";
	char full[CONFIG_ERROR_MAX - 32];
	const char *allowed;

	vsnprintf(text, sizeof(text), format, arguments);
	allowed = allowed_for(text);
	if (allowed[0] == 'a')
		text[0] = '\0'; /* says it all */
	else if (strncmp(text, "no such option", 14) == 0)
		allowed_names(cfg, names, sizeof(names));
	snprintf(full, sizeof(full), "%s%s%s%s", text, allowed, names[0] ? "; allowed here: " : "",
		 names);
	keep_error(cfg, full);
}

/* Reads every value of one option into `target`; the first bad one is the result, NULL if none. */
static const char *read_values(cfg_opt_t *option, const struct setting *setting,
			       struct target *target)
{
	for (unsigned int i = 0; i < cfg_opt_size(option); i++) {
		const char *value = cfg_opt_getnstr(option, i);

		if (value && !setting->read(target, value))
			return value;
	}
	return NULL;
}

/* While the file is read, each value is tried on a scratch target, because only now does libConfuse
 * know the line. */
static int check_option(cfg_t *cfg, cfg_opt_t *option)
{
	struct config config = { 0 };
	struct target scratch = { &config,
				  &config.forwards[0],
				  &config.tunnels[0],
				  &config.clients[0],
				  &config.publishes[0],
				  &config.tunnels[0].egress };
	const struct setting *setting = setting_find(cfg->name, option->name);
	const char *bad = setting ? read_values(option, setting, &scratch) : NULL;

	if (bad)
		cfg_error(cfg, "%s = \"%s\" is not allowed; allowed: %s", option->name, bad,
			  setting->allowed);
	return bad ? -1 : 0;
}

static bool name_is_clean(const char *name, size_t max)
{
	return name[0] && strlen(name) < max &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       strlen(name) &&
	       name[0] != '.';
}

/* A client is named by its address or its network. */
static bool client_is_clean(const char *title, size_t max)
{
	struct prefix prefix;
	struct prefix network;

	(void)max;
	if (!prefix_parse(&prefix, title))
		return false;
	network = prefix_network(&prefix);
	return prefix_equal(&network, &prefix) && prefix.length > 0;
}

static const struct titled {
	const char *section;
	unsigned int most;
	bool (*is_clean)(const char *title, size_t max);
	size_t max; /* bytes with the NUL */
	const char *allowed;
} titled[] = {
	{ "forward", CONFIG_FORWARDS_MAX, name_is_clean, UPNP_NAME_MAX,
	  "a name of letters, digits, '.', '_' and '-', at most 31 long" },
	{ "tunnel", CONFIG_TUNNELS_MAX, name_is_clean, IF_NAMESIZE,
	  "a name of letters, digits, '.', '_' and '-', at most 15 long" },
	{ "publish", CONFIG_PUBLISH_MAX, name_is_clean, UPNP_NAME_MAX,
	  "a name of letters, digits, '.', '_' and '-', at most 31 long" },
	{ "client", CONFIG_CLIENTS_MAX, client_is_clean, 0,
	  "an address or a network with no host bits, like \"10.8.0.2\" or \"fd42::/64\"" },
};

_Static_assert(UPNP_NAME_MAX == 32 && IF_NAMESIZE == 16, "what the user is told above");

static const struct titled *find_titled(const char *section)
{
	const struct titled *found = titled;

	while (strcmp(found->section, section) != 0)
		found++;
	return found;
}

static int check_section(cfg_t *cfg, cfg_opt_t *option)
{
	cfg_t *section = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);
	const char *title = cfg_title(section);
	const struct titled *rule = find_titled(option->name);

	if (title && !rule->is_clean(title, rule->max)) {
		cfg_error(cfg, "%s \"%s\": allowed is %s", option->name, title, rule->allowed);
		return -1;
	}
	if (cfg_opt_size(option) > rule->most) {
		cfg_error(cfg, "%s \"%s\" is one too many; allowed: %u", option->name,
			  title ? title : "", rule->most);
		return -1;
	}
	return 0;
}

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
		read_values(option, setting, target);
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

/* Every value is declared as text; see struct setting. */
static cfg_t *make_parser(void)
{
	cfg_opt_t router[] = { CFG_STR_LIST("protocols", NULL, CFGF_NODEFAULT),
			       CFG_STR("lease", NULL, CFGF_NODEFAULT),
			       CFG_STR("keep", NULL, CFGF_NODEFAULT),
			       CFG_STR("stun", NULL, CFGF_NODEFAULT), CFG_END() };
	cfg_opt_t rules[] = { CFG_STR("owned", NULL, CFGF_NODEFAULT), CFG_END() };
	cfg_opt_t forward[] = { CFG_STR("protocol", NULL, CFGF_NODEFAULT),
				CFG_STR("port", NULL, CFGF_NODEFAULT),
				CFG_STR("external", NULL, CFGF_NODEFAULT),
				CFG_STR("ipv6", NULL, CFGF_NODEFAULT), CFG_END() };
	cfg_opt_t tunnel[] = { CFG_STR_LIST("networks", NULL, CFGF_NODEFAULT),
			       CFG_STR("egress", NULL, CFGF_NODEFAULT),
			       CFG_STR("egress-gone", NULL, CFGF_NODEFAULT),
			       CFG_STR_LIST("reach", NULL, CFGF_NODEFAULT), CFG_END() };
	cfg_opt_t publish[] = {
		CFG_STR("protocol", NULL, CFGF_NODEFAULT), CFG_STR("port", NULL, CFGF_NODEFAULT),
		CFG_STR("to", NULL, CFGF_NODEFAULT),       CFG_STR("to-port", NULL, CFGF_NODEFAULT),
		CFG_STR("source", NULL, CFGF_NODEFAULT),   CFG_END()
	};
	cfg_opt_t client[] = { CFG_STR("egress", NULL, CFGF_NODEFAULT),
			       CFG_STR("egress-gone", NULL, CFGF_NODEFAULT), CFG_END() };
	cfg_opt_t top[] = {
		CFG_SEC("router", router, CFGF_NODEFAULT),
		CFG_SEC("rules", rules, CFGF_NODEFAULT),
		CFG_SEC("forward", forward, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("tunnel", tunnel, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("client", client, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("publish", publish, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_STR("coexist", NULL, CFGF_NODEFAULT),
		CFG_STR("name", NULL, CFGF_NODEFAULT),
		CFG_STR("_end", NULL, CFGF_NODEFAULT),
		CFG_END()
	};
	cfg_t *cfg = cfg_init(top, CFGF_NONE);
	char path[64];

	if (!cfg)
		return NULL;
	cfg_set_error_function(cfg, on_error);
	for (size_t i = 0; i < sizeof(titled) / sizeof(titled[0]); i++)
		cfg_set_validate_func(cfg, titled[i].section, check_section);
	for (size_t i = 0; i < setting_count; i++) {
		bool top_level = strcmp(settings[i].section, SETTING_TOP) == 0;

		snprintf(path, sizeof(path), "%s%s%s", top_level ? "" : settings[i].section,
			 top_level ? "" : "|", settings[i].name);
		cfg_set_validate_func(cfg, path, check_option);
	}
	return cfg;
}

/* The whole file with the sentinel behind it, to be freed by the caller; NULL with `error` filled.
 * Read by us, because libConfuse's scanner ends the process where it cannot read. */
static char *read_file(const char *path, char error[CONFIG_ERROR_MAX])
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, FILE_MAX + sizeof(SENTINEL));
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
			memcpy(text + size, SENTINEL, sizeof(SENTINEL));
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
	error_sink.path = path;
	error_sink.text = error;
	cfg = make_parser();
	good = cfg && cfg_parse_buf(cfg, text) == CFG_SUCCESS && build(&fresh, cfg);
	if (!good && !error[0])
		snprintf(error, CONFIG_ERROR_MAX, "%s: is not a natd.conf(5)", path);
	error_sink.text = NULL;
	cfg_free(cfg);
	free(text);
	if (good)
		*config = fresh;
	return good;
}
