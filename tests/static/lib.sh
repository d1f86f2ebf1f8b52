# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the static tests share: $work is a directory for a while, ok() a test.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0

# ok WHAT COMMAND...: COMMAND succeeds; what it printed is shown if not.
ok() {
	local what=$1
	shift
	count=$((count + 1))
	if "$@" >"$work/output" 2>&1; then
		echo "ok $count - $what"
	else
		echo "not ok $count - $what"
		head -40 "$work/output" | cut -c 1-300 | sed 's/^/# /'
	fi
}
