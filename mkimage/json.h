/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of JSON objects.
 */
#ifndef MKIMAGE_JSON_H
#define MKIMAGE_JSON_H

#include "format.h"

struct json_object;

/* Add to a JSON object. */
void json_number(struct json_object *object, const char *name, u64 value);
void json_text(struct json_object *object, const char *name, const char *text);
/* A name from elsewhere, see printable_json(). */
void json_name(struct json_object *object, const char *name, const char *path);

#endif /* MKIMAGE_JSON_H */
