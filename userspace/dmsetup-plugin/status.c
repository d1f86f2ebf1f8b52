// SPDX-License-Identifier: GPL-2.0-only
/*
 * status and wait.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <json-c/json.h>
#include "dm.h"
#include "message.h"
#include "parse.h"
#include "status-line.h"

static const struct {
	const char *key;	/* of JSON */
	const char *label;	/* NULL: not printed by itself */
} fields[STATUS_FIELDS] = {
	[STATUS_PRESENT]	= { "present_chunks", NULL },
	[STATUS_TOTAL]		= { "total_chunks", NULL },
	[STATUS_WAITING]	= { "waiting_reads", "waiting reads" },
	[STATUS_PENDING]	= { "pending_requests", "requests" },
	[STATUS_FILLS]		= { "filled_chunks", "filled chunks" },
	[STATUS_HASH_FAILURES]	= { "hash_failures", "hash failures" },
	[STATUS_HEALED]	= { "healed", "healed" },
	[STATUS_TIMED_OUT]	= { "timed_out", "timed out" },
	[STATUS_UNAVAILABLE]	= { "unavailable", "unavailable" },
	[STATUS_LOADERS]	= { "loaders", "loaders" },
};

/* parse_status() with the sentence of one that fails. */
static int take_status(const char *line, struct status *status,
		       struct inc_error *error)
{
	int err = parse_status(line, status);

	return err ? setup_fail(error, err,
				"the kernel's status line is not understood") :
		     0;
}

int status_loaders(const char *line, u64 *loaders, struct inc_error *error)
{
	struct status status;
	int err = take_status(line, &status, error);

	if (!err)
		*loaders = status.value[STATUS_LOADERS];
	return err;
}

int parse_table(const char *line, struct table *table, struct inc_error *error)
{
	u64 version;

	if (!take_value(&line, &version) || version != 1 ||
	    !take_word(&line, table->device, sizeof(table->device)) ||
	    !take_value(&line, &table->generation) ||
	    !take_word(&line, table->hash, sizeof(table->hash)) ||
	    !take_word(&line, table->root, sizeof(table->root)) ||
	    !take_word(&line, table->salt, sizeof(table->salt)))
		return setup_fail(error, -EPROTO,
				  "the kernel's table line is not understood");
	table->options = line + strspn(line, " ");
	return 0;
}

void read_sys(const char *device, const char *file, char *text, size_t size)
{
	char path[256];
	ssize_t n = -1;
	int fd;

	*text = '\0';
	snprintf(path, sizeof(path), "/sys/dev/block/%.128s/%s", device, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, size - 1);
		close(fd);
	}
	if (n < 0)
		return;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

void device_path(const char *device, char *text, size_t size)
{
	char link[160], target[512];
	const char *name;
	ssize_t n;

	snprintf(text, size, "%s", device);
	if (!strchr(device, ':') || strchr(device, '/'))
		return;
	snprintf(link, sizeof(link), "/sys/dev/block/%.128s", device);
	n = readlink(link, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	name = strrchr(target, '/');
	snprintf(text, size, "/dev/%.100s", name ? name + 1 : target);
}

static void add(struct json_object *object, const char *key,
		struct json_object *value)
{
	json_object_object_add(object, key, value);
}

static void add_text(struct json_object *object, const char *key,
		     const char *text)
{
	add(object, key, json_object_new_string(text));
}

static void add_number(struct json_object *object, const char *key, u64 value)
{
	add(object, key, json_object_new_uint64(value));
}

static void print_json(const char *name, const struct dm_state *state,
		       const struct table *table, const struct status *status,
		       const char *device, const char *file)
{
	struct json_object *object = json_object_new_object();
	enum status_field field;

	add_text(object, "name", name);
	add_text(object, "uuid", state->uuid);
	add(object, "in_use", json_object_new_boolean(state->info.open_count > 0));
	add(object, "suspended", json_object_new_boolean(state->info.suspended));
	add(object, "complete", json_object_new_boolean(status_is_complete(status)));
	add_text(object, "state", status->state);
	add_number(object, "generation", table->generation);
	add_text(object, "hash", table->hash);
	add_text(object, "root_hash", table->root);
	add_text(object, "salt", strcmp(table->salt, "-") ? table->salt : "");
	add_text(object, "trust", status->trust);
	add_text(object, "data_device", device);
	add_text(object, "backing_file", file);
	add_number(object, "size", state->sectors * 512);
	for (field = 0; field < STATUS_FIELDS; field++)
		add_number(object, fields[field].key, status->value[field]);
	add_text(object, "options", table->options);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

static void print_text(const char *name, const struct dm_state *state,
		       const struct table *table, const struct status *status,
		       const char *device, const char *file)
{
	u64 present = status->value[STATUS_PRESENT], total = status->value[STATUS_TOTAL];
	enum status_field field;

	printf("/dev/mapper/%s is %s%s.\n", name,
	       state->info.suspended ? "suspended" : "active",
	       state->info.open_count > 0 ? " and is in use" : "");
	printf("  %-15s INCREMENTAL\n", "type:");
	printf("  %-15s %s\n", "state:", status->state);
	printf("  %-15s %llu of %llu chunks, %.1f %%\n", "present:",
	       (unsigned long long)present, (unsigned long long)total,
	       100.0 * (double)present / (double)total);
	printf("  %-15s %llu\n", "generation:",
	       (unsigned long long)table->generation);
	printf("  %-15s %s\n", "hash name:", table->hash);
	printf("  %-15s %s\n", "root hash:", table->root);
	printf("  %-15s %s\n", "salt:", table->salt);
	printf("  %-15s %s\n", "trust:", strcmp(status->trust, "table") ?
	       status->trust : "root hash in the table");
	printf("  %-15s %s\n", "data device:", device);
	if (*file)
		printf("  %-15s %s\n", "backing file:", file);
	printf("  %-15s %llu sectors\n", "size:",
	       (unsigned long long)state->sectors);
	printf("  %-15s readonly\n", "mode:");
	for (field = 0; field < STATUS_FIELDS; field++)
		if (fields[field].label)
			printf("  %s:%*s %llu\n", fields[field].label,
			       (int)(14 - strlen(fields[field].label)), "",
			       (unsigned long long)status->value[field]);
	if (*table->options)
		printf("  %-15s %s\n", "options:", table->options);
}

int command_status(const struct options *options, char **args,
		   struct inc_error *error)
{
	char device[160], file[512];
	struct status status;
	struct dm_state state;
	struct table table;
	const char *name;
	int err;

	err = device_name(args[0], &name, error);
	if (!err)
		err = dm_read_state(name, &state, error);
	if (err == -ENODEV)
		return setup_fail(error, err, "/dev/mapper/%s is inactive", name);
	if (err)
		return err;
	err = parse_table(state.table, &table, error);
	if (!err)
		err = take_status(state.status, &status, error);
	if (!err) {
		device_path(table.device, device, sizeof(device));
		read_sys(table.device, "loop/backing_file", file, sizeof(file));
		if (options->json)
			print_json(name, &state, &table, &status, device, file);
		else
			print_text(name, &state, &table, &status, device, file);
	}
	dm_free_state(&state);
	return err;
}

static volatile sig_atomic_t timed_out;

static void on_alarm(int signal)
{
	(void)signal;
	timed_out = 1;
}

/* The alarm repeats: one that came just before a system call is no loss. */
static void set_alarm(u64 seconds)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval timer = {
		.it_value.tv_sec = (time_t)seconds,
		.it_interval.tv_usec = 100000,
	};

	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, NULL);
	if (!seconds)
		timer.it_value.tv_usec = 1;
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Look, and if it is not complete, say after which event to look again. */
static int look(const char *name, bool *complete, u32 *event,
		struct inc_error *error)
{
	struct dm_state state;
	struct status status;
	int err;

	err = dm_read_state(name, &state, error);
	if (err)
		return err;
	/* The kernel notes the number before it writes the line: none is missed. */
	err = take_status(state.status, &status, error);
	if (!err) {
		*complete = status_is_complete(&status);
		*event = state.info.event_nr;
	}
	dm_free_state(&state);
	return err;
}

int command_wait(const struct options *options, char **args,
		 struct inc_error *error)
{
	bool complete = false;
	const char *name;
	u32 event;
	int err;

	err = device_name(args[0], &name, error);
	if (err)
		return err;
	if (options->timeout != UNSET)
		set_alarm(options->timeout);
	for (;;) {
		err = look(name, &complete, &event, error);
		if (err || complete)
			return err;
		if (!timed_out)
			err = dm_wait_event(name, event, error);
		if (timed_out)
			return setup_fail(error, -ETIMEDOUT,
					  "%s is not complete after %llu s",
					  name,
					  (unsigned long long)options->timeout);
		if (err && err != -EINTR)
			return err;
	}
}
