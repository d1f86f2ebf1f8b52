/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status line of an incremental device (docs/dm-incremental.rst, Status).
 */
#ifndef COMMON_STATUS_LINE_H
#define COMMON_STATUS_LINE_H

#include <stdbool.h>
#include <stdint.h>

/* Its numbers, in its order; chunks, reads, requests, events, loaders. */
enum status_field {
	STATUS_PRESENT, STATUS_TOTAL, STATUS_WAITING, STATUS_PENDING,
	STATUS_FILLS, STATUS_HASH_FAILURES, STATUS_HEALED, STATUS_TIMED_OUT,
	STATUS_UNAVAILABLE, STATUS_LOADERS, STATUS_FIELDS
};

/**
 * struct status - a status line, taken apart
 * @value: by enum status_field
 * @state: "complete" or "absent"
 * @trust: source of trust in the root hash: "table" or "signature"
 */
struct status {
	uint64_t value[STATUS_FIELDS];
	char state[32];
	char trust[32];
};

/*
 * Take @line apart; words after those known here are a later version's.
 * Return: 0 or -EPROTO.
 */
int parse_status(const char *line, struct status *status);

bool status_is_complete(const struct status *status);

/*
 * The next word of @*line, of less than @size bytes, copied; @*line goes behind
 * it. False if there is none or it is too long.
 */
bool take_word(const char **line, char *word, size_t size);

/* The next word, which must be a number. */
bool take_value(const char **line, uint64_t *value);

#endif /* COMMON_STATUS_LINE_H */
