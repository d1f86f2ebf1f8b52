#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian packages: built twice they have the same bytes, lintian finds nothing, and
# in a Debian 12 apt installs them beside u-boot-tools, DKMS builds the module, the
# tools run, and a purge leaves nothing. Nothing is booted.

set -uo pipefail
cd "$(dirname "$0")/.." || exit
work=$(mktemp -d /tmp/dm-incremental-packages.XXXXXX)
root=$work/root
cleanup() {
	cd /
	leave_debian
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
# shellcheck source=tests/packages/lib.sh
. tests/packages/lib.sh

scripts/install-deps build deb packages || exit
git rev-parse -q --verify HEAD >/dev/null || {
	echo "1..0 # SKIP packages are built of a git repository"
	exit
}

ok "make-deb builds them, and lintian finds nothing" scripts/make-deb --output "$work/one" || { finish; exit; }
ok "a second time" scripts/make-deb --no-lintian --output "$work/two"
same_bytes() {
	local file n=0
	for file in "$work"/one/*.{deb,dsc,tar.xz}; do
		cmp "$file" "$work/two/${file##*/}" || return
		n=$((n + 1))
	done
	[ $n -ge 6 ]
}
ok "has the same bytes" same_bytes
rm -rf "$work/two"

contents() {	# contents PACKAGE: its files
	dpkg -c "$work/one/$1"_*.deb | awk '{ print $6 }' | sed 's/^\.//'
}
has_files() {	# has_files PACKAGE FILE...: "*" matches anything
	local file files
	files=$(contents "$1")
	for file in "${@:2}"; do
		# shellcheck disable=SC2053	# a pattern
		while read -r line; do [[ $line != $file ]] || continue 2; done <<<"$files"
		echo "$1 has no $file"
		return 1
	done
}
ok "tools, helpers of mount, plug-in and manual pages are where they belong" has_files dm-incremental \
	/usr/bin/incimage /usr/sbin/incrementalblk /usr/sbin/incrementald /usr/sbin/incrementalsetup /usr/sbin/mount.incremental \
	/usr/sbin/umount.incremental '/usr/lib/*/device-mapper/libdevmapper-event-incremental.so' \
	'/usr/lib/*-gnu/libdevmapper-event-incremental.so' /usr/share/man/man1/incimage.1.gz \
	/lib/systemd/system/incremental{,d}@.service /lib/systemd/system-generators/incremental-generator \
	/lib/udev/rules.d/58-dm-incremental.rules /usr/share/man/man5/incrementaltab.5.gz \
	/usr/share/man/man8/{incremental-generator,incrementalblk,incrementald,incrementalsetup,mount.incremental,umount.incremental}.8.gz
ok "no file is called mkimage" eval '! contents dm-incremental | grep -w mkimage'
ok "the module's source is DKMS's" has_files dm-incremental-dkms '/usr/src/dm-incremental-*/dkms.conf' \
	'/usr/src/dm-incremental-*/Kbuild' '/usr/src/dm-incremental-*/include/uapi/linux/dm-incremental.h' \
	/usr/share/doc/dm-incremental-dkms/README.Debian
ok "nbdkit's plugin is where nbdkit looks" has_files nbdkit-plugin-incremental \
	'/usr/lib/*-gnu/nbdkit/plugins/nbdkit-incremental-plugin.so' /usr/share/man/man1/nbdkit-incremental-plugin.1.gz
ok "the library is where it belongs" has_files libincremental0 '/usr/lib/*-gnu/libincremental.so.0'
ok "and what programs are compiled with" has_files libincremental-dev /usr/include/incremental.h \
	'/usr/lib/*-gnu/libincremental.so' '/usr/lib/*-gnu/libincremental.a' '/usr/lib/*-gnu/pkgconfig/incremental.pc' \
	'/usr/share/doc/libincremental-dev/examples/info.c*'
mapfile -t documents < <(git ls-files 'docs/*.md' 'docs/*.rst' | sed 's,.*/,/usr/share/doc/dm-incremental*/,; s/$/*/')
ok "each document is in the package of documents" has_files dm-incremental-doc "${documents[@]}"

[ "$(id -u)" = 0 ] || {
	echo "ok $((++tests)) # SKIP installing them takes root"
	finish
	exit
}

echo "# in a Debian 12"
enter_debian "$work/one" dkms linux-headers-amd64 ca-certificates u-boot-tools dmeventd || {
	echo "Bail out! there is no Debian to install them in"
	exit 1
}
files() {	# files outside of what apt, dpkg and DKMS keep for themselves
	(cd "$root" && find . -xdev -path ./proc -prune -o -path ./dev -prune -o -path ./var/cache -prune -o \
		-path ./var/lib/apt -prune -o -path ./var/lib/dpkg -prune -o -path ./var/log -prune -o \
		-path ./tmp -prune -o -print | sort)
}
release=$(basename "$(find "$root/lib/modules" -mindepth 1 -maxdepth 1 | sort -V | tail -n 1)")
ok "apt reads the repository" inside apt-get -q -q update
files >"$work/before"
ok "apt installs them" inside apt-get -q -y install --no-install-recommends dm-incremental dm-incremental-dkms dm-incremental-doc \
	libincremental0 libincremental-dev nbdkit-plugin-incremental
like "DKMS has built the module" "$(inside dkms status dm-incremental)" "$release, .*: installed"
module=$(find "$root/lib/modules" -name 'dm-incremental.ko*')
like "which is one of this version for the kernel" \
	"$(modinfo -F vermagic "$module")" "^$release "
u_boot=$(readlink -f "$root/usr/bin/mkimage")
like "u-boot-tools has its mkimage" "$(inside dpkg -S "${u_boot#"$root"}")" u-boot-tools
like "the programs run" "$(inside incimage --version; inside incrementalsetup --version; inside incrementald --version)" \
	"incimage .*incrementalsetup .*incrementald "
ok "dmeventd's plug-in is found by its name" inside perl -e '
	require DynaLoader; DynaLoader::dl_load_file("libdevmapper-event-incremental.so") or die DynaLoader::dl_error()'
like "nbdkit knows its plugin" "$(inside nbdkit incremental --dump-plugin)" "name=incremental"
ok "an image is made" inside incimage create /usr/share/perl5 /tmp/a.inc
ok "and a local one of it" inside incrementalsetup create --origin /tmp/a.inc /tmp/b.inc
ok "they are purged" inside apt-get -q -y purge dm-incremental dm-incremental-dkms dm-incremental-doc \
	libincremental0 libincremental-dev nbdkit-plugin-incremental
ok "DKMS knows the module no more" eval '[ -z "$(inside dkms status dm-incremental)" ]'
ok "what apt installed for them goes" inside apt-get -q -y autoremove --purge
# DKMS keeps its key and its directory, and depmod what it writes.
files | grep -vxF -f "$work/before" |
	grep -vE '^\./(lib|usr/lib)/modules/[^/]*/(modules\.|updates)|^\./var/lib/dkms/mok\.' >"$work/left"
is "nothing of them is left" "$(cat "$work/left")" ""
finish
