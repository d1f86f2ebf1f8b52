#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# on_corruption panic: a corrupt block stops the machine, with the reason. That takes a
# boot: on 6.12, and with CHECK_LONG in the environment on each kernel.

set -u
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

show_more() {
	tail -n 40 "$work"/out "$work"/err | sed 's/^/# /'
}

said() {
	grep -qE "$1" "$work/err"
}

not_said() {
	! grep -q "$1" "$work/out"
}

kernels=(6.12)
if [ -n "${CHECK_LONG-}" ]; then
	kernels=(6.1 6.12)
else
	echo "left to make check-long: the same 5 tests on 6.1" >&2
fi
for kernel in "${kernels[@]}"; do
	[ -e "build/kernel-$kernel/dm-incremental.ko" ] || {
		echo "Bail out! the module for $kernel is not built: run make modules"
		exit 1
	}
done
tests/kernel/generators/prepare >&2 || { echo "Bail out! cannot make the images"; exit 1; }

for kernel in "${kernels[@]}"; do
	tests/vm/run --kernel $kernel --timeout 600 -- bash tests/kernel/corrupt.sh \
		>"$work/out" 2>"$work/err"
	status=$?
	ok "$kernel: good blocks can be read" grep -qx "the others are right" "$work/out"
	ok "$kernel: a corrupt one stops the machine" [ $status = 125 ]
	ok "$kernel: before it is read" not_said survived
	ok "$kernel: the kernel names the block" said 'block [0-9]+.* at image offset [0-9]+'
	ok "$kernel: and the reason" \
		said 'Kernel panic - not syncing: dm-incremental device has detected corruption'
done
finish
