#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# on_corruption panic: a bad block stops the machine, and says why. Each kernel
# takes a boot for that.

set -u
cd "$(dirname "$0")/../.." || exit 1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

tests=0
ok() {	# ok NAME COMMAND...
	tests=$((tests + 1))
	if "${@:2}"; then
		echo "ok $tests - $1"
	else
		echo "not ok $tests - $1"
		tail -n 40 "$scratch"/out "$scratch"/err | sed 's/^/# /'
	fi
}

said() {
	grep -qE "$1" "$scratch/err"
}

not_said() {
	! grep -q "$1" "$scratch/out"
}

for kernel in 6.1 6.12; do
	[ -e "build/kernel-$kernel/dm-incremental.ko" ] || {
		echo "Bail out! the module for $kernel is not built: run make modules"
		exit 1
	}
done
tests/kernel/generators/prepare >&2 || { echo "Bail out! cannot make the images"; exit 1; }

for kernel in 6.1 6.12; do
	tests/vm/run --kernel $kernel --timeout 600 -- bash tests/kernel/corrupt.sh \
		>"$scratch/out" 2>"$scratch/err"
	status=$?
	ok "$kernel: what is right can be read" grep -qx "the others are right" "$scratch/out"
	ok "$kernel: what is not stops the machine" [ $status = 125 ]
	ok "$kernel: before it is read" not_said survived
	ok "$kernel: the kernel tells which block" said 'block [0-9]+.* at image offset [0-9]+'
	ok "$kernel: and why it stops" \
		said 'Kernel panic - not syncing: dm-incremental device has detected corruption'
done
echo "1..$tests"
