#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The unit tests once more, with checks of memory: with ASan and UBSan (as built by
# "make SANITIZE=1 unit-tests"), and under valgrind, which also finds uses of values
# that were never set.  Both are slow, so tests that go through all of an image look
# at fewer places (their first argument).

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/../mkimage/lib.sh"
cd "$top" || exit

# reports COMMAND...: run it, and print all lines but those of tests that pass
reports() {
	local status
	"$@" >"$work/all" 2>&1
	status=$?
	grep -vE '^\[ |^ok ' "$work/all"
	return $status
}

for source in tests/unit/test_*.c; do
	name=$(basename "$source" .c)
	ok "$name with sanitizers" reports "build/sanitize/tests/$name" 8
	# valgrind knows neither Landlock nor seccomp filters.
	[ "$name" != test_sandbox ] || continue
	# (Memory that is still reachable at the end is OpenSSL's own.)
	ok "$name under valgrind" reports valgrind --quiet --error-exitcode=9 --leak-check=full \
		--errors-for-leak-kinds=definite,indirect,possible "build/tests/$name" 64
done
finish
