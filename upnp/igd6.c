/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPnP's WANIPv6FirewallControl:1. Its requests go to the router's IPv6 address, from the address that
 * the pinhole is for: routers compare them (miniupnpd, and 2.6.1 of that service's text). */
#include <arpa/inet.h>
#include <miniupnpc/upnpreplyparse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "upnp/client.h"
#include "upnp/deadline.h"
#include "upnp/igd_soap.h"
#include "upnp/soap.h"
#include "upnp/url.h"

#define SERVICE   "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1"
#define TIME_MS   2000
#define HTTP_OK   200
#define LEASE_MAX 86400 /* 2.3.8 of that text: LeaseTime */

/* "[2001:db8::1]:5000" */
#define HOST_TEXT_MAX (INET6_ADDRSTRLEN + sizeof("[]:65535"))

/* Seconds, as text: what is left where a pinhole is only asked for to be removed. */
#define TAKE_OVER_LEASE "60"

/* Error codes of that service (2.5). */
enum {
	NO_SPACE = 701,
	NOT_ALLOWED = 703,
	NO_SUCH_PINHOLE = 704,
};

/* Where the requests go. Some routers answer the service's requests only on IPv4. */
enum road { OVER_IPV6, OVER_IPV4 };

enum igd6_is igd6_state(const struct client *client, const char **said)
{
	const struct igd *igd = &client->igd;
	uint8_t state = client->asking.state[UPNP_IGD];

	*said = "UPnP: the router does not answer";
	if (!client->in_use)
		return IGD6_NONE;
	if (igd->ready && igd->firewall[0])
		return IGD6_READY;
	if (igd->ready)
		*said = "UPnP: no control of the IPv6 firewall";
	else if (state == UPNP_ASKING)
		return IGD6_UNKNOWN;
	return IGD6_NONE;
}

/* The connection, and the host of the request as it is written there; -1: there is none. */
static int connect_by(enum road road, const struct upnp_pinhole *pinhole, const struct url *control,
		      char host[HOST_TEXT_MAX])
{
	char address[INET6_ADDRSTRLEN];

	if (road == OVER_IPV4) {
		inet_ntop(AF_INET, &control->host, address, sizeof(address));
		snprintf(host, HOST_TEXT_MAX, "%s:%u", address, control->port);
		return pinhole_connect_ipv4(control);
	}
	inet_ntop(AF_INET6, &pinhole->gateway, address, sizeof(address));
	snprintf(host, HOST_TEXT_MAX, "[%s]:%u", address, control->port);
	return pinhole_connect(pinhole, SOCK_STREAM, control->port);
}

/* IGD_DONE, an error code of the router, or less than 0. `values` is what it said, to be cleared. */
static int read_answer(const char *body, size_t size, unsigned int status,
		       struct NameValueParserData *values)
{
	const char *code;

	if (!body)
		return IGD_NO_ANSWER;
	ParseNameValue(body, (int)size, values);
	code = GetValueFromNameValueList(values, "errorCode");
	if (code)
		return atoi(code);
	return status == HTTP_OK ? IGD_DONE : IGD_UNREADABLE;
}

static int request(const struct client *client, const struct upnp_pinhole *pinhole, enum road road,
		   const char *action, const struct soap_argument *arguments,
		   struct NameValueParserData *values)
{
	static char answer[SOAP_ANSWER_MAX];
	char host[HOST_TEXT_MAX];
	struct url control;
	struct soap_request request = { host, control.path, SERVICE, action, arguments };
	const char *body = NULL;
	unsigned int status = 0;
	size_t size = 0;
	int fd;

	memset(values, 0, sizeof(*values));
	if (!url_parse(&control, client->igd.firewall))
		return IGD_NO_ANSWER;
	deadline_set(TIME_MS);
	fd = connect_by(road, pinhole, &control, host);
	if (fd >= 0) {
		body = soap_ask(fd, &request, answer, &size, &status);
		close(fd);
	}
	deadline_clear();
	log_debug("UPnP %s by IPv%c: HTTP %u", action, road == OVER_IPV6 ? '6' : '4', status);
	return read_answer(body, size, status, values);
}

static int plain_request(const struct client *client, const struct upnp_pinhole *pinhole,
			 enum road road, const char *action, const struct soap_argument *arguments)
{
	struct NameValueParserData values;
	int code = request(client, pinhole, road, action, arguments, &values);

	ClearNameValueList(&values);
	return code;
}

/* A router that does not know the question is asked for the pinhole all the same. */
static int check_status(const struct client *client, const struct upnp_pinhole *pinhole,
			enum road road)
{
	struct NameValueParserData values;
	int code = request(client, pinhole, road, "GetFirewallStatus", NULL, &values);
	const char *allowed = GetValueFromNameValueList(&values, "InboundPinholeAllowed");

	if (code == IGD_DONE && !allowed)
		code = IGD_UNREADABLE;
	else if (code == IGD_DONE && allowed[0] == '0')
		code = NOT_ALLOWED;
	else if (code > 0)
		code = IGD_DONE;
	ClearNameValueList(&values);
	return code;
}

static bool is_true(struct NameValueParserData *values, const char *name)
{
	const char *value = GetValueFromNameValueList(values, name);

	return value && (strcmp(value, "1") == 0 || strcasecmp(value, "true") == 0 ||
			 strcasecmp(value, "yes") == 0);
}

enum upnp_state igd6_status(const struct client *client, const struct upnp_pinhole *at,
			    bool *enabled, bool *allowed, char said[UPNP_TEXT_MAX])
{
	struct NameValueParserData values;
	int code = request(client, at, OVER_IPV6, "GetFirewallStatus", NULL, &values);

	if (code == IGD_NO_ANSWER)
		code = request(client, at, OVER_IPV4, "GetFirewallStatus", NULL, &values);
	if (code == IGD_DONE && !GetValueFromNameValueList(&values, "InboundPinholeAllowed"))
		code = IGD_UNREADABLE;
	*enabled = is_true(&values, "FirewallEnabled");
	*allowed = is_true(&values, "InboundPinholeAllowed");
	ClearNameValueList(&values);
	if (code == IGD_DONE)
		return UPNP_OK;
	igd_say(said, code);
	return code == IGD_NO_ANSWER ? UPNP_SILENT : UPNP_ERROR;
}

static int add(const struct client *client, const struct upnp_pinhole *pinhole, enum road road,
	       const char *lease, uint16_t *unique_id)
{
	struct NameValueParserData values;
	char address[INET6_ADDRSTRLEN];
	char protocol[4];
	char port[6];
	const struct soap_argument arguments[] = {
		{ "RemoteHost", "" },     { "RemotePort", "0" },    { "InternalClient", address },
		{ "InternalPort", port }, { "Protocol", protocol }, { "LeaseTime", lease },
		{ NULL, NULL },
	};
	const char *id;
	int code;

	inet_ntop(AF_INET6, &pinhole->address, address, sizeof(address));
	snprintf(protocol, sizeof(protocol), "%u", pinhole->protocol);
	snprintf(port, sizeof(port), "%u", pinhole->port);
	code = request(client, pinhole, road, "AddPinhole", arguments, &values);
	id = GetValueFromNameValueList(&values, "UniqueID");
	if (code == IGD_DONE && !id)
		code = IGD_UNREADABLE;
	else if (code == IGD_DONE)
		*unique_id = (uint16_t)strtoul(id, NULL, 10);
	ClearNameValueList(&values);
	return code;
}

static int update(const struct client *client, const struct upnp_pinhole *pinhole, enum road road,
		  const char *lease)
{
	char id[6];
	const struct soap_argument arguments[] = {
		{ "UniqueID", id },
		{ "NewLeaseTime", lease },
		{ NULL, NULL },
	};

	snprintf(id, sizeof(id), "%u", pinhole->unique_id);
	return plain_request(client, pinhole, road, "UpdatePinhole", arguments);
}

static int close_by(const struct client *client, const struct upnp_pinhole *pinhole, enum road road)
{
	char id[6];
	const struct soap_argument arguments[] = { { "UniqueID", id }, { NULL, NULL } };

	snprintf(id, sizeof(id), "%u", pinhole->unique_id);
	return plain_request(client, pinhole, road, "DeletePinhole", arguments);
}

/* One that is held is renewed; one that the router does not know, or no more, is made. */
static int open_by(const struct client *client, const struct upnp_pinhole *pinhole, enum road road,
		   struct upnp_pinned *granted)
{
	char lease[12];
	int code;

	granted->lifetime = pinhole->lifetime < LEASE_MAX ? pinhole->lifetime : LEASE_MAX;
	granted->unique_id = pinhole->unique_id;
	snprintf(lease, sizeof(lease), "%u", granted->lifetime);
	if (pinhole->via == UPNP_IGD) {
		code = update(client, pinhole, road, lease);
		if (code <= IGD_DONE)
			return code;
	}
	code = check_status(client, pinhole, road);
	return code == IGD_DONE ? add(client, pinhole, road, lease, &granted->unique_id) : code;
}

static enum upnp_failure failure_of(int code)
{
	switch (code) {
	case NO_SPACE: return UPNP_NO_RESOURCES;
	case NOT_ALLOWED: return UPNP_HOST_REFUSED;
	default: return igd_failure(code);
	}
}

static void fail(struct client *client, struct pinhole_task *task, enum road road, int code)
{
	char said[UPNP_TEXT_MAX];

	igd_say(said, code);
	if (code == NOT_ALLOWED)
		say(said, "UPnP: the router allows this host no IPv6 pinhole");
	/* It cannot see over IPv4 whose pinhole that is. */
	if (road == OVER_IPV4 && code == IGD_NOT_AUTHORIZED)
		say(said, "UPnP: the router does not answer over IPv6");
	pinhole_failed(client, task, failure_of(code), said);
}

/* What UPnP does not hold is asked for first: the router then says the number of what is there. */
static int take_away(const struct client *client, const struct upnp_pinhole *held, enum road road)
{
	struct upnp_pinhole pinhole = *held;
	int code = IGD_DONE;

	if (held->via != UPNP_IGD)
		code = add(client, held, road, TAKE_OVER_LEASE, &pinhole.unique_id);
	return code == IGD_DONE ? close_by(client, &pinhole, road) : code;
}

static int ask(const struct client *client, const struct pinhole_task *task, enum road road,
	       struct upnp_pinned *granted)
{
	return task->what == PINHOLE_CLOSE ? take_away(client, &task->pinhole, road)
					   : open_by(client, &task->pinhole, road, granted);
}

void igd6_attempt(struct client *client, struct pinhole_task *task)
{
	const struct upnp_pinhole *pinhole = &task->pinhole;
	struct upnp_pinned granted = {
		.external_port = pinhole->port,
		.external_address = pinhole->address,
	};
	enum road road = OVER_IPV6;
	int code = ask(client, task, road, &granted);

	if (code == IGD_NO_ANSWER)
		code = ask(client, task, road = OVER_IPV4, &granted);
	if (task->what == PINHOLE_CLOSE && (code == IGD_DONE || code == NO_SUCH_PINHOLE))
		pinhole_removed(client, task);
	else if (code == IGD_DONE)
		pinhole_granted(client, task, granted);
	else
		fail(client, task, road, code);
}
