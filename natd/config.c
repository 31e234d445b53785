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

#define LEASE_MIN 20
#define LEASE_MAX                                                                                  \
	604800 /* one week: the longest that UPnP IGD:2 knows (WANIPConnection:2 2.3.26) */

/* Where the values of a section go while it is read. */
struct target {
	struct config *config;
	struct config_forward *forward;
	struct config_tunnel *tunnel;
};

/* One setting: how one value of it is read and what the user is told is allowed. Each value comes as
 * text, so that a refusal can quote what the user wrote. */
struct setting {
	const char *section; /* "" at the top of the file */
	const char *name;
	bool list;
	bool (*read)(struct target *target, const char *value);
	const char *allowed;
};

static const char *const protocol_names[UPNP_PROTOCOLS] = { "pcp", "nat-pmp", "upnp" };

static bool parse_number(const char *text, unsigned long min, unsigned long max,
			 unsigned long *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0' && *number >= min && *number <= max;
}

static bool parse_bool(const char *text, bool *value)
{
	bool yes = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "on") == 0;
	bool no = strcmp(text, "false") == 0 || strcmp(text, "no") == 0 || strcmp(text, "off") == 0;

	if (yes || no)
		*value = yes;
	return yes || no;
}

bool config_parse_port(const char *text, uint16_t *port)
{
	unsigned long number;

	if (!parse_number(text, 1, 65535, &number))
		return false;
	*port = (uint16_t)number;
	return true;
}

bool config_parse_protocol(const char *text, uint8_t *protocol)
{
	if (strcmp(text, "udp") != 0 && strcmp(text, "tcp") != 0)
		return false;
	*protocol = text[0] == 'u' ? IPPROTO_UDP : IPPROTO_TCP;
	return true;
}

static bool read_protocols(struct target *target, const char *value)
{
	struct config *config = target->config;

	for (uint8_t protocol = 0; protocol < UPNP_PROTOCOLS; protocol++) {
		if (strcmp(value, protocol_names[protocol]) != 0)
			continue;
		if (memchr(config->order, protocol, config->order_count))
			return false; /* twice */
		config->order[config->order_count++] = protocol;
		return true;
	}
	return false;
}

static bool read_lease(struct target *target, const char *value)
{
	unsigned long lease;

	if (!parse_number(value, LEASE_MIN, LEASE_MAX, &lease))
		return false;
	target->config->lease = (uint32_t)lease;
	return true;
}

static bool read_keep(struct target *target, const char *value)
{
	return parse_bool(value, &target->config->keep);
}

static bool read_protocol(struct target *target, const char *value)
{
	return config_parse_protocol(value, &target->forward->protocol);
}

static bool read_port(struct target *target, const char *value)
{
	return config_parse_port(value, &target->forward->port);
}

static bool read_external(struct target *target, const char *value)
{
	return config_parse_port(value, &target->forward->external);
}

static bool read_ipv6(struct target *target, const char *value)
{
	return parse_bool(value, &target->forward->ipv6);
}

static bool read_network(struct target *target, const char *value)
{
	struct config_tunnel *tunnel = target->tunnel;
	struct prefix prefix;
	struct prefix network;

	if (tunnel->network_count == CONFIG_NETWORKS_MAX || !prefix_parse(&prefix, value))
		return false;
	network = prefix_network(&prefix);
	if (!prefix_equal(&network, &prefix) || prefix.length == 0)
		return false;
	tunnel->networks[tunnel->network_count++] = network;
	return true;
}

static bool read_egress(struct target *target, const char *value)
{
	struct config_egress *egress = &target->tunnel->egress;

	egress->kind = RULES_EGRESS_ADDRESS;
	if (strcmp(value, "masquerade") == 0)
		egress->kind = RULES_EGRESS_MASQUERADE;
	else if (strcmp(value, "none") == 0)
		egress->kind = RULES_EGRESS_NONE;
	else
		return address_parse(&egress->address, value) &&
		       address_kind(&egress->address) != ADDRESS_NONE &&
		       address_kind(&egress->address) != ADDRESS_SPECIAL;
	return true;
}

static bool read_reach(struct target *target, const char *value)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} reaches[] = { { "internet", RULES_REACH_INTERNET },
			{ "lan", RULES_REACH_LAN },
			{ "clients", RULES_REACH_CLIENTS } };

	for (size_t i = 0; i < sizeof(reaches) / sizeof(reaches[0]); i++) {
		if (strcmp(value, reaches[i].name) != 0)
			continue;
		target->tunnel->reach |= reaches[i].bit;
		return true;
	}
	return false;
}

static const struct setting settings[] = {
	{ "router", "protocols", true, read_protocols,
	  "\"pcp\", \"nat-pmp\" and \"upnp\", each once" },
	{ "router", "lease", false, read_lease, "seconds, 20 to 604800" },
	{ "router", "keep", false, read_keep, "true or false" },
	{ "forward", "protocol", false, read_protocol, "\"udp\" or \"tcp\"" },
	{ "forward", "port", false, read_port, "a port, 1 to 65535" },
	{ "forward", "external", false, read_external, "a port, 1 to 65535" },
	{ "forward", "ipv6", false, read_ipv6, "true or false" },
	{ "tunnel", "networks", true, read_network,
	  "at most 16 networks with no host bits, like \"10.8.0.0/24\" or \"fd42::/64\"" },
	{ "tunnel", "egress", false, read_egress,
	  "\"masquerade\", \"none\" or one address of this host, like \"203.0.113.9\"" },
	{ "tunnel", "reach", true, read_reach, "\"internet\", \"lan\" and \"clients\"" },
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

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

static const struct setting *find_setting(const char *section, const char *name)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (strcmp(settings[i].section, section) == 0 &&
		    strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
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
	struct target scratch = { &config, &config.forwards[0], &config.tunnels[0] };
	const struct setting *setting = find_setting(cfg->name, option->name);
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

static int check_section(cfg_t *cfg, cfg_opt_t *option)
{
	cfg_t *section = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);
	const char *title = cfg_title(section);
	bool tunnel = strcmp(option->name, "tunnel") == 0;
	unsigned int most = tunnel ? CONFIG_TUNNELS_MAX : CONFIG_FORWARDS_MAX;

	if (title && !name_is_clean(title, tunnel ? IF_NAMESIZE : UPNP_NAME_MAX)) {
		cfg_error(cfg,
			  "%s \"%s\": allowed is a name of letters, digits, '.', '_' and '-', at "
			  "most %d long",
			  option->name, title, (tunnel ? IF_NAMESIZE : UPNP_NAME_MAX) - 1);
		return -1;
	}
	if (cfg_opt_size(option) > most) {
		cfg_error(cfg, "%s \"%s\" is one too many; allowed: %u", option->name,
			  title ? title : "", most);
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
		const struct setting *setting = find_setting(section->name, option->name);

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
	struct target target = { config, forward, NULL };

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
	struct target target = { config, NULL, tunnel };

	config_tunnel_defaults(tunnel, cfg_title(section));
	read_section(section, &target);
}

static bool build(struct config *config, cfg_t *cfg)
{
	struct target target = { config, NULL, NULL };

	config_defaults(config);
	for (unsigned int i = 0; i < cfg_size(cfg, "router"); i++)
		read_section(cfg_getnsec(cfg, "router", i), &target);
	for (unsigned int i = 0; i < cfg_size(cfg, "forward"); i++)
		if (!add_forward(config, cfg_getnsec(cfg, "forward", i)))
			return false;
	for (unsigned int i = 0; i < cfg_size(cfg, "tunnel"); i++)
		add_tunnel(config, cfg_getnsec(cfg, "tunnel", i));
	return true;
}

/* Every value is declared as text; see struct setting. */
static cfg_t *make_parser(void)
{
	cfg_opt_t router[] = { CFG_STR_LIST("protocols", NULL, CFGF_NODEFAULT),
			       CFG_STR("lease", NULL, CFGF_NODEFAULT),
			       CFG_STR("keep", NULL, CFGF_NODEFAULT), CFG_END() };
	cfg_opt_t forward[] = { CFG_STR("protocol", NULL, CFGF_NODEFAULT),
				CFG_STR("port", NULL, CFGF_NODEFAULT),
				CFG_STR("external", NULL, CFGF_NODEFAULT),
				CFG_STR("ipv6", NULL, CFGF_NODEFAULT), CFG_END() };
	cfg_opt_t tunnel[] = { CFG_STR_LIST("networks", NULL, CFGF_NODEFAULT),
			       CFG_STR("egress", NULL, CFGF_NODEFAULT),
			       CFG_STR_LIST("reach", NULL, CFGF_NODEFAULT), CFG_END() };
	cfg_opt_t top[] = {
		CFG_SEC("router", router, CFGF_NODEFAULT),
		CFG_SEC("forward", forward, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_SEC("tunnel", tunnel, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_STR("_end", NULL, CFGF_NODEFAULT), CFG_END()
	};
	cfg_t *cfg = cfg_init(top, CFGF_NONE);
	char path[64];

	if (!cfg)
		return NULL;
	cfg_set_error_function(cfg, on_error);
	cfg_set_validate_func(cfg, "forward", check_section);
	cfg_set_validate_func(cfg, "tunnel", check_section);
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		snprintf(path, sizeof(path), "%s|%s", settings[i].section, settings[i].name);
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
