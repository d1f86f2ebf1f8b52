#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bash's completion, without a terminal: it offers each command, and each option of
# --help; and each option of --help is in the program's manual page.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/static/lib.sh
. userspace/completion/incremental.bash

PATH=$PWD/build:$PATH

offered() {	# offered WORD...: what completes the last word of a command line
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_incremental "$1" "${*: -1}" "${*: -2:1}"
	printf '%s\n' "${COMPREPLY[@]}" | sort -u
}


commands() {
	"$1" --help | awk '/^  [a-z]+ / { print $1 }'
}

covers() {	# covers FILE FILE: the second has all lines of the first
	! grep -vxF -f "$2" "$1"
}

# Options whose lines of help begin with them; words like "see --help" do not count.
listed() {
	"$@" --help | grep -oE '^ +(-[a-zA-Z], )*--[a-z][a-z-]*' | grep -oE -e '--[a-z-]+' | sort -u
}

page_has() {	# page_has PAGE OPTION...: the manual page has them
	local option page=$1
	man -E ascii -l "$page" 2>/dev/null | col -b >"$work/page"
	for option in "${@:2}"; do
		grep -qE -e "(^|[^a-z-])$option([^a-z-]|\$)" "$work/page" || { echo "$page: $option is missing"; return 1; }
	done
}

for program in mkimage incrementalsetup; do
	commands $program >"$work/commands"
	offered $program "" >"$work/offered"
	ok "$program: there are commands, and each is offered" eval '[ "$(wc -l <"$work/commands")" -gt 5 ] && covers "$work/commands" "$work/offered"'
	while read -r command; do
		listed $program "$command" >"$work/options"
		offered $program "$command" -- >"$work/offered"
		ok "$program $command: each option is offered" covers "$work/options" "$work/offered"
		mapfile -t names <"$work/options"
		ok "$program $command: each is in the manual page" page_has "$(echo docs/man/$program.?)" "${names[@]}"
	done < <(commands $program)
done
for program in incrementald incrementalblk; do
	listed $program >"$work/options"
	offered $program -- >"$work/offered"
	ok "$program: there are options, and each is offered" eval '[ "$(wc -l <"$work/options")" -gt 15 ] && covers "$work/options" "$work/offered"'
	mapfile -t names <"$work/options"
	ok "$program: each is in the manual page" page_has docs/man/$program.8 "${names[@]}"
done
is "a part of a word narrows it down" "$(offered incrementalsetup unm)" unmonitor
is "values of an option, too" "$(offered mkimage create --fs e | tr '\n' ' ')" "erofs ext4 "
: >"$work/some.inc"
is "and files" "$(offered mkimage verify "$work/so")" "$work/some.inc"

echo "# zsh"
shown() {	# shown LINE: what zsh shows when the line is completed
	timeout 300 tests/static/zsh-complete "$1" >"$work/shown"
}
shows() {	# shows FILE: each of its words
	local word
	while read -r word; do
		grep -qE -e "(^|[ -])$word( |$)" "$work/shown" || { echo "$word is missing"; return 1; }
	done <"$1"
}
if command -v zsh >/dev/null; then
	commands incrementalsetup >"$work/commands"
	shown "incrementalsetup "
	ok "each command is offered" shows "$work/commands"
	for line in "incrementald" "mkimage create" "incrementalsetup open"; do
		# shellcheck disable=SC2086	# words
		listed $line >"$work/options"
		shown "$line --"
		ok "$line: each option is offered" shows "$work/options"
	done
	shown "incrementalsetup unm"
	like "a part of a word is completed" "$(<"$work/shown")" "incrementalsetup unmonitor"
	shown "mkimage create --fs e"
	like "values of an option are offered" "$(<"$work/shown")" "erofs +ext4"
else
	echo "ok $((++tests)) # SKIP there is no zsh"
fi
finish
