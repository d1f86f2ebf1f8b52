#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Promises to packagers and newcomers: the caller's flags reach the compiler and the
# linker, -Werror comes with WERROR=1 only, make help and docs/README.md are complete,
# and make uninstall removes the files of make install.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/static/lib.sh

# Make would hand down its own flags and variables.
unset MAKEFLAGS MFLAGS MAKELEVEL WERROR CFLAGS CPPFLAGS LDFLAGS SANITIZE DESTDIR prefix

targets=(tools unit-tests test-programs)

commands() {	# commands [VARIABLE=VALUE...]: the commands that make would run, a line each
	make -n -B "$@" "${targets[@]}" | sed ':a; /\\$/ { N; s/\\\n//; ta }'
}

compiled() { grep -E '^[^ ]*cc .* -c |^[^ ]*cc .* -shared ' "$1"; }
linked() { grep -E '^[^ ]*cc ' "$1" | grep -vE ' -c '; }

# each KIND FILE WORD...: there are some of these commands, and all have the WORDs.
each() {
	local kind=$1 file=$2 word
	shift 2
	"$kind" "$file" >"$work/kind" || { echo "there is no such command"; return 1; }
	for word; do
		grep -vF -e " $word " "$work/kind" && return 1
	done
	return 0
}

none() {	# none FILE WORD: there are commands, and none has the WORD
	[ -s "$1" ] && ! grep -F -e "$2" "$1"
}

commands CPPFLAGS=-DCALLER CFLAGS=-O1 LDFLAGS=-Wl,-z,now >"$work/flags"
ok "each compilation has the caller's CPPFLAGS and CFLAGS" each compiled "$work/flags" -DCALLER -O1
ok "each link has the caller's CFLAGS and LDFLAGS" each linked "$work/flags" -O1 -Wl,-z,now
ok "no -O2 is left beside them" none "$work/flags" ' -O2 '
CPPFLAGS=-DCALLER CFLAGS=-O1 LDFLAGS=-Wl,-z,now commands >"$work/environment"
ok "the environment does the same" cmp "$work/flags" "$work/environment"

commands >"$work/plain"
commands WERROR=1 >"$work/werror"
ok "no -Werror by itself" none "$work/plain" -Werror
ok "-Werror with WERROR=1" each compiled "$work/werror" -Werror
# "make" is run even by make -n.
make -n -B module-6.1 MAKE="echo kbuild" >"$work/module-plain"
make -n -B module-6.1 MAKE="echo kbuild" WERROR=1 >"$work/module-werror"
kbuild() { grep '^kbuild ' "$1"; }
ok "and the module's build is told" each kbuild "$work/module-werror" WERROR=1
ok "but not otherwise" each kbuild "$work/module-plain" WERROR=

ok "pkg-config is asked for the libraries" each compiled "$work/plain" "$(pkg-config --cflags-only-I json-c | xargs)"
commands PKG_CONFIG="echo -lasked" >"$work/asked"
ok "and nothing else knows them" each linked <(grep -v -e ' -static ' "$work/asked") -lasked

help_is_whole() {
	local target
	make help >"$work/help" || return
	for target in $(sed -n 's/^\.PHONY: //p' Makefile tests/fuzz/fuzz.mk <(sed ':a; /\\$/ { N; s/\\\n//; ta }' Makefile)); do
		case $target in
		# Targets that only other targets need.
		\\ | all | module-* | fuzz-images | fuzz-targets) continue ;;
		esac
		grep -qE "^make $target( |$)" "$work/help" || { echo "make $target is not in make help"; return 1; }
	done
}
ok "make help names each target" help_is_whole

index_is_whole() {
	local path
	git ls-files docs | while read -r path; do
		[ "$path" = docs/README.md ] || grep -qF "(${path#docs/})" docs/README.md ||
			grep -qF "($(dirname "${path#docs/}")/)" docs/README.md || echo "$path is not in docs/README.md"
	done | tee "$work/missing"
	! [ -s "$work/missing" ]
}
ok "docs/README.md names each document" index_is_whole

links_lead_somewhere() {
	local file link
	git ls-files '*.md' | while read -r file; do
		grep -oE '\]\([^)#: ]+[)#]' "$file" | sed 's/^](//; s/.$//' | while read -r link; do
			[ -e "$(dirname "$file")/$link" ] || echo "$file: $link is not there"
		done
	done | tee "$work/broken"
	! [ -s "$work/broken" ]
}
ok "links in documents lead to files" links_lead_somewhere

maintained_paths_exist() {
	local path
	for path in $(sed -n 's/^F:\t//p' MAINTAINERS); do
		[ -e "$path" ] || { echo "MAINTAINERS: $path is not there"; return 1; }
	done
	sed -n 's/^C:\tmake //p' MAINTAINERS | tr ' ' '\n' | grep -v = | while read -r path; do
		make help | grep -q "^make $path " || { echo "MAINTAINERS: there is no make $path"; return 1; }
	done
}
ok "MAINTAINERS names paths and checks that there are" maintained_paths_exist

version=$(sed -n 's/^VERSION.*:= //p' Makefile)
one_version() {
	[ -n "$version" ] && grep -q "^## $version" NEWS.md || return
	local tool
	for tool in mkimage incrementald incrementalsetup incrementalblk; do
		"build/$tool" --version | grep -F " $version" || { echo "build/$tool: not $version"; return 1; }
	done
	! grep -F ".TH" docs/man/* | grep -F "$version" && head -n 1 debian/changelog | grep -F "($version)"
}
ok "the Makefile's version is the tools', NEWS.md's and the packages', and no page has its own" one_version

install_and_uninstall() {
	make -s install DESTDIR="$work/root" prefix=/usr || return
	local file
	for file in bin/mkimage sbin/incrementald share/man/man8/incrementalsetup.8 include/linux/dm-incremental.h lib/libincremental.a; do
		[ -s "$work/root/usr/$file" ] || { echo "$file is not installed"; return 1; }
	done
	make -s uninstall DESTDIR="$work/root" prefix=/usr || return
	! find "$work/root" ! -type d | grep .
}
ok "make uninstall removes the files of make install" install_and_uninstall

# As in a package: u-boot-tools has a mkimage.
one_name() {
	local root=$work/incimage
	make -s install DESTDIR="$root" prefix=/usr image_tool=incimage plugindir=/usr/lib/plugins || return
	! find "$root" -name '*mkimage*' | grep . && ! grep -rnw mkimage "$root/usr/share/man" || return
	"$root/usr/bin/incimage" create --help | grep '^Usage: incimage create ' || return
	{ "$root/usr/bin/incimage" 2>&1 || :; } | grep 'see "incimage --help"' || return
	[ -s "$root/usr/lib/libdevmapper-event-incremental.so" ] || return
	make -s uninstall DESTDIR="$root" prefix=/usr image_tool=incimage plugindir=/usr/lib/plugins || return
	! find "$root" ! -type d | grep .
}
ok "with image_tool=incimage nothing is called mkimage, and messages and pages have that name" one_name
finish
