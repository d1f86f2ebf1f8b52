#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: conftest.sh HEADER CC [FLAGS...]
#
# Finds out by compiling what the kernel at hand offers, and writes HEADER with
# an INC_HAVE_... macro for each thing that it does. Run by Kbuild, in the
# kernel's build directory.
set -eu

header=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# try MACRO: define it if the program on standard input compiles.
try() {
	cat >"$work/try.c"
	if "$@" -DKBUILD_MODNAME='"conftest"' -Werror -c \
		-o "$work/try.o" "$work/try.c" >"$work/log" 2>&1; then
		echo "#define $macro 1"
	else
		echo "/* $macro is not defined */"
	fi
}

{
	macro=INC_HAVE_BLK_MODE
	try "$@" <<-'EOF'
		/* dm_get_device() took an fmode_t before 6.5. */
		#include <linux/device-mapper.h>
		int probe(struct dm_target *ti, struct dm_dev **dev);
		int probe(struct dm_target *ti, struct dm_dev **dev)
		{
			return dm_get_device(ti, "", BLK_OPEN_READ, dev);
		}
	EOF

	macro=INC_HAVE_HEX_H
	try "$@" <<-'EOF'
		/* hex2bin() was declared in linux/kernel.h before. */
		#include <linux/hex.h>
	EOF

	macro=INC_HAVE_BDEV_SETINTEGRITY
	try "$@" <<-'EOF'
		/* Security modules are told of dm-verity's devices from 6.12 on. */
		#include <linux/security.h>
		int probe(struct block_device *bdev, struct dm_verity_digest *root);
		int probe(struct block_device *bdev, struct dm_verity_digest *root)
		{
			return security_bdev_setintegrity(bdev,
				LSM_INT_DMVERITY_ROOTHASH, root, sizeof(*root)) ?:
			       security_bdev_setintegrity(bdev,
				LSM_INT_DMVERITY_SIG_VALID, "", 1);
		}
	EOF

	macro=INC_HAVE_SHA256_FINUP_2X
	try "$@" <<-'EOF'
		/* The library hashes two messages at a time from 7.1 on. */
		#include <crypto/sha2.h>
		bool probe(const struct sha256_ctx *ctx, const u8 *data, u8 *out);
		bool probe(const struct sha256_ctx *ctx, const u8 *data, u8 *out)
		{
			sha256_finup_2x(ctx, data, data, 64, out, out + 32);
			return sha256_finup_2x_is_optimized();
		}
	EOF

	macro=INC_HAVE_ASSIGN_STR_1
	mkdir "$work/trace"
	cat >"$work/trace/probe.h" <<-'EOF'
		#undef TRACE_SYSTEM
		#define TRACE_SYSTEM probe
		#if !defined(PROBE_H) || defined(TRACE_HEADER_MULTI_READ)
		#define PROBE_H
		#include <linux/tracepoint.h>
		TRACE_EVENT(probe, TP_PROTO(const char *s), TP_ARGS(s),
			TP_STRUCT__entry(__string(s, s)),
			TP_fast_assign(__assign_str(s);),
			TP_printk("%s", __get_str(s)));
		#endif
		#undef TRACE_INCLUDE_PATH
		#define TRACE_INCLUDE_PATH .
		#undef TRACE_INCLUDE_FILE
		#define TRACE_INCLUDE_FILE probe
		#include <trace/define_trace.h>
	EOF
	try "$@" -I"$work/trace" <<-'EOF'
		/* __assign_str() took the string, too, before 6.10. */
		#define CREATE_TRACE_POINTS
		#include "probe.h"
	EOF
} >"$header.tmp"
mv "$header.tmp" "$header"
