#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Checks of the code without running it: checkpatch and sparse on the
# module, shellcheck on every script, groff on the manual pages, and the
# licences.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit

. tests/static/lib.sh

# format.h spells out shifts to show bit widths, to userspace as well, and a trace
# event's layout is not that of a function call. One of the kernel's functions for
# LZ4 has a capital in its name.
ignore=BIT_MACRO,PREFER_KERNEL_TYPES,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT
ignore+=,LONG_LINE,LONG_LINE_STRING,REPEATED_WORD,FILE_PATH_CHANGES,CAMELCASE

style() {
	local status=0
	scripts/checkpatch --no-tree --strict --terse --quiet -f \
		--ignore "$ignore" "$@" || status=$?
	rm -f .checkpatch-camelcase.*	# a cache that it leaves in the current directory
	return $status
}

sparse_clean() {
	local release
	release=$(scripts/kernel-release "$1") || return 1
	cp -rs "$PWD/dm-incremental/." "$work/sparse-$1"
	make -C "/lib/modules/$release/build" M="$work/sparse-$1" C=2 \
		modules >"$work/sparse.log" 2>&1 || { cat "$work/sparse.log"; return 1; }
	! grep -E "^$work.*(warning|error):" "$work/sparse.log"
}

shell_scripts() {
	git ls-files | while read -r file; do
		head -c 40 "$file" | head -1 | grep -aqE '^#!/bin/(ba)?sh' &&
			echo "$file"
	done
}

# bash unsets NAME_PID when the coprocess NAME has ended, so a script copies it at once.
waits_for_coprocess() {
	git grep -nE '\bwait "?\$\{?[A-Za-z_]+_PID\b' -- tests bench demo scripts
}

manual_pages() {
	local page
	for page in docs/man/*.[1-8]; do
		man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null
	done | tee "$work/man"
	! [ -s "$work/man" ]
}

sources=(dm-incremental/*.[ch] dm-incremental/include/uapi/linux/*.h)
ok "checkpatch finds nothing in the module" style "${sources[@]}"
for kernel in 6.1 6.12; do
	ok "sparse finds nothing in the module for $kernel" sparse_clean $kernel
done
mapfile -t scripts < <(shell_scripts)
ok "there are scripts to check" [ ${#scripts[@]} -gt 5 ]
ok "shellcheck finds nothing" shellcheck -x -S warning "${scripts[@]}"
is "no script waits for a coprocess by the variable that bash unsets" "$(waits_for_coprocess)" ""
ok "the manual pages format without a warning" manual_pages
ok "each file names the licence of its directory" tests/static/licences files
ok "LICENSES/ has the texts of these licences, and no others" tests/static/licences texts
ok "no tool has GPL-2.0-only parts, the library only its own" tests/static/licences programs
finish
