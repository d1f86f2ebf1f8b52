# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Part of the guest: what is fetched of a large image until its filesystem is mounted and listed. The
# device is an erofs, and behind it a block in each 512 KiB of 2 GiB, so that no page of its map or tree
# is another's equal: 4 MiB and 16 MiB.

echo "# a large image, of which little is read"
mkdir -p opening.src
head -c 2000000 /dev/urandom >opening.src/file
mkfs.erofs opening.raw opening.src >/dev/null 2>&1
python3 - opening.raw <<-'EOF'
	import os, sys
	with open(sys.argv[1], "r+b") as file:
	    for at in range(4 << 20, 2 << 30, 512 << 10):
	        file.seek(at)
	        file.write(os.urandom(64).ljust(4096, b"."))
	    file.truncate(2 << 30)
EOF
ok "an image is made" mkimage create --force --raw --no-check opening.raw opening.inc
rm opening.raw

fetched() {	# KiB that nginx has sent
	awk -F '" ' '{ split($2, field, " "); sum += field[1] } END { print int(sum / 1024) }' web.access
}
fresh_image opening.inc
: >web.access
rm -f "$local"
incrementalsetup create --origin "$web/opening.inc" "$local" >/dev/null
below "KiB for its head" "$(fetched)" 25
ok "it is opened" incrementalsetup open --no-prefetch --origin "$web/opening.inc" "$local" app
ok "mounted" mount -t erofs -o ro /dev/mapper/app mnt
is "and listed" "$(ls mnt)" file
# Nothing is on its way any more when the loader is gone.
umount mnt
incrementalsetup close app
ok "closed" within 20 gone
below "KiB for all of that" "$(fetched)" 128
incrementalsetup open --no-prefetch --origin "$web/opening.inc" "$local" app
mount -t erofs -o ro /dev/mapper/app mnt
ok "a file reads right" cmp mnt/file opening.src/file
umount mnt
incrementalsetup close app
ok "closed again" within 20 gone
# 2,000 KiB are the file's.
ok "then more of the map and the tree was fetched" test "$(fetched)" -gt 2600
rm opening.inc
