// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The block devices that a file stands on (userspace/loader/stands-on.c), as far as
 * that takes no mounts: tests/loader/own.sh has those. Files on a file system without
 * a device of its own, as a container's may be, are tried by overlays' options only.
 */
#include "loader/stands-on.c"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[] = "/tmp/stands-on.XXXXXX";
static dev_t device;

/* Directories with names that overlayfs escapes. */
static const char *const names[] = { "plain", "a:b", "c,d", "e\\f" };

static int set_up(void **data)
{
	struct stat st;
	size_t i;

	(void)data;
	if (!mkdtemp(directory) || chdir(directory) || stat(".", &st))
		return -1;
	device = st.st_dev;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (mkdir(names[i], 0700))
			return -1;
	return 0;
}

static int tear_down(void **data)
{
	size_t i;

	(void)data;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		rmdir(names[i]);
	return chdir("/") || rmdir(directory);
}

static void test_files(void **data)
{
	(void)data;
	assert_false(stands_on("nothere", device));
	assert_false(stands_on("/proc/self/status", device));
	assert_false(stands_on("plain", makedev(4000, 1)));
	if (!major(device))
		skip();
	assert_true(stands_on("plain", device));
	assert_true(stands_on(".", device));
}

/* As mountinfo shows them, once \040 and the like are undone. */
static bool overlay(const char *text)
{
	char options[200];

	snprintf(options, sizeof(options), "%s", text);
	return layers_stand_on(options, device, DEPTH_MAX);
}

static void test_overlays(void **data)
{
	(void)data;
	assert_false(overlay("rw,lowerdir=/proc:/sys,upperdir=nothere"));
	assert_false(overlay("rw,workdir=plain,xino=off"));
	assert_false(overlay(""));
	assert_false(overlay("lowerdir="));
	assert_false(overlay("lowerdir=\\"));
	if (!major(device))
		skip();
	assert_true(overlay("ro,lowerdir=/proc:plain"));
	assert_true(overlay("rw,lowerdir=/proc,upperdir=plain,workdir=/proc"));
	assert_true(overlay("ro,lowerdir=/proc::plain,xino=off"));
	assert_true(overlay("ro,lowerdir+=/proc,datadir+=plain"));
	assert_true(overlay("ro,lowerdir=/proc:a\\:b:/sys"));
	assert_false(overlay("ro,lowerdir=/proc:a:b:/sys"));
	assert_true(overlay("rw,lowerdir=/proc,upperdir=c\\,d"));
	assert_true(overlay("rw,lowerdir=/proc:e\\\\f"));
}

static void test_unescape(void **data)
{
	char text[] = "/a\\040b\\134c\\011\\9\\04";

	(void)data;
	mountinfo_unescape(text);
	assert_string_equal(text, "/a b\\c\t\\9\\04");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_overlays),
		cmocka_unit_test(test_unescape),
	};

	return cmocka_run_group_tests_name("stands_on", tests, set_up,
					   tear_down);
}
