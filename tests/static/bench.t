#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/run's command line: its help names each benchmark, and what it cannot do is refused in one
# sentence, before anything is installed or built. Its report does the arithmetic that it says.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/static/lib.sh

help_names_all() {
	local file
	bench/run --help >"$work/help" || return
	for file in bench/cases/*.sh; do
		grep -q "^  $(basename "$file" .sh) " "$work/help" || { echo "$file is not in the help"; return 1; }
	done
}
ok "the help names each benchmark" help_names_all

# refused PATTERN ARGUMENT...: with status 2, and one line on stderr
refused() {
	local pattern=$1 status=0
	shift
	bench/run "$@" >"$work/out" 2>"$work/error" || status=$?
	[ "$status" = 2 ] && ! [ -s "$work/out" ] && [ "$(wc -l <"$work/error")" = 1 ] && grep -q "$pattern" "$work/error" ||
		{ echo "status $status"; cat "$work/error"; return 1; }
}
ok "an unknown benchmark is refused" refused "no benchmark 'tepid'" tepid
ok "a path is no name of one" refused "no benchmark" ../frame/peers
ok "an unknown option is refused" refused "no option --fast" warm --fast
ok "an option without its value is refused" refused "wants a value" warm --rounds
ok "so are rounds that are no number" refused "from 1 to 999, not 'many'" warm --rounds many
ok "and a kernel that there is not" refused "not '5.4'" warm --kernel 5.4
ok "and two names" refused "one NAME" warm cold

cat >"$work/samples" <<'EOF'
sample read|us|ours-4K|2.0
sample read|us|ours-4K|4.0
sample read|us|ours-4K|3.0
sample read|us|other|1.5
what a program has printed
EOF
report_is_right() {
	bench/frame/report warm --json "$work/samples" >"$work/report" &&
		grep -qxF '| `ours-4K` | 3.00 (67) |' "$work/report" &&
		[ "$(tail -n 1 "$work/report")" = '{"read": {"ours-4K/other": 0.5}}' ] || { cat "$work/report"; return 1; }
}
ok "medians, spreads and ratios" report_is_right
ours_alone() {
	grep -v other "$work/samples" >"$work/ours" &&
		[ "$(bench/frame/report warm --json "$work/ours" | tail -n 1)" = '{"read": {"ours-4K": 3.0}}' ]
}
ok "medians where there is nothing to compare with" ours_alone
no_figure() { ! bench/frame/report warm "$1"; }
echo 'sample read|us|ours-4K' >"$work/cut"
ok "half a sample is an error" no_figure "$work/cut"
ok "and so is none" no_figure /dev/null
finish
