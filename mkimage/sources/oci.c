// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * OCI images; see oci.h. The formats are those of
 * https://github.com/opencontainers/image-spec.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "common/message.h"
#include "mkimage.h"
#include "sources/entries.h"
#include "sources/oci.h"

#define TEXT_MAX	(4u << 20)	/* bytes of a text in JSON */
#define DEPTH_MAX	16		/* of objects in it */
#define INDEXES_MAX	4u		/* in each other */
#define PATH_ROOM	8192u

struct layout {
	const struct tree *tree;
	struct model *model;
	char path[PATH_ROOM];	/* of what is being read */
};

static bool set_path(struct layout *layout, const char *name)
{
	int length = snprintf(layout->path, sizeof(layout->path), "%.*s/%s",
			      (int)layout->tree->name_length,
			      layout->tree->name, name);

	return length < (int)sizeof(layout->path);
}

/* Is there a regular file of that name? */
static bool find_file(struct layout *layout, const char *name, u64 *size)
{
	struct stat st;

	if (!set_path(layout, name) ||
	    tree_stat(layout->tree, layout->path, &st) || !S_ISREG(st.st_mode))
		return false;
	*size = (u64)st.st_size;
	return true;
}

bool oci_recognised(const struct tree *tree)
{
	struct layout layout = { .tree = tree };
	u64 size;

	return find_file(&layout, "oci-layout", &size) &&
	       find_file(&layout, "index.json", &size);
}

static int wrong(const struct layout *layout, const char *what)
{
	message_error("%s: not as an OCI image has it: %s; --no-oci takes the files of the layout itself",
		      layout->path, what);
	return -EINVAL;
}

static const char *text_of(struct json_object *object, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

/* Its elements; NULL if there is no array of that name. */
static struct json_object *array_of(struct json_object *object,
				    const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, json_type_array))
		return NULL;
	return value;
}

static int compare_digest(struct layout *layout, const char *wanted,
			  EVP_MD_CTX *context)
{
	u8 digest[INC_SHA256_SIZE];
	char text[2 * INC_SHA256_SIZE + 1];

	if (!EVP_DigestFinal_ex(context, digest, NULL))
		return no_memory();
	incr_hex_format(digest, sizeof(digest), text);
	if (!strcmp(text, wanted))
		return 0;
	return wrong(layout, "its SHA-256 is another than its name tells: it is damaged");
}

static int parse(struct layout *layout, const char *text, size_t length,
		 struct json_object **object)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);

	if (!tokener)
		return no_memory();
	*object = json_tokener_parse_ex(tokener, text, (int)length);
	json_tokener_free(tokener);
	if (*object && json_object_is_type(*object, json_type_object))
		return 0;
	json_object_put(*object);
	*object = NULL;
	return wrong(layout, "it is no object in JSON");
}

/* Read the file layout->path; @digest: what its bytes add up to, NULL if nobody knows. */
static int read_json(struct layout *layout, u64 size, const char *digest,
		     struct json_object **object)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	struct tree_file file = { .fd = -1 };
	char *text = NULL;
	int ret = 0;

	*object = NULL;
	if (size > TEXT_MAX)
		ret = wrong(layout, "it has more than 4 MiB");
	if (!ret)
		text = malloc(size + 1);
	if (!ret && (!text || !context ||
		     !EVP_DigestInit_ex(context, EVP_sha256(), NULL)))
		ret = no_memory();
	if (!ret)
		ret = tree_open(layout->tree, layout->path, size, &file);
	if (!ret)
		ret = tree_read(&file, 0, text, size, layout->path);
	if (!ret && !EVP_DigestUpdate(context, text, size))
		ret = no_memory();
	if (!ret && digest)
		ret = compare_digest(layout, digest, context);
	if (!ret)
		ret = parse(layout, text, size, object);
	tree_file_close(&file);
	EVP_MD_CTX_free(context);
	free(text);
	return ret;
}

/* Find what a descriptor tells of; *digest is the digits of its digest. */
static int find_blob(struct layout *layout, struct json_object *descriptor,
		     const char **digest, u64 *size)
{
	static const char start[] = "sha256:";
	const char *text = text_of(descriptor, "digest");
	struct json_object *number;
	char name[128];

	if (!text || strncmp(text, start, sizeof(start) - 1))
		return wrong(layout, "a digest in it is none of SHA-256");
	*digest = text + sizeof(start) - 1;
	/* It becomes part of a path. */
	if (strspn(*digest, "0123456789abcdef") != 2 * INC_SHA256_SIZE ||
	    strlen(*digest) != 2 * INC_SHA256_SIZE)
		return wrong(layout, "a digest in it is not 64 hexadecimal digits");
	snprintf(name, sizeof(name), "blobs/sha256/%s", *digest);
	if (!find_file(layout, name, size))
		return wrong(layout, "there is no such file; is the layout complete?");
	if (json_object_object_get_ex(descriptor, "size", &number) &&
	    (u64)json_object_get_int64(number) != *size)
		return wrong(layout, "its size is another than told");
	return 0;
}

static int add_layer(struct layout *layout, struct json_object *descriptor)
{
	struct input *input = calloc(1, sizeof(*input));
	struct tree_file file = { .fd = -1 };
	const char *digest;
	u64 size;
	int ret = input ? find_blob(layout, descriptor, &digest, &size) :
			  no_memory();

	if (!ret)
		ret = tree_open(layout->tree, layout->path, size, &file);
	if (!ret) {
		input->name = layout->path;
		input->fd = file.fd;
		input->start = file.start;
		input->size = size;
		input->digest = EVP_MD_CTX_new();
		if (!input->digest ||
		    !EVP_DigestInit_ex(input->digest, EVP_sha256(), NULL))
			ret = no_memory();
	}
	if (!ret)
		ret = entries_add(layout->model, input, true);
	if (!ret)
		ret = input_drain(input);
	if (!ret)
		ret = compare_digest(layout, digest, input->digest);
	tree_file_close(&file);
	if (input)
		EVP_MD_CTX_free(input->digest);
	free(input);
	return ret;
}

static int add_layers(struct layout *layout, struct json_object *manifest)
{
	struct json_object *layers = array_of(manifest, "layers");
	size_t i;
	int ret = 0;

	if (!layers)
		return wrong(layout, "it has no layers");
	for (i = 0; !ret && i < json_object_array_length(layers); i++) {
		model_start_layer(layout->model);
		ret = add_layer(layout, json_object_array_get_idx(layers, i));
	}
	return ret;
}

/* The architecture as OCI names it. */
static const char *architecture(void)
{
	static struct utsname name;
	static const char *const names[][2] = {
		{ "x86_64", "amd64" }, { "aarch64", "arm64" },
		{ "i686", "386" }, { "armv7l", "arm" },
	};
	size_t i;

	uname(&name);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name.machine, names[i][0]))
			return names[i][1];
	return name.machine;
}

/* Is that an image for this machine, as far as is told? */
static bool suits(struct json_object *descriptor)
{
	struct json_object *platform;
	const char *os, *machine;

	if (!json_object_object_get_ex(descriptor, "platform", &platform))
		return true;
	os = text_of(platform, "os");
	machine = text_of(platform, "architecture");
	return (!os || !strcmp(os, "linux")) &&
	       (!machine || !strcmp(machine, architecture()));
}

/* The one image of an index to be taken; NULL after an error message. */
static struct json_object *choose(struct layout *layout,
				  struct json_object *index)
{
	struct json_object *manifests = array_of(index, "manifests");
	struct json_object *found = NULL;
	size_t count = 0, suiting = 0, i;

	if (manifests)
		count = json_object_array_length(manifests);
	for (i = 0; i < count; i++) {
		struct json_object *one =
			json_object_array_get_idx(manifests, i);

		if (count > 1 && !suits(one))
			continue;
		found = one;
		suiting++;
	}
	if (suiting == 1)
		return found;
	message_error("%s: it has %zu images, %zu of them for this machine (%s): make a layout of the one that you mean, with \"skopeo copy\" for example",
		      layout->path, count, suiting, architecture());
	return NULL;
}

int oci_add(struct model *model, const struct tree *tree)
{
	struct layout layout = { .tree = tree, .model = model };
	struct json_object *object, *next, *chosen;
	const char *digest;
	u32 indexes = 0;
	u64 size;
	int ret = 0;

	if (!find_file(&layout, "index.json", &size))
		return wrong(&layout, "it is missing");
	ret = read_json(&layout, size, NULL, &object);
	/* An index may list others, one for each machine. */
	while (!ret && array_of(object, "manifests")) {
		chosen = choose(&layout, object);
		ret = chosen ? find_blob(&layout, chosen, &digest, &size) :
			       -EINVAL;
		if (!ret && ++indexes > INDEXES_MAX)
			ret = wrong(&layout, "there are too many indexes in each other");
		if (!ret)
			ret = read_json(&layout, size, digest, &next);
		if (!ret) {
			json_object_put(object);
			object = next;
		}
	}
	if (!ret)
		ret = add_layers(&layout, object);
	json_object_put(object);
	return ret;
}
