#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The tours of README.md and docs/ can be followed word by word, in a checkout
# below /tmp, on a machine without the module loaded.
set -u
top=$(readlink -f "$(dirname "$0")/..")
checkout=$(mktemp -d /tmp/dm-incremental-tours.XXXXXX)
trap 'rm -rf "$checkout"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cd "$top" || exit 1
cp -a --parents README.md docs scripts tests/vm tests/tours build/mkimage build/incrementald \
	build/incrementalsetup build/kernel-6.12/dm-incremental.ko "$checkout" || {
	echo "Bail out! run make tools modules first"
	exit 1
}
cd "$checkout" || exit 1
tests/vm/run --kernel 6.12 --no-module --quiet --disk 1024 --timeout 5400 -- \
	tests/tours/follow README.md docs/layers.md:/scratch/layers "docs/dm-incremental.rst#Example:/scratch/target"
