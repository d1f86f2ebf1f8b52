# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Part of the guest: one reader with many reads in flight, and others. The order of
# the requests at the origin is checked, not times.

[ -n "${liar-}" ] || lie_server

# metadata_there: make all metadata present, so that each read asks for data only
metadata_there() {
	eval "$("$bin/tests/loadertool" layout app.inc)"
	"$bin/tests/loadertool" node /dev/incremental/* \
		write "$meta_offset" $((data_offset - meta_offset)) app.inc >/dev/null
}

# asked_first NUMBER FROM: the NUMBER requests after the first FROM
asked_first() {
	tail -n +$(($2 + 1)) asked | head -n "$1"
}

# wants_block BLOCK: one of the requests on stdin is for the block's bytes
wants_block() {
	local chunk
	chunk=$("$bin/tests/loadertool" need app.inc "$1" | tail -n 1)
	awk -v at=$((chunk * chunk_size)) '$1 <= at && at <= $2 { found = 1 } END { exit !found }'
}

asked() {	# asked NUMBER: the origin has had that many requests, or more
	[ "$(wc -l <asked)" -ge "$1" ]
}

# apart BLOCK: read_block in a process that does not share its turns with $deep
mkfifo go
apart() {
	while :; do
		(read -r _ <go; exec dd if=/dev/mapper/app of=/dev/null bs=4096 skip="$1" count=1 iflag=direct 2>/dev/null) &
		[ $(($! % 256)) = $((deep % 256)) ] || break
		kill $!
	done
	reader=$!
	echo >go
}

echo "# a reader with 256 reads in flight, and another one"
fresh
metadata_there
: >asked
loader --no-prefetch --no-hints --jobs 2 --origin "$liar/gate/app.inc"
fio --name=deep --thread --filename=/dev/mapper/app --readonly --direct=1 --ioengine=libaio --iodepth=256 \
	--rw=randread --bs=4k --size=2m --io_size=2m --output=fio.log &
deep=$!
all_wait() {
	waits 256 && asked 2
}
ok "256 reads of one process wait" within 30 all_wait
apart 700
ok "another process waits for a block" within 20 waits 257
before=$(wc -l <asked)
: >opened
ok "it gets it" wait $reader
ok "as one of the first that the origin is asked for" wants_block 700 < <(asked_first 6 "$before")
ok "the first one gets its ranges" wait $deep
rm opened go
stop
