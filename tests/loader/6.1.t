#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# incrementald and incrementalsetup for real, under kernel 6.1; see guest. They are
# the same programs on each kernel: by default only the parts that use most of the
# kernel run, with CHECK_LONG in the environment all of them.
parts=(grow own)
if [ -n "${CHECK_LONG-}" ]; then
	parts=()
else
	echo "left to make check-long on 6.1: tests/loader/guest, but for these parts: ${parts[*]}" >&2
fi
exec "$(dirname "$0")/vm" 6.1 ${parts[@]+"${parts[@]}"}
