#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Images of real Debian packages, as apt fetches them: each has the files that tar
# unpacks. Among them are setuid and setgid programs, hard links and many links.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP tar keeps owners for root only"; exit 0; }

mapfile -t packages < <(grep -v "^#" "$top/tests/lib/packages")
mkdir fetched
(cd fetched && "$top/scripts/apt-fetch" "${packages[@]}") ||
	{ echo "Bail out! the packages cannot be fetched"; exit 1; }
ok "all are there" test "$(find fetched -name '*.deb' | wc -l)" = ${#packages[@]}
umask 022
for package in "${packages[@]}"; do
	deb=$(echo fetched/"$package"_*.deb)
	rm -rf unpacked
	mkdir unpacked
	# dpkg-deb -x leaves new times to directories with links that lead out of them.
	dpkg-deb --fsys-tarfile "$deb" | tar -xp --delay-directory-restore -C unpacked
	ok "$package: create" "$mkimage" create --force --level 2 "$deb" image
	"$mkimage" extract --force image raw >/dev/null
	python3 "$top/tests/mkimage/tree.py" unpacked >wanted
	python3 "$top/tests/mkimage/tree.py" --erofs raw >found
	ok "$package: every path as tar unpacks it" diff wanted found
done
finish
