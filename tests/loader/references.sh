# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Part of the guest: a device that has a part of the old version goes on to a new one, whose
# extents refer to the old. What is fetched, and in how many ranges.

echo "# a new version that refers to the old one"
mkdir -p old.src new.src
noise 3000000 21 >old.src/file
noise 100000 22 >old.src/kept
# The old contents, all of them shifted.
{ echo moved; cat old.src/file; } >new.src/file
mkimage create --force old.src old.inc >/dev/null 2>&1
mkimage extend --force --output new.layer old.inc new.src >/dev/null 2>&1
old_size=$(stat -c %s old.inc) layer_size=$(stat -c %s new.layer)
below "the layer is little beside its references" "$layer_size" 500000

# asked: set $ranges to how many nginx has been asked for since the last time, and $old and $new to
# the bytes of those in the old segment and in the layer
asked() {
	read -r ranges old new < <(awk -v from="$seen" -v border="$old_size" '
		NR > from && match($0, /bytes=[0-9]+-[0-9]+/) {
			split(substr($0, RSTART + 6, RLENGTH - 6), ends, "-")
			n++
			if (ends[1] < border) old += ends[2] + 1 - ends[1]
			else new += ends[2] + 1 - ends[1]
		}
		END { print n + 0, old + 0, new + 0 }' web.access)
	seen=$(wc -l <web.access)
	note "$1: $ranges ranges, $old bytes of the old version and $new of the layer"
}

# updated: device app, which has about 15 % of the old file, is taken to the new version
updated() {
	umount -q mnt
	incrementalsetup close app 2>/dev/null
	rm -f $local
	cp old.inc app-of-web.inc
	incrementalsetup create --origin "$web/app-of-web.inc" $local >/dev/null &&
		incrementalsetup open --no-prefetch --read-timeout 300000 \
			--origin "$web/app-of-web.inc" $local app &&
		mount -o ro /dev/mapper/app mnt &&
		dd if=mnt/file of=/dev/null bs=450000 count=1 2>/dev/null || return
	cat new.layer >>app-of-web.inc
	seen=$(wc -l <web.access)
	timeout 300 incrementalsetup update --origin "$web/app-of-web.inc" app
}

read_new() {	# read_new BYTES SKIP COUNT: blocks of the new version, so many bytes at a time
	timeout 300 dd if=mnt/file bs="$1" iflag=direct,skip_bytes,count_bytes skip=$(($2 * 4096)) \
		count=$(($3 * 4096)) 2>/dev/null |
		cmp - <(dd if=new.src/file bs=4096 skip="$2" count="$3" 2>/dev/null)
}

# Direct reads, so that the kernel does not read ahead. It is all noise: a block takes two.
ok "it is updated" updated
asked "the update"
below "for that hardly anything is fetched but the layer's metadata" "$old" 100000
ok "what it has is enough for the blocks that refer to it" read_new 65536 10 80
asked "what refers to what is there"
is "of the old version nothing is fetched for these" "$old" 0
ok "blocks further on, one by one" read_new 4096 400 128
asked "128 blocks"
below "what they refer to comes in windows, not one by one" "$ranges" 60
below "and not all of the old version" "$old" $((old_size * 2 / 3))
ok "the rest" timeout 300 cmp mnt/file new.src/file
ok "the loader fetches what is left" timeout 300 incrementald --exit-when-complete \
	--origin "$web/app-of-web.inc" app
ok "the local image is the origin's" cmp $local app-of-web.inc
umount mnt
incrementalsetup close app
