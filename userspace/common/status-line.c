// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Status lines; see status-line.h.
 */
#include <errno.h>
#include <string.h>
#include "common/parse.h"
#include "common/status-line.h"

bool take_word(const char **line, char *word, size_t size)
{
	size_t n;

	*line += strspn(*line, " ");
	n = strcspn(*line, " ");
	if (!n || n >= size)
		return false;
	memcpy(word, *line, n);
	word[n] = '\0';
	*line += n;
	return true;
}

bool take_value(const char **line, uint64_t *value)
{
	char word[32];

	return take_word(line, word, sizeof(word)) &&
	       !parse_number(word, 0, UINT64_MAX, value);
}

int parse_status(const char *line, struct status *status)
{
	char chunks[64], *slash;
	enum status_field field;

	if (!take_word(&line, chunks, sizeof(chunks)))
		return -EPROTO;
	slash = strchr(chunks, '/');
	if (!slash)
		return -EPROTO;
	*slash = '\0';
	if (parse_number(chunks, 0, UINT64_MAX, &status->value[STATUS_PRESENT]) ||
	    parse_number(slash + 1, 1, UINT64_MAX, &status->value[STATUS_TOTAL]) ||
	    status->value[STATUS_PRESENT] > status->value[STATUS_TOTAL])
		return -EPROTO;
	for (field = STATUS_WAITING; field < STATUS_FIELDS; field++)
		if (!take_value(&line, &status->value[field]))
			return -EPROTO;
	if (!take_word(&line, status->state, sizeof(status->state)))
		return -EPROTO;
	if (!take_word(&line, status->trust, sizeof(status->trust)))
		strcpy(status->trust, "table");
	/* The rest is for later versions. */
	return 0;
}

bool status_is_complete(const struct status *status)
{
	return !strcmp(status->state, "complete");
}
