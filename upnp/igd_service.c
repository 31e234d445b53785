/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPnP-IGD: which service of a description is asked, and where. */
#include <miniupnpc/igd_desc_parse.h>
#include <miniupnpc/miniupnpc.h>
#include <stdio.h>
#include <string.h>

#include "upnp/igd.h"

/* The services that open ports, by the names that go into each request. */
bool igd_is_service(const char *type)
{
	static const char *const types[] = {
		"urn:schemas-upnp-org:service:WANIPConnection:1",
		"urn:schemas-upnp-org:service:WANIPConnection:2",
		"urn:schemas-upnp-org:service:WANPPPConnection:1",
		"urn:dslforum-org:service:WANIPConnection:1",
		"urn:dslforum-org:service:WANPPPConnection:1",
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

/* Where the description's URLs start. URLBase counts only where it is the router itself: some say
 * 127.0.0.1 there (field/routers.md 22). */
static struct url base_of(const struct IGDdatas *data, const struct url *location)
{
	struct url base;

	if (url_parse(&base, data->urlbase) && base.host.s_addr == location->host.s_addr)
		return base;
	return *location;
}

static bool use_service(struct igd *igd, const struct IGDdatas_service *service,
			const struct url *base)
{
	struct url url;

	if (!igd_is_service(service->servicetype) || !url_resolve(&url, base, service->controlurl))
		return false;
	url_print(&url, igd->control);
	igd->events[0] = '\0';
	if (service->eventsuburl[0] && url_resolve(&url, base, service->eventsuburl))
		url_print(&url, igd->events);
	snprintf(igd->service, sizeof(igd->service), "%s", service->servicetype);
	return true;
}

/* Where a box has two such services, one of them is down, or is not the way to the internet
 * (field/routers.md 16, 17): the better one, else the first. */
static bool choose(struct igd *igd, const struct IGDdatas *data, const struct url *base)
{
	bool first = use_service(igd, &data->first, base);
	enum igd_line line;

	if (!data->second.servicetype[0])
		return first;
	line = first ? igd_rate(igd) : IGD_LINE_NONE;
	if (line == IGD_LINE_PUBLIC)
		return true;
	if (use_service(igd, &data->second, base) && igd_rate(igd) > line)
		return true;
	return use_service(igd, &data->first, base);
}

/* Where pinholes of IPv6 are asked for. */
static void keep_firewall(struct igd *igd, const struct IGDdatas *data, const struct url *base)
{
	struct url control;

	igd->firewall[0] = '\0';
	if (data->IPv6FC.servicetype[0] && url_resolve(&control, base, data->IPv6FC.controlurl))
		url_print(&control, igd->firewall);
}

bool igd_choose_service(struct igd *igd, const char *bytes, int size, const struct url *location)
{
	struct IGDdatas data;
	struct url base;

	igd_parse(&data, bytes, size);
	base = base_of(&data, location);
	keep_firewall(igd, &data, &base);
	return choose(igd, &data, &base);
}
