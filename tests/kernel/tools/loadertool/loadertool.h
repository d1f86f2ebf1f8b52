/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of loadertool (usage() in main.c describes them), and declarations
 * that they share. Each command takes its own arguments and returns the exit status.
 */
#ifndef TEST_LOADERTOOL_H
#define TEST_LOADERTOOL_H

#include <inttypes.h>
#include <linux/dm-incremental.h>
#include <setjmp.h>
#include "kernel/tools/tool.h"

/* files.c */
int cmd_pattern(int argc, char **argv);
int cmd_flip(int argc, char **argv);
int cmd_poke(int argc, char **argv);
int cmd_rot(int argc, char **argv);
int cmd_forget(int argc, char **argv);

/* image.c */
int cmd_sparse(int argc, char **argv);
int cmd_table(int argc, char **argv);
int cmd_layout(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_where(int argc, char **argv);
int cmd_need(int argc, char **argv);

/* read.c */
int cmd_scan(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_random(int argc, char **argv);
int cmd_readers(int argc, char **argv);
int cmd_dread(int argc, char **argv);
int cmd_each(int argc, char **argv);

/* tree.c */
int cmd_tree(int argc, char **argv);

/* status.c */
int cmd_status(int argc, char **argv);

/* log.c */
int cmd_logcheck(int argc, char **argv);

/* serve.c */
int cmd_serve(int argc, char **argv);
int cmd_hoard(int argc, char **argv);

/* node.c */
int cmd_node(int argc, char **argv);

/* flood.c */
int cmd_flood(int argc, char **argv);

struct image {
	int fd;
	u64 size;
	struct inc_segment seg;		/* the base: tests have one segment */
	struct inc_run *map_dir;
	struct inc_run *tree_dir;
};

/* image.c: open it, or end with a message. */
void open_image(struct image *image, const char *path);

/* serve.c: a request in a line. */
/* Print the fields of requests about their reader, too. */
extern bool show_readers;

void print_request(FILE *out, const struct dm_incremental_request *request);

/*
 * mapped.c: from now on a failed read of mapped memory jumps to *bus_error if the
 * thread has set it, and else ends the program.
 */
extern __thread sigjmp_buf *volatile bus_error;
void catch_sigbus(void);

#endif /* TEST_LOADERTOOL_H */
