#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A crash: committed chunks are present, the rest is fetched again; and no bit is
# ever written before its chunk is durable.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

modprobe -a dm-flakey dm-log-writes

# on_flakey [OPTION VALUE]...: device t on device base, whose writes can be lost.
on_flakey() {
	choose small
	LOCAL=$work/small.inc
	DEV=/dev/mapper/t
	"$tool" sparse "$IMAGE" "$LOCAL"
	attach "$LOCAL"
	sectors=$(blockdev --getsz "$LOOP")
	dmsetup create base --table "0 $sectors flakey $LOOP 0 3600 0" || return
	NODE=/dev/incremental/dm-$(dmsetup info -c --noheadings -o minor base)
	TABLE=$("$tool" table "$IMAGE" /dev/mapper/base)
	[ $# -eq 0 ] || TABLE="$TABLE $# $*"
	activate
}

# From now on writes are lost; then the device goes, and comes back without them.
crash() {
	dmsetup reload base --table "0 $sectors flakey $LOOP 0 0 3600 1 drop_writes" &&
		dmsetup suspend --noflush base && dmsetup resume base || return
	dmsetup remove t && dmsetup remove base || return
	table read_timeout 60000
	activate
}

# committed CHUNKS: the bits of the first CHUNKS chunks are set in the file's bitmap.
committed() {
	[ "$(od -An -tu1 -j $((bitmap_offset + ($1 - 1) / 8)) -N 1 "$LOCAL")" -ne 0 ]
}

eval "$("$tool" layout "$images/small.inc")"
head_chunks=$((meta_offset / chunk_size)) half=$((image_size / 8192 * 4096))

on_flakey commit_interval 3600000 || exit 1
dd if="$IMAGE" of="$NODE" bs=4096 count=$((half / 4096)) status=none
present=$(field present)
is "half of the image is present" "$present" $((half / chunk_size))
"$tool" node "$NODE" fsync >/dev/null
"$tool" node "$NODE" write "$half" 65536 "$IMAGE" >/dev/null
is "and some more, not committed" "$(field present)" $((present + 16))
ok "crash" crash
is "chunks committed by fsync are present" "$(field present)" "$present"
NODE=/dev/incremental/${LOOP##*/}
serve
ok "all reads right: the rest is fetched again" "$tool" compare "$DEV" "$RAW" direct
stop
close_image

on_flakey commit_interval 3600000
dd if="$IMAGE" of="$NODE" bs=4096 count=$((half / 4096)) status=none
ok "crash" crash
is "nothing is present that was not committed" "$(field present)" "$head_chunks"
close_image

on_flakey commit_interval 3600000
dd if="$IMAGE" of="$NODE" bs=4096 count=$((half / 4096)) status=none
dmsetup message t 0 commit
ok "crash" crash
is "message commit commits" "$(field present)" "$present"
close_image

on_flakey commit_interval 300
dd if="$IMAGE" of="$NODE" bs=4096 count=$((half / 4096)) status=none
ok "it is committed after a while" within 20 committed $((half / chunk_size))
ok "crash" crash
is "commit_interval commits by itself" "$(field present)" "$present"
close_image

on_flakey commit_interval 3600000
dd if="$IMAGE" of="$NODE" bs=4096 count=$((half / 4096)) status=none
dmsetup suspend t && dmsetup resume t
ok "crash" crash
is "suspend commits" "$(field present)" "$present"
close_image

on_flakey commit_interval 3600000
cat "$IMAGE" >"$NODE"
within 10 field_is state complete
ok "it is committed after a while" within 20 cmp -s "$LOCAL" "$IMAGE"
ok "crash" crash
is "completion commits" "$(field state)" complete
close_image

# Errors of the device below.
on_flakey commit_interval 3600000 read_timeout 60000
serve log=log
ok "the first blocks are there" "$tool" compare "$DEV" "$RAW" direct 65536 0 65536
dmsetup reload base --table "0 $sectors flakey $LOOP 0 0 3600 1 error_writes"
dmsetup suspend --noflush base && dmsetup resume base
dmsetup message t 0 read_timeout 1500
reader a $((700 * 4096)) 4096
is "writes fail below: a read of absent data times out" "$(outcome a)" ETIMEDOUT
ok "the loader is told" grep -q '^EIO' log
ok "present data can be read" "$tool" compare "$DEV" "$RAW" direct 65536 0 65536
mark
is "fsync is told" "$("$tool" node "$NODE" fsync)" "fsync: EIO"
dmsetup reload base --table "0 $sectors flakey $LOOP 0 0 3600 0"
dmsetup suspend --noflush base && dmsetup resume base
mark
reader a 0 4096
is "reads fail below: the reader gets the error" "$(outcome a)" EIO
is "it is not counted as damage" "$(field failures)" 0
dmsetup reload base --table "0 $sectors linear $LOOP 0"
dmsetup suspend --noflush base && dmsetup resume base
dmsetup message t 0 read_timeout 60000
is "they work again: fsync" "$("$tool" node "$NODE" fsync)" "fsync: 0"
ok "everything can be read" "$tool" compare "$DEV" "$RAW" direct 65536
stop
dmsetup remove t
dmsetup remove base
detach

# The order of writes and flushes at the device below.
choose small
LOCAL=$work/small.inc
"$tool" sparse "$IMAGE" "$LOCAL"
truncate -s 24M writes.log
attach "$PWD/writes.log"
log_loop=$LOOP
attach "$LOCAL"
sectors=$(blockdev --getsz "$LOOP")
dmsetup create base --table "0 $sectors log-writes $LOOP $log_loop"
NODE=/dev/incremental/dm-$(dmsetup info -c --noheadings -o minor base)
TABLE="$("$tool" table "$IMAGE" /dev/mapper/base) 2 commit_interval 100"
activate
serve delay=1
"$tool" random "$DEV" "$RAW" 4 60 3
for i in 1 2 3 4 5; do
	"$tool" node "$NODE" fsync >/dev/null
	"$tool" random "$DEV" "$RAW" 4 20 "$i"
done
"$tool" node "$NODE" fsync >/dev/null
present=$(field present)
dmsetup message base 0 mark synced
stop
cat "$IMAGE" >"$NODE"
within 10 field_is state complete
dmsetup remove t
dmsetup message base 0 mark complete
dmsetup remove base
is "every bit was written after its chunk was flushed; nothing is left to flush" \
	"$("$tool" logcheck "$log_loop" "$IMAGE")" "synced: $present present
complete: $((image_size / chunk_size)) present"
the_end
