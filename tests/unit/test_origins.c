// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hidden parts of an origin on a command line, lists of origins, and small files
 * that are read whole.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "origin/backend.h"
#include "origin/netrc.h"
#include "origin/origin.h"
#include "origin/secrets.h"

/* Of an argument @given the same is returned, and @shown left in its place. */
static void check(const char *given, const char *shown)
{
	char *argument = strdup(given), *copy;

	assert_non_null(argument);
	copy = origin_take(argument);
	assert_string_equal(copy, given);
	assert_string_equal(argument, shown);
	assert_int_equal(origin_is_hidden(argument), strcmp(given, shown) != 0);
	assert_false(origin_is_hidden(given));
	free(argument);
	free(copy);
}

static void test_hidden(void **state)
{
	(void)state;
	check("http://user:word@host/image", "http://*********@host/image");
	check("https://user@host:8/image", "https://****@host:8/image");
	check("HTTP://a:b@c@host", "HTTP://*****@host");
	check("http:/user:word@host/", "http:/*********@host/");
	check("http:///user:word@host/", "http:///*********@host/");
	check("http://host/image?key=word#x", "http://host/image?**********");
	check("http://host/image#word", "http://host/image#****");
	check("http://u:w@host/?k=v", "http://***@host/?***");
	check("http://user:word@host?a@b", "http://*********@host?***");
}

static void test_shown(void **state)
{
	(void)state;
	check("http://host/image", "http://host/image");
	check("http://host/a@b", "http://host/a@b");
	check("http://@host/", "http://@host/");
	check("http://host/image?", "http://host/image?");
	check("/path/a?b@c", "/path/a?b@c");
	check("relative@name", "relative@name");
	check("a:b@c", "a:b@c");
	check("file:/path", "file:/path");
	check("", "");
}

static void test_list(void **state)
{
	static const char text[] = "# ours\r\n\nhttp://u:w@host/\r\n/path\n /x";
	char path[] = "/tmp/test_origins.XXXXXX", *list[4] = { NULL };
	unsigned int count = 0, i;
	struct origin_access access = { .first = 0 };
	struct incr_error error;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	assert_int_equal(origin_read_list(path, list, &count, 3, &access,
					  &error), 0);
	assert_int_equal(count, 3);
	assert_string_equal(list[0], "http://u:w@host/");
	assert_string_equal(list[1], "/path");
	assert_string_equal(list[2], " /x");
	assert_int_equal(origin_read_list(path, list, &count, 4, &access,
					  &error),
			 -EINVAL);
	assert_int_equal(count, 4);
	for (i = 0; i < count; i++)
		free(list[i]);
	access_free(&access);
	unlink(path);
	assert_int_equal(origin_read_list(path, list, &count, 4, &access,
					  &error),
			 -ENOENT);
}

static void is_beside(const char *where, const char *beside)
{
	char *name = origin_beside(where, ".startup");

	assert_non_null(name);
	assert_string_equal(name, beside);
	free(name);
}

static void test_beside(void **state)
{
	(void)state;
	is_beside("app.inc", "app.inc.startup");
	is_beside("/path/a?b#c", "/path/a?b#c.startup");
	is_beside("file:/path", "file:/path.startup");
	is_beside("http://u:w@host/a.inc", "http://u:w@host/a.inc.startup");
	is_beside("https://host/a.inc?key=a/b?c", "https://host/a.inc.startup?key=a/b?c");
	is_beside("https://host/a.inc#x", "https://host/a.inc.startup#x");
}

/* ---- a small file, read whole from a server ---- */

#define ENOUGH	100u
#define BODY	"dm-incremental startup 1\n"

static const struct {
	const char *reply;
	int err;
	const char *got;
} replies[] = {
	{ "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-24/25\r\n"
	  "Content-Length: 25\r\n\r\n" BODY, 0, BODY },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n" BODY, 0, BODY },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "19\r\n" BODY "\r\n0\r\n\r\n", 0, BODY },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, "" },
	{ "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", -ENOENT, NULL },
	{ "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", -EACCES, NULL },
	{ "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", -EAGAIN, NULL },
	/* Cut short. */
	{ "HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n" BODY, -EAGAIN, NULL },
	{ "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-25/26\r\n"
	  "\r\n" BODY, -EAGAIN, NULL },
	/* Not from the start, or not to the end. */
	{ "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1-25/26\r\n"
	  "Content-Length: 25\r\n\r\n" BODY, -EPROTO, NULL },
	{ "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-24/26\r\n"
	  "Content-Length: 25\r\n\r\n" BODY, -EPROTO, NULL },
	/* More than is enough. */
	{ "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-99/101\r\n"
	  "Content-Length: 100\r\n\r\n" BODY BODY BODY BODY, -EFBIG, NULL },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 125\r\n\r\n" BODY BODY BODY BODY BODY,
	  -EPROTO, NULL },
};
#define REPLIES	(sizeof(replies) / sizeof(replies[0]))

static void serve(int listener)
{
	size_t i;

	/* Not longer than the test, which may have failed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(60);
	for (i = 0; i < REPLIES; i++) {
		int peer = accept(listener, NULL, NULL);
		char request[4096];

		if (peer < 0 || read(peer, request, sizeof(request)) <= 0 ||
		    write(peer, replies[i].reply, strlen(replies[i].reply)) < 0)
			_exit(1);
		close(peer);
	}
	_exit(0);
}

static void test_get(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct origin_options options = { .timeout = 10 };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), status;
	struct origin *origin;
	char url[64];
	size_t i;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address,
				     &size), 0);
	if (!fork())
		serve(listener);
	close(listener);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/list",
		 ntohs(address.sin_port));
	for (i = 0; i < REPLIES; i++) {
		struct origin_connection *connection;
		struct incr_error error;
		size_t length;
		char *data;
		int err;

		assert_int_equal(origin_open(&origin, url, &options, &error),
				 0);
		assert_int_equal(origin_connect(&connection, origin, &error),
				 0);
		err = origin_get(connection, ENOUGH, &data, &length, &error);
		if (err != replies[i].err)
			fail_msg("reply %zu: %d: %s", i, err,
				 err ? error.text : "");
		if (!err) {
			assert_int_equal(length, strlen(replies[i].got));
			assert_memory_equal(data, replies[i].got, length);
			free(data);
		}
		origin_disconnect(connection);
		origin_close(origin);
	}
	assert_int_not_equal(wait(&status), -1);
	assert_int_equal(status, 0);
}

/* ---- the window of a connection ---- */

#define BOUND		300000
#define PART		(4u << 20)

/* Serve @count ranges of zeros over one connection. */
static void serve_ranges(int listener, unsigned int count)
{
	static const char zeros[PART];
	int peer = accept(listener, NULL, NULL);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(60);
	while (count--) {
		char request[4096], head[256];
		const char *from;
		ssize_t n = read(peer, request, sizeof(request) - 1);
		unsigned long first;

		if (n <= 0)
			_exit(1);
		request[n] = '\0';
		from = strstr(request, "bytes=");
		first = from ? strtoul(from + 6, NULL, 10) : 0;
		n = snprintf(head, sizeof(head),
			     "HTTP/1.1 206 x\r\nContent-Range: bytes %lu-%lu/9999999\r\nContent-Length: %u\r\n\r\n",
			     first, first + PART - 1, PART);
		if (write(peer, head, (size_t)n) != n ||
		    write(peer, zeros, PART) != PART)
			_exit(2);
	}
	_exit(0);
}

static int clamp(const struct window *window)
{
	socklen_t size = sizeof(int);
	int bytes = -1;

	assert_int_equal(window->count, 1);
	assert_int_equal(getsockopt(window->fd[0], IPPROTO_TCP,
				    TCP_WINDOW_CLAMP, &bytes, &size), 0);
	return bytes;
}

/* Two of the largest segments that the peer may send. */
static int two_segments(const struct window *window)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	assert_int_equal(getsockopt(window->fd[0], IPPROTO_TCP, TCP_INFO,
				    &info, &size), 0);
	assert_true(info.tcpi_advmss > 0);
	return 2 * (int)info.tcpi_advmss;
}

static int clamp_seen;

static void see_clamp(void *connection, size_t received)
{
	(void)received;
	clamp_seen = clamp(&((struct origin_connection *)connection)->window);
}

/* Return: a socket that listens on loopback, at *@address. */
static int listen_somewhere(struct sockaddr_in *address)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(*address);

	*address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	assert_int_equal(bind(listener, (struct sockaddr *)address, size), 0);
	assert_int_equal(listen(listener, 5), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)address,
				     &size), 0);
	return listener;
}

static void test_window(void **state)
{
	const struct origin_options options = { .timeout = 10 };
	struct origin_connection *connection;
	static char buffer[PART];
	struct sockaddr_in address;
	struct incr_error error;
	struct origin *origin;
	int listener, status, fd, i;
	char url[64];

	(void)state;
	listener = listen_somewhere(&address);
	if (!fork())
		serve_ranges(listener, 9);
	close(listener);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/image",
		 ntohs(address.sin_port));
	assert_int_equal(origin_open(&origin, url, &options, &error), 0);
	assert_int_equal(origin_connect(&connection, origin, &error), 0);
	origin_watch(connection, see_clamp, connection);
	/* Bounded as soon as it is there, and again. */
	origin_window(connection, BOUND);
	assert_int_equal(origin_read(connection, 0, PART, buffer, &error), 0);
	assert_int_equal(clamp_seen, BOUND);
	origin_window(connection, 2 * BOUND);
	assert_int_equal(clamp(&connection->window), 2 * BOUND);
	assert_int_equal(origin_read(connection, 0, PART, buffer, &error), 0);
	assert_int_equal(clamp_seen, 2 * BOUND);
	/* Its bytes came one after the other. */
	assert_true(origin_rate(origin) > 0);
	/*
	 * Loopback has segments of 64 KiB. With a window of less these reads would take 40 s
	 * each, and the server gives up after a minute.
	 */
	origin_window(connection, 1000);
	for (i = 0; i < 5; i++)
		assert_int_equal(origin_read(connection, 0, PART, buffer,
					     &error), 0);
	assert_int_equal(clamp_seen, two_segments(&connection->window));
	/* Bounded no more. While a read goes on, the kernel makes the clamp follow its buffer. */
	origin_window(connection, 0);
	assert_true(clamp(&connection->window) > (int)PART);
	assert_int_equal(origin_read(connection, 0, PART, buffer, &error), 0);
	assert_int_equal(origin_read(connection, 0, PART, buffer, &error), 0);
	/* Its socket is forgotten, and closed. */
	fd = connection->window.fd[0];
	assert_int_equal(wait(&status) > 0 ? status : -1, 0);
	assert_int_not_equal(origin_read(connection, 0, PART, buffer, &error),
			     0);
	assert_int_equal(connection->window.count, 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	origin_disconnect(connection);
	origin_close(origin);
}

/* If nothing comes, it is not for long because of the bound. */
static void test_window_wait(void **state)
{
	struct window window = { .count = 1 };
	struct sockaddr_in address;
	int listener = listen_somewhere(&address);

	(void)state;
	window.fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(window.fd[0], (struct sockaddr *)&address,
				 sizeof(address)), 0);
	/* While there is none, nothing is done. */
	window_wait(&window, 1000);
	window_wait(&window, 9000);
	window_set(&window, BOUND);
	window_wait(&window, 10000);
	window_wait(&window, 12999);
	assert_int_equal(clamp(&window), BOUND);
	window_wait(&window, 13000);
	assert_true(clamp(&window) > 100 * BOUND);
	/* What comes is not bounded again, but the next read is. */
	window_keep(&window);
	assert_true(clamp(&window) > 100 * BOUND);
	window_set(&window, BOUND);
	assert_int_equal(clamp(&window), BOUND);
	/* Each byte that comes begins the time anew. */
	window_wait(&window, 20000);
	window_wait(&window, 22000);
	window_keep(&window);
	window_wait(&window, 24000);
	window_wait(&window, 26999);
	assert_int_equal(clamp(&window), BOUND);
	window_wait(&window, 27000);
	assert_true(clamp(&window) > 100 * BOUND);
	close(window.fd[0]);
	close(listener);
}

static int read_text(const char *path, const char *text, char **list,
		     unsigned int *count, struct origin_access *access)
{
	struct incr_error error;
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	return origin_read_list(path, list, count, 4, access, &error);
}

/* Options in a list, and a list that is named in one. */
static void test_options(void **state)
{
	char one[] = "/tmp/test_origins.XXXXXX", two[] = "/tmp/test_origins.XXXXXX";
	struct origin_access access = { .first = 0 };
	unsigned int count = 0;
	char *list[4], text[256];

	(void)state;
	close(mkstemp(one));
	close(mkstemp(two));
	assert_int_equal(read_text(two, "# x\nhttp://a/?1\nhttp://b/?2\n", list,
				   &count, &access), 0);
	assert_int_equal(count, 2);
	assert_string_equal(access.value[ACCESS_ORIGINS], two);
	assert_int_equal(access.first, 0);
	assert_int_equal(access.listed, 2);
	access_free(&access);
	access.listed = 0;
	while (count)
		free(list[--count]);

	snprintf(text, sizeof(text),
		 "--proxy http://p:1\n--netrc-file /a b\n/first\n--origins %s\n--proxy x\n/last\n",
		 two);
	assert_int_equal(read_text(one, text, list, &count, &access), 0);
	assert_string_equal(access.value[ACCESS_PROXY], "http://p:1");
	assert_string_equal(access.value[ACCESS_NETRC], "/a b");
	/* What can be read again is the inner one. */
	assert_string_equal(access.value[ACCESS_ORIGINS], two);
	assert_int_equal(access.first, 1);
	assert_int_equal(access.listed, 2);
	assert_int_equal(count, 4);
	assert_string_equal(list[1], "http://a/?1");
	assert_string_equal(list[3], "/last");
	while (count)
		free(list[--count]);
	/* No list in a list in a list; no option but these, and none without a value. */
	snprintf(text, sizeof(text), "--origins %s\n", one);
	assert_int_equal(read_text(one, text, list, &count, &access), -EINVAL);
	assert_int_equal(read_text(one, "--proxy\n", list, &count, &access),
			 -EINVAL);
	assert_int_equal(read_text(one, "--jobs 3\n", list, &count, &access),
			 -EINVAL);
	assert_int_equal(count, 0);
	access_free(&access);
	unlink(one);
	unlink(two);
}

/* A list that is read again has the same lines, so that each origin finds its own. */
static void test_again(void **state)
{
	static const char text[] =
		"http://a/?1 \t\n \t\n# x\n\nhttp://b/?2\r\n--proxy http://p\t\n"
		"\t\r\nhttp://c/?3\r4\n \r\nhttp://d/ 5";
	char path[] = "/tmp/test_origins.XXXXXX", *list[4], *url;
	struct origin_access access = { .first = 0 };
	struct origin_options options = { .timeout = 1 };
	struct incr_error error;
	unsigned int count = 0;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(read_text(path, text, list, &count, &access), 0);
	assert_int_equal(count, 4);
	assert_string_equal(list[1], "http://b/?2");
	assert_string_equal(access.value[ACCESS_PROXY], "http://p");
	assert_int_equal(access.listed, 4);
	assert_int_equal(secrets_load(&options, &access, &error), 0);
	assert_null(secrets_url(options.secrets, count + 1));
	while (count) {
		url = secrets_url(options.secrets, count);
		assert_non_null(url);
		assert_string_equal(url, list[--count]);
		free(url);
		free(list[count]);
	}
	secrets_free(&options);
	access_free(&access);
	unlink(path);
}

/* netrc(5), as curl reads it. */
static void test_netrc(void **state)
{
	static const char text[] =
		"# a comment: machine a login x password x\n"
		"machine a login u1 password p1\n"
		"machine a password \"p \\\"2\" login u2\n"
		"macdef init\nmachine a login evil password evil\n\n"
		"machine B\n\taccount z\n\tlogin u3\n"
		"default login u4 password p4\n";
	static const struct {
		const char *host, *user;
		bool others;
		const char *login, *password;
	} cases[] = {
		{ "a", NULL, true, "u1", "p1" },
		{ "A", "u2", false, "u2", "p \"2" },
		{ "a", "u5", false, NULL, NULL },
		{ "b", NULL, false, "u3", NULL },
		{ "c", NULL, true, "u4", "p4" },
		{ "c", NULL, false, NULL, NULL },
	};
	size_t i;

	(void)state;
	assert_true(netrc_is_valid(text));
	assert_true(netrc_is_valid(""));
	assert_false(netrc_is_valid("machine a passwd b"));
	assert_false(netrc_is_valid("machine"));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *login = NULL, *password = NULL;

		assert_int_equal(netrc_find(text, cases[i].host, cases[i].user,
					    cases[i].others, &login, &password),
				 cases[i].login != NULL);
		if (cases[i].login)
			assert_string_equal(login, cases[i].login);
		if (cases[i].password)
			assert_string_equal(password, cases[i].password);
		else
			assert_null(password);
		free(login);
		free(password);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_window_wait),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_netrc),
	};

	/* A proxy would stand between us and the server. */
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	return cmocka_run_group_tests_name("origins", tests, NULL, NULL);
}
