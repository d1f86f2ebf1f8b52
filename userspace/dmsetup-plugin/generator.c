// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Units of incrementaltab(5); see generator.h. What all of them have in common is in
 * the template incremental@.service.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/exitcode.h"
#include "common/message.h"
#include "common/printable.h"
#include "dmsetup-plugin/arguments.h"
#include "dmsetup-plugin/generator.h"
#include "dmsetup-plugin/image-file.h"
#include "dmsetup-plugin/tab.h"

#define NAME		"incremental-generator"
#define PATH_ROOM	4096

/* What systemd is to make of a line. */
struct wishes {
	bool noauto;
	bool nofail;
	bool netdev;
	bool initrd;
};

bool generator_called(const char *name)
{
	const char *slash = name ? strrchr(name, '/') : NULL;

	return name && !strcmp(slash ? slash + 1 : name, NAME);
}

static int read_wishes(const char *from, struct wishes *wishes)
{
	bool unclosed = false;
	char *option;

	memset(wishes, 0, sizeof(*wishes));
	while (*from) {
		option = next_option(&from, &unclosed);
		if (!option)
			return -ENOMEM;
		wishes->noauto |= !strcmp(option, "noauto");
		wishes->nofail |= !strcmp(option, "nofail");
		wishes->netdev |= !strcmp(option, "_netdev");
		wishes->initrd |= !strcmp(option, "x-initrd.attach");
		explicit_bzero(option, strlen(option));
		free(option);
	}
	return 0;
}

/* A path in a unit: "%" would begin a specifier there, and white space end it. */
static void write_needed(FILE *file, const char *path)
{
	fputs("RequiresMountsFor=\"", file);
	for (; *path; path++) {
		if (*path == '%')
			fputc('%', file);
		if (*path == '"' || *path == '\\')
			fputc('\\', file);
		fputc(*path, file);
	}
	fputs("\"\n", file);
}

/* What differs from device to device, as an addition to the template. */
static int write_unit(const char *directory, const char *unit,
		      const struct tab *tab, const struct tab_line *line,
		      const struct wishes *wishes)
{
	bool remote = tab_is_remote(line->origin) || wishes->netdev;
	char path[PATH_ROOM];
	FILE *file;

	snprintf(path, sizeof(path), "%s/incremental@%s.service.d", directory,
		 unit);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path),
		 "%s/incremental@%s.service.d/50-incrementaltab.conf",
		 directory, unit);
	file = fopen(path, "wxe");
	if (!file)
		return -errno;
	fprintf(file, "# Made by " NAME " of line %u.\n[Unit]\nSourcePath=%s\n",
		tab->number, tab->path);
	write_needed(file, line->local ? line->local : LOCAL_DIRECTORY);
	if (line->origin && *line->origin == '/')
		write_needed(file, line->origin);
	if (line->origin)
		fprintf(file, "Wants=incrementald@%s.service\n", unit);
	if (remote)
		fputs("Wants=network-online.target\nAfter=network-online.target nss-lookup.target\n",
		      file);
	if (!wishes->noauto && !wishes->nofail)
		fprintf(file, "Before=%s-fs.target\n", remote ? "remote" : "local");
	if (ferror(file)) {
		fclose(file);
		return -EIO;
	}
	return fclose(file) ? -errno : 0;
}

/* Let @wanting pull in the device's unit, by a link in its directory @kind. */
static int add_link(const char *directory, const char *wanting,
		    const char *kind, const char *unit)
{
	char path[PATH_ROOM], *end;

	snprintf(path, sizeof(path), "%s/%s.%s", directory, wanting, kind);
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	end = path + strlen(path);
	snprintf(end, sizeof(path) - (size_t)(end - path),
		 "/incremental@%s.service", unit);
	/* systemd goes by the names. */
	return symlink("../incremental@.service", path) ? -errno : 0;
}

static int generate(const char *directory, const struct tab *tab,
		    const struct tab_line *line)
{
	char unit[UNIT_NAME_MAX], device[UNIT_NAME_MAX + 32];
	struct wishes wishes;
	const char *target;
	int err;

	unit_escape(line->name, unit);
	err = read_wishes(line->options, &wishes);
	/* The initramfs has made such a device, and started its loader. */
	if (err || wishes.initrd)
		return err;
	err = write_unit(directory, unit, tab, line, &wishes);
	if (err || wishes.noauto)
		return err;
	target = tab_is_remote(line->origin) || wishes.netdev ?
		 "remote-fs.target" : "local-fs.target";
	err = add_link(directory, target, "wants", unit);
	/* A mount that waits for the device fails with it. */
	snprintf(device, sizeof(device), "dev-mapper-%s.device", unit);
	return err ? err : add_link(directory, device, "requires", unit);
}

int generator_run(int argc, char **argv)
{
	const char *path = getenv("INCREMENTALTAB");
	int got, status = EXITCODE_OK;
	struct incr_error error;
	struct tab_line line;
	struct tab tab;

	message_init(NAME, MESSAGE_INFO);
	if (argc < 2 || strlen(argv[1]) > PATH_ROOM / 2) {
		message_error("usage: " NAME " DIRECTORY...");
		return EXITCODE_USAGE;
	}
	got = tab_open(&tab, path ? path : TAB_PATH, &error);
	if (got == -ENOENT) {
		tab_close(&tab);
		return EXITCODE_OK;
	}
	while (!got && (got = tab_next(&tab, &line, &error))) {
		if (got == 1) {
			got = generate(argv[1], &tab, &line);
			if (got)
				incr_fail(&error, got, "%s, line %u: %s",
					  printable_name(tab.path), tab.number,
					  got == -EEXIST ?
					  "there is a line for this device already" :
					  strerror(-got));
			got = got == -EEXIST ? -EBADMSG : got;
		}
		if (got) {
			message_error("%s", error.text);
			status = EXITCODE_DEVICE;
		}
		if (got == -EBADMSG)
			got = 0;
	}
	if (got && status == EXITCODE_OK) {
		message_error("%s", error.text);
		status = EXITCODE_DEVICE;
	}
	tab_close(&tab);
	return status;
}
