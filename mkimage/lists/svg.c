// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A picture of a trace; see svg.h.
 */
#include <stdlib.h>
#include "common/parse.h"
#include "common/printable.h"
#include "lists/svg.h"

#define WIDTH	900.0
#define HEIGHT	480.0
#define LEFT	80.0
#define TOP	40.0
#define LINE	18.0	/* of text */

/* Text that may be anything; what is left out of XML is shown as "?". */
static void print_text(const char *text)
{
	const unsigned char *at;

	for (at = (const unsigned char *)printable_name(text); *at; at++) {
		if (*at == '<')
			fputs("&lt;", stdout);
		else if (*at == '>')
			fputs("&gt;", stdout);
		else if (*at == '&')
			fputs("&amp;", stdout);
		else if (*at == '"')
			fputs("&quot;", stdout);
		else
			putchar(*at < ' ' ? '?' : *at);
	}
}

/* A command's colour: the same in every picture. */
static unsigned int hue_of(const char *comm)
{
	unsigned int hash = 2166136261u;

	for (; *comm; comm++)
		hash = (hash ^ (unsigned char)*comm) * 16777619u;
	return hash % 360;
}

static void print_label(double x, double y, const char *anchor,
			const char *text)
{
	printf("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
	print_text(text);
	puts("</text>");
}

static void print_axes(const struct incr_trace *trace, u64 end,
		       const char *name)
{
	char text[64], size[FORMAT_SIZE_MAX];
	unsigned int i;

	printf("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" stroke=\"black\"/>\n",
	       LEFT, TOP, WIDTH, HEIGHT);
	print_label(LEFT, TOP - LINE / 2, "start", name);
	for (i = 0; i <= 4; i++) {
		snprintf(text, sizeof(text), "%.3f s", (double)end * i / 4e6);
		print_label(LEFT + WIDTH * i / 4, TOP + HEIGHT + LINE,
			    "middle", text);
		format_size((trace->blocks << INC_BLOCK_SHIFT) / 4 * i, size);
		print_label(LEFT - 4, TOP + HEIGHT * i / 4 + 4, "end", size);
	}
}

/* A line for each command, below the picture. */
static unsigned int print_legend(const struct incr_trace *trace, bool print)
{
	unsigned int lines = 0;
	size_t i, j;

	for (i = 0; i < trace->count && lines < 20; i++) {
		const char *comm = trace->reads[i].comm;
		double y = TOP + HEIGHT + LINE * (lines + 3);

		for (j = 0; j < i && strcmp(trace->reads[j].comm, comm); j++)
			;
		if (j < i)
			continue;
		lines++;
		if (!print)
			continue;
		printf("<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\" fill=\"hsl(%u,80%%,40%%)\"/>\n",
		       LEFT, y - 10, hue_of(comm));
		print_label(LEFT + 16, y, "start", comm);
	}
	return lines;
}

void trace_print_svg(const struct incr_trace *trace, const char *name)
{
	double height = TOP + HEIGHT + LINE * (print_legend(trace, false) + 4);
	u64 end = 1;
	size_t i;

	for (i = 0; i < trace->count; i++)
		if (trace->reads[i].time > end)
			end = trace->reads[i].time;
	printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" font-family=\"sans-serif\" font-size=\"12\">\n"
	       "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
	       LEFT + WIDTH + LEFT / 2, height);
	print_axes(trace, end, name);
	for (i = 0; i < trace->count; i++) {
		const struct incr_trace_read *read = &trace->reads[i];
		double tall = HEIGHT * (double)read->count /
			      (double)trace->blocks;

		printf("<rect x=\"%.2f\" y=\"%.2f\" width=\"2\" height=\"%.2f\" fill=\"hsl(%u,80%%,40%%)\"><title>",
		       LEFT + WIDTH * (double)read->time / (double)end - 1,
		       TOP + HEIGHT * (double)read->block /
		       (double)trace->blocks, tall < 1 ? 1 : tall,
		       hue_of(read->comm));
		print_text(read->path ? read->path : read->comm);
		printf(" %.6f s, blocks %llu+%llu</title></rect>\n",
		       (double)read->time / 1e6,
		       (unsigned long long)read->block,
		       (unsigned long long)read->count);
	}
	print_legend(trace, true);
	puts("</svg>");
}
