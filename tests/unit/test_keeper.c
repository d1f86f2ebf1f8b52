// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keeper: the process that has the files that incrementald writes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "format.h"
#include "loader/keeper.c"

static char directory[] = "/tmp/test_keeper.XXXXXX";
static char pid_file[64], stats_file[64];
static struct origin_access none;

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(pid_file, sizeof(pid_file), "%s/pid", directory);
	snprintf(stats_file, sizeof(stats_file), "%s/stats", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(pid_file);
	unlink(stats_file);
	return rmdir(directory);
}

static void check_file(const char *path, const char *want)
{
	char text[1024];
	int fd = open(path, O_RDONLY);
	ssize_t size = read(fd, text, sizeof(text) - 1);

	assert_true(size >= 0);
	text[size] = '\0';
	assert_string_equal(text, want);
	close(fd);
}

/* Is one of our descriptors this file? */
static bool has_open(const char *path)
{
	struct stat want, st;
	int fd;

	assert_int_equal(stat(path, &want), 0);
	for (fd = 0; fd < 256; fd++)
		if (!fstat(fd, &st) && st.st_dev == want.st_dev &&
		    st.st_ino == want.st_ino)
			return true;
	return false;
}

static void test_files(void **state)
{
	char pid[32], longer[STATS_MAX + 2];
	struct incr_error error;
	struct keeper keeper;

	(void)state;
	snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	assert_int_equal(keeper_start(&keeper, pid_file, stats_file, &none, &error),
			 0);
	check_file(pid_file, pid);
	assert_false(has_open(pid_file));
	assert_false(has_open(stats_file));
	assert_int_equal(keeper_write_stats(&keeper, "{\"a\": 1}\n"), 0);
	check_file(stats_file, "{\"a\": 1}\n");
	assert_int_equal(keeper_write_stats(&keeper, "{}\n"), 0);
	check_file(stats_file, "{}\n");
	assert_int_equal(keeper_write_stats(&keeper, "1234"), -EINVAL);
	assert_int_equal(keeper_write_stats(&keeper, "a\nb\n"), -EINVAL);
	assert_int_equal(keeper_write_stats(&keeper, "\033[1m\n"), -EINVAL);
	memset(longer, 'x', sizeof(longer));
	strcpy(longer + STATS_MAX, "\n");
	assert_int_equal(keeper_write_stats(&keeper, longer), -EINVAL);
	check_file(stats_file, "{}\n");
	check_file(pid_file, pid);
	keeper_end(&keeper);
	check_file(pid_file, "");
	assert_int_equal(keeper.socket, -1);
}

static void test_none(void **state)
{
	struct incr_error error;
	struct keeper keeper;

	(void)state;
	assert_int_equal(keeper_start(&keeper, NULL, NULL, &none, &error), 0);
	assert_int_equal(keeper.socket, -1);
	keeper_end(&keeper);
	assert_int_equal(keeper_start(&keeper, "/nothere/pid", NULL, &none, &error),
			 -ENOENT);
	assert_string_equal(error.text,
			    "cannot open /nothere/pid: No such file or directory");
	assert_int_equal(keeper_start(&keeper, pid_file, NULL, &none, &error), 0);
	assert_int_equal(keeper_write_stats(&keeper, "{}\n"), -EINVAL);
	keeper_end(&keeper);
}

/* An option may name the wrong file: the image itself, above all. */
static void test_image(void **state)
{
	static const char head[] = INC_MAGIC "and more\n";
	struct incr_error error;
	struct keeper keeper;
	char wanted[160];
	FILE *file = fopen(stats_file, "w");

	(void)state;
	assert_non_null(file);
	assert_true(fputs(head, file) >= 0);
	assert_int_equal(fclose(file), 0);
	snprintf(wanted, sizeof(wanted),
		 "%s is an incremental image, which is not overwritten",
		 stats_file);
	assert_int_equal(keeper_start(&keeper, NULL, stats_file, &none, &error),
			 -EINVAL);
	assert_string_equal(error.text, wanted);
	assert_int_equal(keeper_start(&keeper, stats_file, NULL, &none, &error),
			 -EINVAL);
	check_file(stats_file, head);
	assert_int_equal(unlink(stats_file), 0);
	assert_int_equal(text_output_open(pid_file, false, &error), -EEXIST);
}

/* What a descriptor has, which is closed. */
static void check_text(int fd, const char *want)
{
	char text[64];
	ssize_t size;

	assert_true(fd >= 0);
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(size >= 0);
	text[size] = '\0';
	assert_string_equal(text, want);
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* It opens files of secrets, as they are then, and no others. */
static void test_secrets(void **state)
{
	struct origin_access access = { .first = 0 };
	char path[80], next[96];
	struct incr_error error;
	struct keeper keeper;
	void *context;

	(void)state;
	snprintf(path, sizeof(path), "%s/secret", directory);
	snprintf(next, sizeof(next), "%s.new", path);
	put(path, "one");
	access.value[ACCESS_HEADERS] = path;
	access.value[ACCESS_PROXY] = stats_file;
	assert_int_equal(keeper_start(&keeper, NULL, stats_file, &access,
				      &error), 0);
	assert_non_null(access.open);
	context = access.context;
	check_text(access.open(context, ACCESS_HEADERS), "one");
	put(next, "two");
	assert_int_equal(rename(next, path), 0);
	check_text(access.open(context, ACCESS_HEADERS), "two");
	assert_false(has_open(path));
	assert_int_equal(access.open(context, ACCESS_NETRC), -EINVAL);
	assert_int_equal(access.open(context, ACCESS_PROXY), -EINVAL);
	assert_int_equal(access.open(context, 255), -EINVAL);
	assert_int_equal(keeper_write_stats(&keeper, "{}\n"), 0);
	check_file(stats_file, "{}\n");
	unlink(path);
	assert_int_equal(access.open(context, ACCESS_HEADERS), -ENOENT);
	keeper_end(&keeper);
	assert_true(access.open(context, ACCESS_HEADERS) < 0);
}

/* The daemon is killed; before that all of the group get other signals. */
static void test_killed(void **state)
{
	static const struct timespec moment = { .tv_nsec = 1000000 };
	struct incr_error error;
	struct keeper keeper;
	struct stat st;
	int pipes[2], status, i;
	pid_t child;
	char byte;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		setpgid(0, 0);
		signal(SIGTERM, SIG_IGN);
		signal(SIGINT, SIG_IGN);
		if (keeper_start(&keeper, pid_file, stats_file, &none, &error) ||
		    write(pipes[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	kill(-child, SIGTERM);
	kill(-child, SIGINT);
	assert_int_equal(stat(pid_file, &st), 0);
	assert_true(st.st_size > 0);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	for (i = 0; i < 60000 && st.st_size; i++) {
		nanosleep(&moment, NULL);
		assert_int_equal(stat(pid_file, &st), 0);
	}
	assert_int_equal(st.st_size, 0);
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_killed),
	};

	return cmocka_run_group_tests_name("keeper", tests, set_up, tear_down);
}
