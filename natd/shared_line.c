/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/shared_line.h"

#define WIREGUARD_PORT 51820

struct shared_line shared_line_judge(const struct address *ours, const struct in_addr *wans,
				     size_t count)
{
	struct shared_line line = { 0 };
	bool told = false;

	line.fits = map_e_find(&line.map, ours);
	for (size_t i = 0; i < count && line.fits; i++) {
		told |= wans[i].s_addr != INADDR_ANY;
		line.certain |= wans[i].s_addr == line.map.address.s_addr;
	}
	if (told && !line.certain)
		line.fits = false;
	return line;
}

static bool is_taken(const struct config_forward *forwards, size_t count,
		     const struct config_forward *but, uint16_t external)
{
	for (size_t i = 0; i < count; i++)
		if (&forwards[i] != but && forwards[i].protocol == but->protocol &&
		    forwards[i].external == external)
			return true;
	return false;
}

void shared_line_move(const struct shared_line *line, struct config_forward *forwards, size_t count)
{
	for (size_t i = 0; i < count && line->certain; i++) {
		struct config_forward *forward = &forwards[i];
		uint16_t wanted = forward->external;

		if (map_e_owns(&line->map, wanted))
			continue;
		for (size_t n = 0; n <= count; n++) {
			forward->external = map_e_pick(&line->map, wanted, n);
			if (!is_taken(forwards, count, forward, forward->external))
				break;
		}
	}
}

json_t *shared_line_json(const struct shared_line *line)
{
	struct address address = address_v4(line->map.address);
	char text[ADDRESS_TEXT_MAX];
	json_t *ports;

	if (!line->fits)
		return json_null();
	ports = json_array();
	for (size_t i = 0; i < map_e_range_count(&line->map); i++) {
		struct map_e_range range = map_e_range(&line->map, i);

		json_array_append_new(ports, json_sprintf("%u-%u", range.first, range.last));
	}
	return json_pack("{s:s, s:b, s:s, s:I, s:o, s:i}", "service", line->map.service, "certain",
			 line->certain, "address", address_print(&address, text), "count",
			 (json_int_t)map_e_port_count(&line->map), "ports", ports, "suggested",
			 (int)(map_e_owns(&line->map, WIREGUARD_PORT)
				       ? WIREGUARD_PORT
				       : map_e_pick(&line->map, WIREGUARD_PORT, 0)));
}
