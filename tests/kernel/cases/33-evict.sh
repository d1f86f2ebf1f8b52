#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# incrementalsetup evict gives back the space of data that is not needed, and keeps the
# rest.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

choose grow
LOCAL=$work/grow.inc
cp "$IMAGE" "$LOCAL"
chmod u+w "$LOCAL"
attach "$LOCAL"
mapfile -t segments <"$images/grow.segments"

generation() {	# generation N: device gN
	local table
	read -r _ _ _ table <<<"${segments[$1]}"
	activate "g$1" "${table/LOOP/$LOOP} 2 read_timeout ${2:-300}"
}
compare() {
	"$tool" compare "/dev/mapper/g$1" "$images/grow.$1.raw" direct
}
space() {
	stat -c %b "$LOCAL"
}
# Files of this case may take a few blocks meanwhile.
df_has_more() {	# df_has_more BEFORE BYTES
	[ $(($(available) - $1)) -ge $(($2 - 16384)) ]
}
available() {
	sync
	df --output=avail --block-size=1 "$LOCAL" | tail -n 1
}
evict() {	# evict NAME OPTION...: evict, and print the number of bytes
	incrementalsetup evict --force --json "${@:2}" "$1" | sed -n 's/.*"evicted_bytes": *//p' | tr -d ,
}

generation 10
is "it is complete" "$(field state g10)" complete
total=$(field total g10)

# Refusals.
refuses() {	# refuses WHAT WHY OPTION...
	fails "refused: $1" - "" incrementalsetup evict --force "${@:3}" g10
	like "with the reason" "$(cat .errors)" "$2"
}
refuses "a generation that is open" "generation 10 open" --generation 10
refuses "one that is not there" "no generation 11: its last one is 10" --generation 11
refuses "two kinds at once" "exclude each other" --generation 1 --all-cold
refuses "a range without an end" "must be OFFSET:LENGTH, not \"4096:\"" --range 4096:
fails "refused: without a loader" - "" incrementalsetup evict g10
like "with the reason" "$(cat .errors)" "g10 has no loader to bring back .*--force"
is "nothing was evicted" "$(field present g10)" "$total"

# One generation; with another one open that shares most of it.
generation 3
before=$(space)
got=$(evict g10 --generation 0)
between "generation 0 has data of its own" "$got" 4096 200000
is "they are absent now" "$(field present g10)" $((total - got / 4096))
is "and their space is back" $(((before - $(space)) * 512)) "$got"
ok "all of generation 3 is there" compare 3
ok "all of generation 10 is there" compare 10
is "again it finds nothing" "$(evict g10 --generation 0)" 0
generation 0
fails "generation 0 is not" - "" compare 0
dmsetup remove g0
dmsetup remove g3

# All data that is not needed.
before=$(space)
free=$(available)
got=$(evict g10)
between "there is more of it" "$got" 32768 1048576
is "its space is back" $(((before - $(space)) * 512)) "$got"
ok "df shows it" within 10 df_has_more "$free" "$got"
forget "$work"
ok "all of generation 10 is there" compare 10
dmsetup remove g10
generation 10
ok "also after the device is made anew" compare 10
generation 0
fails "not of generation 0, without a loader" - "" compare 0
dmsetup message g0 0 read_timeout 60000
serve
ok "with a loader it is" compare 0
stop
dmsetup remove g0

# A range, needed or not; and data that was not read.
present=$(field present g10)
got=$(evict g10 --range 100:1T)
is "a range reaches to the end" "$(field present g10)" $((present - got / 4096))
fails "needed data is absent, too" - "" compare 10
refuses "to know without the map" "its map is not all present"
ok "heads and bitmaps stay" dmsetup remove g10
generation 10 60000
serve
ok "all comes back" compare 10
stop
ok "the rest, too" cp "$IMAGE" "$NODE"
is "it is complete" "$(field state g10)" complete
is "at first reads are only noted" "$(evict g10 --all-cold)" 0
ok "all is read" compare 10
evict g10 --all-cold >/dev/null
present=$(field present g10)
between "unread data is absent" "$present" 10 $((total - 10))
ok "data that was read is present" compare 10
is "nor data that was read since" "$(evict g10 --all-cold)" 0
between "the others are" "$(evict g10 --all-cold)" 500000 $((total * 4096))

dmsetup remove g10
detach
attach "$LOCAL" --read-only
generation 10
refuses "a read-only file" "Read-only file system" --range 0:1T
the_end
