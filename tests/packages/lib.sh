# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# A Debian in a directory, into which apt installs our packages: for the tests of the
# packages. Sourced with $root, a directory to be made.

# enter_debian PACKAGES-DIR PACKAGE...: make $root, with PACKAGEs in it; its apt takes
# ours from PACKAGES-DIR, and what they depend on from the machine's sources.
enter_debian() {
	local packages=$1
	shift
	tests/packages/root "$root" "$@" || return
	mkdir "$root/srv/packages"
	cp "$packages"/*.deb "$root/srv/packages" &&
		(cd "$root/srv/packages" && dpkg-scanpackages . >Packages 2>/dev/null) || return
	echo "deb [trusted=yes] file:/srv/packages ./" >"$root/etc/apt/sources.list.d/local.list"
	cp /etc/resolv.conf "$root/etc/" 2>/dev/null
	# No service is started.
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev"
}

inside() {	# inside COMMAND...: run it there
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		chroot "$root" "$@"
}

leave_debian() {
	umount -q "$root/proc" "$root/dev"
	rm -f "$root/usr/sbin/policy-rc.d"
}
