#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The demo, with its checks as TAP: each filesystem on one kernel, each kernel with
# one filesystem. With CHECK_LONG in the environment, all four.
cd "$(dirname "$0")/.." || exit
if [ -n "${CHECK_LONG-}" ]; then
	exec demo/run --tap
fi
echo "left to make check-long: erofs on 6.1, ext4 on 6.12" >&2
exec demo/run --tap --on 6.12:erofs --on 6.1:ext4
