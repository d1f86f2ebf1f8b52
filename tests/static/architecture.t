#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The tree keeps to the order of docs/architecture.md, and the check finds an arrow
# against it: one is planted in a copy.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit

check=$PWD/tests/static/architecture
. tests/static/lib.sh

# Of the programs, some objects are made for this alone: make dmeventd's plugin
# is one call of the compiler.
build() {
	"$check" --list | sed 's,^,build/obj/,; s/\.c$/.o/' | xargs make -s -j2 &&
		make -s -j2 module-6.1 module-6.12
}

ok "there is an object of every source" build
for kernel in 6.1 6.12; do
	ok "no include and no call leads upwards, in the module for $kernel" "$check" --kernel $kernel
done

# Of an object, as nm prints them: global symbols that would be another's as well
# if the module were built in. Its tracepoints have the kernel's names for such,
# and the kernel's build adds some of its own.
foreign_names() {
	nm -g --defined-only "$1" | awk 'NF == 3 { print $3 }' |
		grep -vE -e '^(__[a-z]+_)?dm_inc_|^__.*_incremental_' \
			-e '^(__pfx_)?(init|cleanup)_module$|^__this_module$|^__(start|stop)_'
}
no_foreign_names() {
	! foreign_names "$1"
}

ok "the module's global symbols begin with dm_inc_" \
	no_foreign_names build/kernel-6.12/dm-incremental.ko
echo 'int inc_planted;' | cc -x c -c -o "$work/planted.o" -
ok "one that does not would be found" foreign_names "$work/planted.o"

# plant NAME: a copy of the tree in $copy, of links; write() makes a file of its
# own of one.
plant() {
	copy=$work/$1
	mkdir -p "$copy/build"
	cp -rs "$PWD"/{Makefile,bench,docs,dm-incremental,examples,mkimage,tests,userspace} "$copy"
	cp -rs "$PWD"/build/{obj,kernel-6.12} "$copy/build"
}

write() {
	cp --remove-destination "$PWD/$1" "$copy/$1"
}

# include FILE LINE: plant it.
include() {
	write "$1"
	echo "$2" >>"$copy/$1"
}

# call FILE SYMBOL: the object of FILE calls it, too.
call() {
	local object=build/obj/${1%.c}.o

	case $1 in
	dm-incremental/*) object=build/kernel-6.12/$(basename "${1%.c}").o ;;
	esac
	echo "void $2(void); void planted(void); void planted(void) { $2(); }" |
		gcc -x c -c -o "$work/planted.o" - &&
		ld -r -o "$work/both.o" "$object" "$work/planted.o" &&
		cp --remove-destination "$work/both.o" "$copy/$object"
}

# found WHAT PATTERN: the check of the copy fails for one reason, PATTERN.
found() {
	ok "it finds $1" one_reason "$2"
	rm -rf "$copy"
}

one_reason() {
	"$check" --root "$copy" >"$work/reasons"
	[ $? = 1 ] && cat "$work/reasons" && [ "$(wc -l <"$work/reasons")" = 1 ] &&
		grep -qE -- "$1" "$work/reasons"
}

plant include
include userspace/common/parse.c '#include "origin/origin.h"'
found "an include that leads upwards" \
	'^userspace/common/parse.c -> userspace/origin/origin.h: .*common is below origin'

plant call
call userspace/common/parse.c origin_open
found "a call that leads upwards" \
	'^userspace/common/parse.c -> userspace/origin/.*: calls origin_open, .*common is below origin'

plant module-include
include dm-incremental/backing.c '#include "read.h"'
found "an include of the module that leads upwards" \
	'^dm-incremental/backing.c -> dm-incremental/read.h: .*backing is below read'

plant module-call
call dm-incremental/backing.c dm_inc_read_start
found "a call of the module that leads upwards" \
	'^dm-incremental/backing.c -> dm-incremental/read.c: calls dm_inc_read_start, .*backing is below read'

plant level
include userspace/loader/main.c '#include "../dmsetup-plugin/setup.h"'
found "an include that stays on a level" 'loader and dmsetup-plugin are on one level'

plant tests
include mkimage/main.c '#include "kernel/tools/tool.h"'
found "a use of the tests" 'mkimage is below tests'

plant private
include mkimage/main.c '#include "../dm-incremental/batch.h"'
found "a use of what a directory does not offer" 'dm-incremental does not offer batch'

plant new
mkdir "$copy/userspace/new"
touch "$copy/userspace/new/new.h"
found "a unit that has no place in the order" 'userspace/new is not in the line of userspace'

plant gone
write docs/architecture.md
sed -i 's/^userspace: /&gone, /' "$copy/docs/architecture.md"
found "a unit that is gone" 'names userspace/gone, which is not there'

plant unbuilt
rm "$copy/build/obj/mkimage/main.o"
found "that an object is missing" 'mkimage/main.c: build/obj/mkimage/main.o is not built'

plant order
write docs/architecture.md
sed -i '/^```order/,/^```/d' "$copy/docs/architecture.md"
found "that there is no order" 'has no order'

finish
