/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "natd/log.h"

/* Where the first error goes. libConfuse hands its callbacks nothing of ours. */
static struct {
	const char *path;
	int lines; /* of the file: libConfuse counts on, to the end of the sentinel */
	char *text;
} error_sink;

static void keep_error(const cfg_t *cfg, const char *text)
{
	int line = cfg->line < error_sink.lines ? cfg->line : error_sink.lines;
	int used;

	if (!error_sink.text || error_sink.text[0])
		return;
	used = snprintf(error_sink.text, CONFIG_ERROR_MAX, "%s:%d: ", error_sink.path, line);
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

/* libConfuse's own complaints, and what to add to them. A name in `_` is ours: see PARSER_SENTINEL. */
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
	{ "premature end of file", "; allowed: each list closed, and a value behind each '='" },
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

const char *parser_values(cfg_opt_t *option, const struct setting *setting, struct target *target)
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
	struct config_client client = { 0 };
	struct config_publish publish = { 0 };
	struct target scratch = { &config,  &config.forwards[0],      &config.tunnels[0], &client,
				  &publish, &config.tunnels[0].egress };
	const struct setting *setting = setting_find(cfg->name, option->name);
	const char *bad = setting ? parser_values(option, setting, &scratch) : NULL;

	if (bad && strcmp(bad, "_end") == 0)
		cfg_error(cfg, "premature end of file");
	else if (bad)
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

cfg_t *parser_open(const char *path, int lines, char error[CONFIG_ERROR_MAX])
{
	error_sink.path = path;
	error_sink.lines = lines;
	error_sink.text = error;
	return make_parser();
}

void parser_close(cfg_t *cfg)
{
	error_sink.text = NULL;
	cfg_free(cfg);
}
