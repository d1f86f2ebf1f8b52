#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The file system that holds the local file is full in the middle of a fetch.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# full NAME MAKE_ROOM...: $local_dir has room for some of erofs.inc, not for all.
loop_options=
full() {
	local name=$1 present
	shift
	open_image erofs read_timeout 60000 || { result 'not ok' "$name: open"; return; }
	serve nohints log=log
	[ -z "$loop_options" ] || is "$name: it is" "$(losetup -n -O DIO "$LOOP" | tr -d ' ')" 1
	ok "$name: mounted" mounted "$DEV" "$work/mnt" -t erofs -o ro
	dmsetup message t 0 read_timeout 3000
	fails "$name: not everything can be read" - "" sha256sum mnt/big
	# Which of both is the loop driver's choice.
	like "$name: the loader is told" "$(grep ^E log | cut -d ' ' -f 1 | sort -u)" '^(ENOSPC|EIO)$'
	between "$name: some of it is present" "$(field present)" 100 $(($(field total) - 200))
	is "$name: no data are wrong" "$(field failures)" 0
	present=$(field present)
	"$tool" node "$NODE" walk >walk
	# Blocks whose chunks are present; the map was fetched for most.
	ok "$name: present data is the image's" check_present
	is "$name: chunks that did not fit have not become present" "$(field present)" "$present"

	dmsetup message t 0 read_timeout 60000
	# A read that waits goes on when there is room.
	reader waits 0 4096
	is "$name: the head of the file system can be read" "$(outcome waits)" 4096
	sh -c "cd mnt && exec sha256sum big" >sum 2>/dev/null &
	readers+=($!)
	within 5 some_wait
	refused=$(grep -c ^E log)
	within 20 refused_again
	"$@" >/dev/null || result 'not ok' "$name: making room"
	ok "$name: a read that waits ends" wait "${readers[-1]}"
	is "$name: it gets the file's bytes" "$(cut -d ' ' -f 1 sum)" \
		"$(sed -n 's, \./big$,,p' "$images/tree.sums" | tr -d ' ')"
	ok "$name: with room everything can be read" \
		sh -c "cd mnt && sha256sum -c --quiet '$images/tree.sums'"
	cat "$IMAGE" >"$NODE"
	ok "$name: and be complete" within 10 field_is state complete
	is "$name: no data were wrong" "$(field failures)" 0
	unmounted "$work/mnt"
	stop
	dmsetup remove t
	ok "$name: the file is the image" cmp "$LOCAL" "$IMAGE"
	detach
	rm -f log
}

refused_again() {	# the loader has had ENOSPC once more
	[ "$(grep -c ^E log)" -gt "$refused" ]
}

check_present() {
	local what from to
	while read -r what from to; do
		[ "$what" = data ] || continue
		while [ "$from" -lt "$to" ]; do
			length=$((to - from > 1048576 ? 1048576 : to - from))
			[ "$from" != 0 ] || length=4096
			echo "get $from $length $IMAGE"
			[ "$from" != 0 ] || length=$meta_offset
			from=$((from + length))
		done
	done <walk >calls
	! "$tool" node "$NODE" <calls | grep -vE '^(open|get: 0|same)$'
}
eval "$("$tool" layout "$images/erofs.inc")"

mkdir small
mount -t tmpfs -o size=2M none small && mounts+=("$work/small")
local_dir=$work/small
full "tmpfs" mount -o remount,size=16M small
umount small
mounts=()

# A file system of 8 MiB, most of it taken by another file.
truncate -s 8M /scratch/ext4
mke2fs -q -F -t ext4 -m 0 -O ^has_journal /scratch/ext4
mounted /scratch/ext4 "$work/small" -o loop
fallocate -l 5M small/filler
full "ext4" rm small/filler
unmounted "$work/small"

# The same without the page cache between.
mke2fs -q -F -t ext4 -m 0 -O ^has_journal /scratch/ext4
mounted /scratch/ext4 "$work/small" -o loop
fallocate -l 5M small/filler
loop_options=--direct-io=on
full "ext4, direct I/O" rm small/filler
unmounted "$work/small"
# The presence bitmap needs no room any more when the file system is full: blocks
# of 1 KiB, as the part of it that is zeros has some of its own then.
mke2fs -q -F -t ext4 -b 1024 -m 0 -O ^has_journal /scratch/ext4
mounted /scratch/ext4 "$work/small" -o loop
choose small
eval "$("$tool" layout "$IMAGE")"
LOCAL=$work/small/small.inc DEV=/dev/mapper/t
ok "bitmap: a local image is created" incrementalsetup create --origin "$IMAGE" "$LOCAL"
attach "$LOCAL"
table commit_interval 3600000
activate
is "bitmap: chunks arrive" "$("$tool" node "$NODE" write "$data_offset" 65536 "$IMAGE")" "write: 65536"
sync
fails "bitmap: the file system is full" - "" dd if=/dev/zero of=small/filler bs=1k
present=$(field present)
is "bitmap: arrived chunks are remembered" "$("$tool" node "$NODE" fsync)" "fsync: 0"
dmsetup remove t
activate
is "bitmap: when it is opened again, too" "$(field present)" "$present"
dmsetup remove t
detach
unmounted "$work/small"
rm /scratch/ext4
the_end
