/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/members.h"

const char *text_of(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

bool number_of(const json_t *object, const char *member, json_int_t *number)
{
	const json_t *value = json_object_get(object, member);

	if (!json_is_number(value))
		return false;
	*number = (json_int_t)json_number_value(value);
	return true;
}

json_t *copy_of(const json_t *object, const char *member)
{
	json_t *copy = json_deep_copy(json_object_get(object, member));

	return copy ? copy : json_null();
}
