/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/routers.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "natd/address.h"
#include "natd/comments.h"

#define FILE_BYTES_MAX (256 * 1024)
#define VALUE_MAX      200

/* libConfuse takes the end of the file for the end of an open section: behind it stands an option
 * that only the top of the file knows. */
#define SENTINEL "\n_end = end\n"

struct setting {
	const char *name;
	bool list;
	bool needed;
	bool (*sound)(const char *value);
	const char *allowed;
};

/* Where libConfuse's complaints go; it passes no pointer of ours. */
static struct {
	const char *path;
	char *text;
} complaints;

/* ---- what a value may be ---- */

/* UTF-8 without control characters: it is shown on a terminal as it stands. */
static bool is_line(const char *value)
{
	json_t *strict = json_string(value);
	bool good = strict && *value && strlen(value) <= VALUE_MAX;

	for (; good && *value; value++)
		good = !iscntrl((unsigned char)*value);
	json_decref(strict);
	return good;
}

/* A part of one or two letters is in every description. */
static bool is_part(const char *value)
{
	return is_line(value) && strlen(value) >= 3;
}

static bool is_host(const char *value)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";

	return is_line(value) && value[strspn(value, allowed)] == '\0';
}

static bool is_mac_prefix(const char *value)
{
	for (int i = 0; i < 8; i++)
		if (i % 3 == 2 ? value[i] != ':'
			       : !isxdigit((unsigned char)value[i]) ||
					 isupper((unsigned char)value[i]))
			return false;
	return value[8] == '\0';
}

static bool is_address(const char *value)
{
	struct address address;

	return address_parse(&address, value) && address.family == AF_INET;
}

static bool is_page(const char *value)
{
	return is_line(value) && strpbrk(value, " \"'<>") == NULL &&
	       (strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0);
}

static bool is_yes_or_no(const char *value)
{
	return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0;
}

#define LINE "one line of at most 200 bytes of UTF-8"
#define PART LINE ", at least three"

static const struct setting settings[] = {
	{ "name", false, true, is_line, LINE },
	{ "name-ja", false, false, is_line, LINE },
	{ "model", true, false, is_part, PART },
	{ "server", true, false, is_part, PART },
	{ "dns", true, false, is_host, "a DNS name in small letters, like \"ntt.setup\"" },
	{ "title", true, false, is_part, PART },
	{ "mac", true, false, is_mac_prefix, "the first half in small letters, like \"00:a0:de\"" },
	{ "address", true, false, is_address, "an IPv4 address" },
	{ "page", false, false, is_page, "http:// or https:// and what follows, without spaces" },
	{ "app", false, false, is_line, LINE },
	{ "menu", false, true, is_line, LINE },
	{ "menu-ja", false, false, is_line, LINE },
	{ "reservation", false, false, is_line, LINE },
	{ "reservation-ja", false, false, is_line, LINE },
	{ "note", false, false, is_line, LINE },
	{ "note-ja", false, false, is_line, LINE },
	{ "checked", false, false, is_yes_or_no, "yes or no" },
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

/* ---- libConfuse ---- */

__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *format,
							   va_list arguments)
{
	char text[ROUTERS_ERROR_MAX / 2];

	if (!complaints.text || complaints.text[0])
		return; /* the first complaint is the cause of the others */
	vsnprintf(text, sizeof(text), format, arguments);
	snprintf(complaints.text, ROUTERS_ERROR_MAX, "%.100s:%d: %s", complaints.path, cfg->line,
		 text);
}

static int check_value(cfg_t *cfg, cfg_opt_t *option)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		for (unsigned int n = 0; n < cfg_opt_size(option); n++) {
			const char *value = cfg_opt_getnstr(option, n);

			if (strcmp(settings[i].name, option->name) != 0 || !value ||
			    settings[i].sound(value))
				continue;
			cfg_error(cfg, "%s = \"%.40s\" is not allowed; allowed: %s", option->name,
				  value, settings[i].allowed);
			return -1;
		}
	}
	return 0;
}

static bool recognisable(cfg_t *section)
{
	static const char *const signs[] = { "model", "server", "dns", "title", "mac", "address" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (cfg_size(section, signs[i]) > 0)
			return true;
	return false;
}

/* When a section ends: does it say enough? */
static int check_section(cfg_t *cfg, cfg_opt_t *option)
{
	cfg_t *section = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);

	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (settings[i].needed && !cfg_getstr(section, settings[i].name)) {
			cfg_error(cfg, "router \"%.40s\" has no %s", cfg_title(section),
				  settings[i].name);
			return -1;
		}
	if (recognisable(section))
		return 0;
	cfg_error(cfg,
		  "router \"%.40s\" has nothing to recognise it by; allowed: model, server, "
		  "dns, title, mac, address",
		  cfg_title(section));
	return -1;
}

static cfg_t *make_parser(void)
{
	cfg_opt_t router[SETTING_COUNT + 1];
	cfg_opt_t top[] = { CFG_SEC("router", router,
				    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
			    CFG_STR("_end", NULL, CFGF_NODEFAULT), CFG_END() };
	char path[32];
	cfg_t *cfg;

	for (size_t i = 0; i < SETTING_COUNT; i++)
		router[i] =
			settings[i].list
				? (cfg_opt_t)CFG_STR_LIST(settings[i].name, NULL, CFGF_NODEFAULT)
				: (cfg_opt_t)CFG_STR(settings[i].name, NULL, CFGF_NODEFAULT);
	router[SETTING_COUNT] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(top, CFGF_NONE);
	if (!cfg)
		return NULL;
	cfg_set_error_function(cfg, on_error);
	cfg_set_validate_func(cfg, "router", check_section);
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		snprintf(path, sizeof(path), "router|%s", settings[i].name);
		cfg_set_validate_func(cfg, path, check_value);
	}
	return cfg;
}

/* The whole file with the sentinel behind it, to be freed; NULL where it cannot be read. libConfuse's
 * own reading ends the process on a directory. */
static char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, FILE_BYTES_MAX + sizeof(SENTINEL));
	size_t size = file && text ? fread(text, 1, FILE_BYTES_MAX, file) : FILE_BYTES_MAX;
	bool good = size < FILE_BYTES_MAX && !ferror(file) && !memchr(text, '\0', size);

	if (file)
		fclose(file);
	if (good) {
		memcpy(text + size, SENTINEL, sizeof(SENTINEL));
		return text;
	}
	free(text);
	return NULL;
}

/* ---- to JSON ---- */

static json_t *option_json(cfg_t *section, const struct setting *setting)
{
	json_t *list;

	if (!setting->list)
		return json_string(cfg_getstr(section, setting->name));
	list = json_array();
	for (unsigned int i = 0; i < cfg_size(section, setting->name); i++)
		json_array_append_new(list, json_string(cfg_getnstr(section, setting->name, i)));
	return list;
}

static json_t *router_json(cfg_t *section)
{
	json_t *router = json_pack("{s:s}", "id", cfg_title(section));

	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (cfg_size(section, settings[i].name) > 0)
			json_object_set_new(router, settings[i].name,
					    option_json(section, &settings[i]));
	return router;
}

/* Parses `text` without its comments. */
static bool parse(cfg_t *cfg, char *text, const char *path, char error[ROUTERS_ERROR_MAX])
{
	int line;
	const char *complaint = comments_blank(text, &line);

	if (complaint)
		snprintf(error, ROUTERS_ERROR_MAX, "%.100s:%d: %s", path, line, complaint);
	return !complaint && cfg_parse_buf(cfg, text) == CFG_SUCCESS;
}

json_t *routers_read(const char *path, bool optional, char error[ROUTERS_ERROR_MAX])
{
	json_t *routers = NULL;
	char *text;
	cfg_t *cfg;

	error[0] = '\0';
	if (optional && access(path, F_OK) < 0 && errno == ENOENT)
		return json_array();
	text = read_text(path);
	if (!text) {
		snprintf(error, ROUTERS_ERROR_MAX, "%.100s: cannot be read as text", path);
		return NULL;
	}
	complaints.path = path;
	complaints.text = error;
	cfg = make_parser();
	if (cfg && parse(cfg, text, path, error)) {
		routers = json_array();
		for (unsigned int i = 0; i < cfg_size(cfg, "router"); i++)
			json_array_append_new(routers, router_json(cfg_getnsec(cfg, "router", i)));
	} else if (!error[0]) {
		snprintf(error, ROUTERS_ERROR_MAX, "%.100s: cannot be read", path);
	}
	complaints.text = NULL;
	cfg_free(cfg);
	free(text);
	return routers;
}

json_t *routers_installed(void)
{
	static const char *const paths[] = { ROUTERS_OWN, NATD_DATADIR "/routers.conf" };
	json_t *all = json_array();

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char error[ROUTERS_ERROR_MAX];
		json_t *routers = routers_read(paths[i], true, error);

		if (!routers)
			fprintf(stderr, "natctl: %s\n", error);
		json_array_extend(all, routers);
		json_decref(routers);
	}
	return all;
}
