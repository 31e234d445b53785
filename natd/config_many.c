/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/config_many.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "natd/log.h"
#include "natd/setting.h"

static const char *family_name(uint8_t family)
{
	return family == AF_INET ? "an IPv4" : "an IPv6";
}

/* One address per client: an address of the other family cannot be it. */
static bool check_client(const struct config_client *client, cfg_t *section)
{
	char text[EGRESS_TEXT_MAX];

	if (egress_is_fixed(&client->egress) &&
	    client->egress.address.family != client->network.address.family) {
		cfg_error(section, "client \"%s\" cannot leave with %s; allowed: %s address",
			  cfg_title(section), egress_print(&client->egress, text),
			  family_name(client->network.address.family));
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
	config_read_section(section, &target);
	if (client->egress.kind == RULES_EGRESSES) {
		cfg_error(section, "client \"%s\" has no egress; allowed: egress = %s",
			  cfg_title(section), setting_find("client", "egress")->allowed);
		return false;
	}
	if (!check_client(client, section))
		return false;
	config->client_count++;
	return true;
}

static bool check_publish(const struct config_publish *publish, cfg_t *section)
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
	return true;
}

static bool add_publish(struct config *config, cfg_t *section)
{
	struct config_publish *publish = &config->publishes[config->publish_count];
	struct target target = { .config = config, .publish = publish };

	*publish = (struct config_publish){ .protocol = IPPROTO_TCP, .keep_source = true };
	snprintf(publish->name, sizeof(publish->name), "%s", cfg_title(section));
	config_read_section(section, &target);
	if (!publish->to_port)
		publish->to_port = publish->port;
	if (!check_publish(publish, section))
		return false;
	config->publish_count++;
	return true;
}

int config_compare_clients(const void *client, const void *other)
{
	const struct prefix *a = &((const struct config_client *)client)->network;
	const struct prefix *b = &((const struct config_client *)other)->network;
	int order = (int)a->address.family - (int)b->address.family;

	if (!order)
		order = memcmp(&a->address.v6, &b->address.v6, address_bits(&a->address) / 8);
	return order ? order : (int)a->length - (int)b->length;
}

int config_compare_publishes(const void *publish, const void *other)
{
	const struct config_publish *a = publish;
	const struct config_publish *b = other;

	if (a->to.family != b->to.family)
		return (int)a->to.family - (int)b->to.family;
	if (a->protocol != b->protocol)
		return (int)a->protocol - (int)b->protocol;
	return (int)a->port - (int)b->port;
}

/* Room for as many as the file names, none for none. */
static void *allocate(size_t count, size_t size)
{
	void *items = count ? calloc(count, size) : NULL;

	if (count && !items)
		fatal("no memory for a configuration of %zu items", count);
	return items;
}

/* Pointers to items, sorted; of equal ones the one that comes first in the file is first. */
static int order_clients(const void *left, const void *right)
{
	const struct config_client *const *a = left;
	const struct config_client *const *b = right;
	int order = config_compare_clients(*a, *b);

	return order ? order : *a < *b ? -1 : 1;
}

static int order_publishes(const void *left, const void *right)
{
	const struct config_publish *const *a = left;
	const struct config_publish *const *b = right;
	int order = config_compare_publishes(*a, *b);

	return order ? order : *a < *b ? -1 : 1;
}

static bool check_clients(const struct config *config, cfg_t *cfg)
{
	const struct config_client **sorted = allocate(config->client_count, sizeof(*sorted));
	const struct config_client *twice = NULL;
	cfg_t *section;

	for (size_t i = 0; i < config->client_count; i++)
		sorted[i] = &config->clients[i];
	if (sorted)
		qsort(sorted, config->client_count, sizeof(*sorted), order_clients);
	for (size_t i = 1; i < config->client_count && !twice; i++)
		if (prefix_equal(&sorted[i]->network, &sorted[i - 1]->network))
			twice = sorted[i];
	free(sorted);
	if (!twice)
		return true;
	section = cfg_getnsec(cfg, "client", (unsigned int)(twice - config->clients));
	cfg_error(section, "client \"%s\" is there twice; allowed: each client once",
		  cfg_title(section));
	return false;
}

static bool overlap(const struct config_publish *a, const struct config_publish *b)
{
	return a->protocol == b->protocol && a->to.family == b->to.family && a->last >= b->port;
}

static void refuse_publish(const struct config *config, const struct config_publish *publish,
			   const struct config_publish *other, cfg_t *cfg)
{
	bool swap = publish < other; /* the one that comes later in the file is refused */
	const struct config_publish *later = swap ? other : publish;

	cfg_error(cfg_getnsec(cfg, "publish", (unsigned int)(later - config->publishes)),
		  "publish \"%s\" wants port %u, which publish \"%s\" has; allowed: each port once "
		  "per protocol and family",
		  later->name, publish->port, (swap ? publish : other)->name);
}

/* One port of one family leads to one client. */
static bool check_publishes(const struct config *config, cfg_t *cfg)
{
	const struct config_publish **sorted = allocate(config->publish_count, sizeof(*sorted));
	bool good = true;

	for (size_t i = 0; i < config->publish_count; i++)
		sorted[i] = &config->publishes[i];
	if (sorted)
		qsort(sorted, config->publish_count, sizeof(*sorted), order_publishes);
	for (size_t i = 1; i < config->publish_count && good; i++) {
		good = !overlap(sorted[i - 1], sorted[i]);
		if (!good)
			refuse_publish(config, sorted[i], sorted[i - 1], cfg);
	}
	free(sorted);
	return good;
}

bool config_add_many(struct config *config, cfg_t *cfg)
{
	unsigned int clients = cfg_size(cfg, "client");
	unsigned int publishes = cfg_size(cfg, "publish");

	config->clients = allocate(clients, sizeof(*config->clients));
	config->publishes = allocate(publishes, sizeof(*config->publishes));
	for (unsigned int i = 0; i < clients; i++)
		if (!add_client(config, cfg_getnsec(cfg, "client", i)))
			return false;
	for (unsigned int i = 0; i < publishes; i++)
		if (!add_publish(config, cfg_getnsec(cfg, "publish", i)))
			return false;
	if (!check_clients(config, cfg) || !check_publishes(config, cfg))
		return false;
	if (clients)
		qsort(config->clients, clients, sizeof(*config->clients), config_compare_clients);
	if (publishes)
		qsort(config->publishes, publishes, sizeof(*config->publishes),
		      config_compare_publishes);
	return true;
}
