// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages and the progress line; see message.h.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>
#include "common/message.h"
#include "common/printable.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *program = "";
static enum message_level most = MESSAGE_INFO;
static bool to_syslog, to_journal, on_terminal, progress_drawn;

void message_init(const char *name, enum message_level level)
{
	program = name;
	most = level;
	/* The journal understands a level in front of the text. */
	to_journal = getenv("JOURNAL_STREAM") && !isatty(STDERR_FILENO);
	on_terminal = isatty(STDERR_FILENO);
}

static void erase_progress(void)
{
	if (progress_drawn)
		fputs("\r\033[K", stderr);
	progress_drawn = false;
}

void message_use_syslog(void)
{
	pthread_mutex_lock(&lock);
	erase_progress();
	fflush(stderr);
	openlog(program, LOG_PID, LOG_DAEMON);
	to_syslog = true;
	on_terminal = false;
	pthread_mutex_unlock(&lock);
}

static void put(enum message_level level, const char *text)
{
	pthread_mutex_lock(&lock);
	if (to_syslog) {
		syslog((int)level, "%s", text);
	} else {
		erase_progress();
		if (to_journal)
			fprintf(stderr, "<%d>", (int)level);
		fprintf(stderr, "%s: %s\n", program, text);
	}
	pthread_mutex_unlock(&lock);
}

void message(enum message_level level, const char *format, ...)
{
	char *text, *shown;
	va_list args;
	int length;

	if (level > most)
		return;
	va_start(args, format);
	/* Of any length: a path may be long, and the reason comes after it. */
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0) {
		put(level, "out of memory");
		return;
	}
	/* A server's or a file's text must not write to the terminal. */
	shown = printable(text, PRINTABLE_CONTROL);
	put(level, shown ? shown : "out of memory");
	free(shown);
	free(text);
}

bool message_has_progress(void)
{
	bool has;

	pthread_mutex_lock(&lock);
	has = on_terminal;
	pthread_mutex_unlock(&lock);
	return has;
}

void message_progress(const char *format, ...)
{
	char text[256], *shown;
	va_list args;

	pthread_mutex_lock(&lock);
	if (!on_terminal) {
		/* Nobody would see it. */
	} else if (format) {
		va_start(args, format);
		vsnprintf(text, sizeof(text), format, args);
		va_end(args);
		shown = printable(text, PRINTABLE_CONTROL);
		fprintf(stderr, "\r%s\033[K", shown ? shown : "");
		free(shown);
		progress_drawn = true;
	} else {
		erase_progress();
	}
	fflush(stderr);
	pthread_mutex_unlock(&lock);
}
