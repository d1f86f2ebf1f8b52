# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# The damage matrix: some number of corrupt extents at a time, with a dictionary, without
# one, or with extents that refer to others, with a loader that works, one whose origin is
# down, a silent one, or none, and a power cut some time after the healing has begun. No
# good block is lost in any case, nor waits for a corrupt one; with a loader that works
# everything heals.
#
# The reads' timeout is an hour here: a read that waited for a corrupt block would hang.

DEV=/dev/mapper/t

# damaged_extents NUMBER: flip a bit in the middle of that many extents, far from each
# other. Sets BAD, the blocks that are corrupt by that, and GOOD, windows of others.
damaged_extents() {
	cp "$IMAGE" "$LOCAL"
	chmod u+w "$LOCAL"
	"$tool" map "$IMAGE" | awk -v n="$1" '
		$2 && !seen[$4]++ { at[count++] = int($4 + $5 / 2) }
		END { for (i = 0; i < n; i++) printf "%d\n", at[int(i * count / n)] }' >places
	is "$CELL: bits are flipped" "$(sort -u places | wc -l)" "$1"
	python3 -c 'import sys
with open(sys.argv[1], "r+b") as image:
    for line in sys.stdin:
        image.seek(int(line))
        byte = image.read(1)[0]
        image.seek(int(line))
        image.write(bytes([byte ^ 0x10]))' "$LOCAL" <places
	attach "$LOCAL"
	table read_timeout 3600000
	activate
	scan >bad
	dmsetup remove t
	between "$CELL: blocks are bad by that" "$(wc -l <bad)" "$1" 100000
	GOOD=$(awk -v last=$(($(stat -c %s "$RAW") / 4096)) '
		$1 > next_block { printf " %d %d", next_block, $1 - next_block }
		{ next_block = $1 + 1 }
		END { if (last > next_block) printf " %d %d", next_block, last - next_block }' bad)
}

scan() {	# print the blocks that cannot be read, with the error unless it is EIO
	"$tool" scan "$DEV" "$RAW" direct | awk '{
		split($2, range, "-")
		for (i = range[1]; i <= range[2]; i++) print i ($1 == "EIO" ? "" : " " $1) }'
}

start_loader() {	# start_loader KIND: working, down, silent or absent
	case $1 in
	silent) loader "$tool" hoard "$NODE" ;;
	down) loader incrementald --no-prefetch --retry 1000 --origin http://127.0.0.1:9/image.inc "$LOOP" ;;
	working) loader incrementald --origin "$IMAGE" "$LOOP" ;;
	esac
}

cut_at() {	# cut_at SECONDS...: copy the file after that many seconds
	local cut start=$EPOCHREALTIME
	for cut; do
		sleep "$(awk -v a="$start" -v b="$EPOCHREALTIME" -v c="$cut" 'BEGIN { d = a + c - b; print (d > 0 ? d : 0) }')"
		cp "$LOCAL" "cut.$cut"
	done
}

# After a cut as many blocks are corrupt as before, or fewer with a loader that works.
# Most copies of a cell equal one that was checked before: nothing was written
# meanwhile.
check_file() {	# check_file FILE KIND WHAT
	local none='' sum
	sum=$(sha256sum <"$1")
	if [ -n "${CHECKED[$sum]-}" ]; then
		note "$CELL: $3: the same file as ${CHECKED[$sum]}"
		return
	fi
	CHECKED[$sum]=$3
	attach "$1"
	table read_timeout 3600000
	activate
	is "$CELL: $3: all is present" "$(field state)" complete
	scan >now
	[ "$2" = working ] || none=$(comm -23 <(sort bad) <(sort now))
	is "$CELL: $3: no good block is lost" "$(comm -13 <(sort bad) <(sort now); echo "$none")" ""
	dmsetup remove t
	detach
}

# cell IMAGE NUMBER KIND CUT...: a cut is a number of seconds, or "commit"
cell() {
	local kind=$3 cut cutter='' readers_of_bad
	local -A CHECKED=()
	CELL="$2 bad, $1, loader $kind"
	choose "$1"
	LOCAL=$work/cell.inc
	damaged_extents "$2"
	shift 3
	activate
	start_loader "$kind"
	"$tool" each "$DEV" "$RAW" <bad >outcome 2>&1 &
	readers_of_bad=$!
	readers+=("$!")
	case $kind in
	silent | down) ok "$CELL: all reads of corrupt blocks wait" within 60 some_wait "$(wc -l <bad)" ;;
	esac
	if [ "$1" = commit ]; then
		ok "$CELL: commit" dmsetup message t 0 commit
		cp "$LOCAL" cut.commit
	else
		cut_at "$@" &
		cutter=$!
	fi
	# shellcheck disable=SC2086	# a list of windows
	is "$CELL: the others do not" "$("$tool" scan "$DEV" "$RAW" direct $GOOD | grep . | head -n 4)" ""
	case $kind in
	silent | down)
		ok "$CELL: those wait still" some_wait "$(wc -l <bad)"
		is "$CELL: every chunk is present" "$(field state)" complete
		[ -z "$cutter" ] || wait "$cutter"
		eval "$("$tool" layout "$IMAGE")"
		"$tool" node "$NODE" unavailable "$meta_offset" $((image_size - meta_offset)) >/dev/null
		;;
	esac
	within 120 test -s outcome || note "reads hang"
	wait $readers_of_bad
	is "$CELL: the results of these reads" "$(cat outcome)" \
		"$([ "$kind" = working ] && echo right || echo EIO) $(wc -l <bad)"
	[ -z "$cutter" ] || wait "$cutter"
	[ "$kind" = absent ] || stop
	dmsetup remove t
	detach
	check_file "$LOCAL" "$kind" "in the end"
	[ "$kind" != working ] || ok "$CELL: the file is the image again" cmp "$LOCAL" "$IMAGE"
	for cut; do
		check_file "cut.$cut" "$kind" "power cut at $cut"
		rm "cut.$cut"
	done
}
