#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The unit tests once more, for what they do to memory: with ASan and UBSan (as
# built by "make SANITIZE=1 unit-tests"), and under valgrind, which also sees
# what was never set.  Both are slow, so tests that go through all of an image
# look at fewer places (their first argument).

set -uo pipefail
cd "$(dirname "$0")/../.." || exit

output=$(mktemp)
trap 'rm -f "$output"' EXIT
count=0

ok() {	# ok WHAT COMMAND...
	local what=$1
	shift
	count=$((count + 1))
	if "$@" >"$output" 2>&1; then
		echo "ok $count - $what"
	else
		echo "not ok $count - $what"
		grep -vE '^\[ |^ok ' "$output" | head -60 | sed 's/^/# /'
	fi
}

for source in tests/unit/test_*.c; do
	name=$(basename "$source" .c)
	ok "$name with sanitizers" "build/sanitize/tests/$name" 8
	# valgrind knows neither Landlock nor seccomp filters.
	[ "$name" != test_sandbox ] || continue
	# (What is still reachable at the end is OpenSSL's own.)
	ok "$name under valgrind" valgrind --quiet --error-exitcode=9 --leak-check=full \
		--errors-for-leak-kinds=definite,indirect,possible "build/tests/$name" 64
done
echo "1..$count"
