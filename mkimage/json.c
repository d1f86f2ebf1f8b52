// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Members of JSON objects; see json.h.
 */
#include <json-c/json.h>
#include "common/printable.h"
#include "json.h"

void json_number(struct json_object *object, const char *name, u64 value)
{
	json_object_object_add(object, name, json_object_new_uint64(value));
}

void json_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

void json_name(struct json_object *object, const char *name, const char *path)
{
	json_text(object, name, printable_json(path));
}
