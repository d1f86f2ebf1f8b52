#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Suspend, resume, reload, remove and rmmod while reads wait for absent data:
# none of them waits for a loader.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# quick NAME COMMAND...: COMMAND succeeds, well before any read's timeout.
quick() {
	local name=$1
	shift
	ok "$name" timeout $((20 * SLOW)) "$@"
}

# Readers c, d wait: a single block, and a large read.
two_wait() {
	reader c $((900 * 4096)) 4096
	reader d $((512 * 4096)) 262144 buffered
	within 10 some_wait 2
}

fresh() {	# a device with nothing present, and two reads that wait
	open_image small read_timeout 60000
	two_wait || result 'not ok' "two reads wait"
}

# Without noflush waiting reads must fail: dm cannot hold them.
fresh
quick "suspend" dmsetup suspend t
is "the read has failed" "$(outcome c)" EIO
ok "where it was readahead, the reader has come again" within 10 blocked "${readers[-1]}"
is "nothing waits" "$(field waiting) $(field wanted)" "0 0"
reader c 0 4096
ok "a read of a suspended device" within 10 blocked "${readers[-1]}"
ok "is held back" test ! -s c
serve
ok "loaders may go on filling" sh -c "dd if='$IMAGE' of='$NODE' bs=64k count=2 status=none"
quick "resume" dmsetup resume t
# The reader may have come again before dm held reads back: that one had to fail.
like "the held reads get their blocks" "$(outcome c) $(outcome d)" '^4096 (262144|EIO)$'
ok "everything reads right" "$tool" compare "$DEV" "$RAW" direct 65536
stop
close_image

# With noflush waiting reads are pushed back, and go on after the resume.
fresh
quick "suspend with noflush" dmsetup suspend --noflush t
ok "the reads are held back" within 10 blocked "${readers[@]: -2}"
ok "and have not failed" sh -c '! [ -s c ] && ! [ -s d ]'
is "nothing waits" "$(field waiting) $(field wanted)" "0 0"
quick "resume" dmsetup resume t
ok "the reads wait again" within 10 some_wait 2
serve
is "they get their blocks once a loader is there" "$(outcome c) $(outcome d)" "4096 262144"
stop
close_image

fresh
loader "$tool" hoard "$NODE"
for i in 1 2 3 4 5; do
	dmsetup suspend --noflush t && dmsetup resume t || break
done
is "five times, with a loader that holds the requests" $i 5
ok "the reads wait" within 10 some_wait 2
stop
serve
is "and get their blocks" "$(outcome c) $(outcome d)" "4096 262144"
stop
close_image

# Reload.
fresh
present=$(field present)
ok "the same table is loaded while the old one lives" dmsetup reload --readonly t --table "$TABLE"
quick "resume with noflush exchanges the tables" dmsetup resume --noflush t
ok "the node is there" test -c "$NODE"
is "present chunks stay present" "$(field present)" "$present"
ok "the reads wait on the new table" within 10 some_wait 2
serve
is "and get their blocks" "$(outcome c) $(outcome d)" "4096 262144"
ok "everything reads right" "$tool" compare "$DEV" "$RAW" direct 65536
stop
close_image

fresh
serve limit=1
table read_timeout 1000
dmsetup reload --readonly t --table "$TABLE"
quick "resume without noflush exchanges the tables" dmsetup resume t
is "the reads have failed" "$(outcome c) $(outcome d)" "EIO EIO"
reader c 0 4096
is "the new table's timeout holds" "$(outcome c)" ETIMEDOUT
between "at its time" "$(duration c)" 900 $((15000 * SLOW))
dmsetup message t 0 read_timeout 60000
dmsetup reload --readonly t --table "$TABLE"
ok "a loaded table can be taken back" dmsetup clear t
serve
ok "everything reads right" "$tool" compare "$DEV" "$RAW" direct 65536
stop
close_image

fresh
dmsetup reload --readonly t --table "0 8192 error"
quick "another target takes the device's place" dmsetup resume t
is "the reads have failed" "$(outcome c) $(outcome d)" "EIO EIO"
ok "the node is gone" no_node
dmsetup reload --readonly t --table "$TABLE"
quick "and gives it back" dmsetup resume t
ok "the node is there" test -c "$NODE"
serve
ok "everything reads right" "$tool" compare "$DEV" "$RAW" direct 65536
stop
close_image

# Remove.
fresh
fails "a device that is in use is not removed" - "" dmsetup remove t
fails "the module is not unloaded" - "" rmmod dm_incremental
ok "the reads still wait" some_wait 2
quick "deferred remove" dmsetup remove --deferred t
serve
is "the reads get their blocks" "$(outcome c) $(outcome d)" "4096 262144"
ok "then the device goes" within 10 sh -c "! dmsetup info t"
stop
detach

fresh
timeout $((20 * SLOW)) dmsetup remove --force --retry t >/dev/null 2>&1
is "remove --force makes the reads fail" "$(outcome c) $(outcome d)" "EIO EIO"
ok "and the device goes" within 10 sh -c "dmsetup remove t; ! dmsetup info t"
ok "with its node" within 10 no_node
detach

# A mounted file system, suspended as a volume manager does.
open_image erofs
serve
mounted "$DEV" "$work/mnt" -t erofs -o ro
sh -c "cd mnt && sha256sum -c --quiet '$images/tree.sums'" >sums 2>&1 &
sums=$!
readers+=("$sums")
for i in 1 2 3 4 5 6; do
	dmsetup suspend --noflush t && dmsetup resume t || break
done
is "six times suspended with noflush while all is read" $i 6
ok "every file is right" wait $sums
stop
unmounted "$work/mnt"
close_image

# The loop device is detached meanwhile: it stays until its user goes.
open_image small read_timeout 60000
two_wait
losetup -d "$LOOP"
serve
is "a detached loop device lives on" "$(outcome c) $(outcome d)" "4096 262144"
stop
ok "until the device goes" dmsetup remove t
ok "and then is free" within 10 not_attached "$LOOP"
the_end
