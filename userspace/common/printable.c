// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text that may be shown; see printable.h.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/printable.h"

/*
 * The character at @text goes to *character. Return: its bytes; 0 if they are not
 * UTF-8: cut off, longer than needed, a surrogate, or over U+10FFFF.
 */
static size_t decode(const unsigned char *text, uint32_t *character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = *text < 0x80 ? 1 : *text < 0xc0 ? 0 :
			*text < 0xe0 ? 2 : *text < 0xf0 ? 3 :
			*text < 0xf8 ? 4 : 0, i;

	*character = length < 2 ? *text : *text & (0x7fu >> length);
	for (i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*character = *character << 6 | (text[i] & 0x3f);
	}
	if (*character < least[length] || *character > 0x10ffff ||
	    (*character >= 0xd800 && *character < 0xe000))
		return 0;
	return length;
}

static bool is_control(uint32_t character)
{
	return character < ' ' || (character >= 0x7f && character < 0xa0) ||
	       (character >= 0x2028 && character <= 0x202e) ||
	       (character >= 0x2066 && character <= 0x2069);
}

static char *escape(char *out, unsigned char byte)
{
	static const char letters[] = "\\\\\nn\tt\rr";
	const char *letter;

	for (letter = letters; *letter; letter += 2) {
		if ((unsigned char)*letter != byte)
			continue;
		*out++ = '\\';
		*out++ = letter[1];
		return out;
	}
	return out + sprintf(out, "\\x%02x", byte);
}

char *printable(const char *text, unsigned int what)
{
	const unsigned char *in = (const unsigned char *)text;
	char *result = malloc(4 * strlen(text) + 1), *out = result;
	uint32_t character;

	while (result && *in) {
		size_t length = decode(in, &character), i;
		bool plain = length &&
			     !(what & PRINTABLE_CONTROL &&
			       is_control(character)) &&
			     !(what & PRINTABLE_BACKSLASH &&
			       character == '\\');

		for (i = 0; i < (length ? length : 1); i++)
			if (plain)
				*out++ = (char)in[i];
			else
				out = escape(out, in[i]);
		in += length ? length : 1;
	}
	if (result)
		*out = '\0';
	return result;
}

static const char *keep(char *text)
{
	static _Thread_local char *kept[4];
	static _Thread_local unsigned int at;

	if (!text)
		return "?";
	at = (at + 1) % 4;
	free(kept[at]);
	kept[at] = text;
	return text;
}

const char *printable_name(const char *name)
{
	return keep(printable(name, PRINTABLE_CONTROL | PRINTABLE_BACKSLASH));
}

const char *printable_json(const char *name)
{
	return keep(printable(name, PRINTABLE_BACKSLASH));
}
