#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# incrementald and incrementalsetup for real, under kernel 6.1; see guest. They are
# the same program on each kernel: by default there are just the parts that need
# most of the kernel, with CHECK_LONG in the environment all of it.
parts=(grow own)
if [ -n "${CHECK_LONG-}" ]; then
	parts=()
else
	echo "left to make check-long on 6.1: tests/loader/guest, but for these parts: ${parts[*]}" >&2
fi
exec "$(dirname "$0")/vm" 6.1 ${parts[@]+"${parts[@]}"}
