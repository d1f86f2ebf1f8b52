#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reads fetch the chunks that they need, and no others; the hints of readahead; the
# tracepoints.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

present_chunks() {
	"$tool" node "$NODE" walk | awk -v c="$chunk_size" -v m="$meta_offset" '
		$1 == "data" { for (i = $2 / c; i < $3 / c; i++) if (i >= m / c) print i }'
}

# Each way to read a single block fetches just that block's chunks.
for image in small chunk16K; do
	for mode in direct buffered mmap mmap+readahead; do
		open_image $image absent_readahead hint || exit 1
		eval "$("$tool" layout "$IMAGE")"
		serve nohints
		wrong=
		wanted=()
		for block in 3 700 42 43 900 511 512 300; do
			wanted+=("$block")
			"$tool" dread "$DEV" $((block * 4096)) 4096 $mode | grep -q '^4096 ' || wrong="$wrong $block"
		done
		is "$image, $mode: single blocks can be read" "$wrong" ""
		# Readahead may bring the map of its window, but never data.
		data_chunk=0
		[ $mode != mmap+readahead ] || data_chunk=$((data_offset / chunk_size))
		is "$image, $mode: and fetch nothing but their chunks" \
			"$(present_chunks | awk -v d=$data_chunk '$1 >= d' | tr '\n' ' ')" \
			"$("$tool" need "$IMAGE" "${wanted[@]}" | sort -nu | awk -v d=$data_chunk '$1 >= d' | tr '\n' ' ')"
		stop
		close_image
	done
done

# A file read at random through a file system with its own readahead.
open_image erofs absent_readahead hint
serve nohints
mounted "$DEV" "$work/mnt" -t erofs -o ro
present0=$(field present)
"$tool" dread mnt/big $((1000 * 4096)) 4096 mmap+readahead >/dev/null
"$tool" dread mnt/big $((30 * 4096)) 4096 mmap+readahead >/dev/null
between "two pages of a mapped file fetch little" $(($(field present) - present0)) 1 24
unmounted "$work/mnt"
stop
close_image

# While it is to fail, each fault reads what it touches, though all is present.
pages() {	# of a file, in the page cache, after one of them was touched
	echo 3 >/proc/sys/vm/drop_caches
	"$tool" dread mnt/big $((1000 * 4096)) 4096 mmap+readahead | grep -q '^4096 ' || return
	fincore --noheadings --output PAGES mnt/big | tr -d ' '
}
no_readahead=$((0xE706))	# DM_INCREMENTAL_IOC_NO_READAHEAD
open_image erofs absent_readahead hint
cat "$IMAGE" >"$NODE"
mounted "$DEV" "$work/mnt" -t erofs -o ro
between "the kernel reads ahead of a fault" "$(pages)" 8 1000
coproc NODE_CALLS { exec "$tool" node "$NODE"; }
# bash forgets it when the process has ended.
node_calls=$NODE_CALLS_PID
echo "ioctl $no_readahead" >&"${NODE_CALLS[1]}"
read -r _ <&"${NODE_CALLS[0]}"
read -r result <&"${NODE_CALLS[0]}"
is "readahead can be made to fail" "$result" "ioctl: 0"
between "then a fault reads its page, and others of its folio" "$(pages)" 1 4
ok "the device reads right" "$tool" compare "$DEV" "$RAW" mmap+readahead
calls=${NODE_CALLS[1]}
exec {calls}>&-
wait "$node_calls"
between "the kernel reads ahead again when that file is closed" "$(pages)" 8 1000
unmounted "$work/mnt"
close_image
open_image small
is "not where a table does not allow it" "$("$tool" node "$NODE" ioctl $no_readahead)" "ioctl: EOPNOTSUPP"
close_image

# Sequential reading of absent data: readahead leaves hints of whole windows.
open_image small absent_readahead hint
serve log=log
ok "a cold sequential read is right" cmp "$DEV" "$RAW"
demand=$(grep -vc hint log)
hints=$(grep -c hint log)
chunks=$(awk '{ n += $2 / 4096 } END { print n }' log)
note "$demand demand requests, $hints hints, for $chunks chunks"
between "its requests are large" $((chunks / demand)) 3 100000
between "readahead leaves hints" "$hints" 1 100000
stop
close_image
open_image small absent_readahead hint
serve nohints log=log2
ok "it is right if hints are not heeded" cmp "$DEV" "$RAW"
ok "and mapped" "$tool" compare "$DEV" "$RAW" mmap+readahead
stop
close_image
open_image small
serve nohints log=log3
ok "by default readahead waits for absent data" cmp "$DEV" "$RAW"
is "and leaves no hints" "$(grep -c hint log3)" 0
between "and takes fewer round trips" "$(wc -l <log3)" 1 "$(grep -vc hint log2)"
stop
close_image

# Hints that no loader takes are bounded.
open_image large read_timeout 1 absent_readahead hint
"$tool" node "$NODE" stream "$IMAGE" 1048576 >/dev/null &
filler=$!
readers+=("$filler")
for ((i = 0; i < 40; i++)); do
	dd if="$DEV" of=/dev/null bs=4096 skip=$((i * 400)) count=2 2>/dev/null
done
wait $filler
ok "reads beside a stream of fills leave nothing waiting" within 10 field_is waiting 0
ok "the device reads right in the end" "$tool" compare "$DEV" "$RAW" direct 1048576 0 8388608
close_image

# Tracepoints.
tracing=/sys/kernel/tracing
open_image small read_timeout 20000
echo >$tracing/trace
ok "tracepoints can be enabled" sh -c "echo 1 >$tracing/events/incremental/enable"
serve
"$tool" dread "$DEV" 0 4096 direct >/dev/null
eval "$("$tool" layout "$IMAGE")"
read -r block offset < <("$tool" map "$IMAGE" | awk '$2 == 2 { print $1, $4; exit }')
stop
numbers=$(stat -c '%Hr:%Lr' "$LOOP")
cat $tracing/trace >trace
ok "miss" grep -qE "incremental_miss: $numbers block=0\+1 offset=[0-9]+ length=[0-9]+ ranges=[0-9]+$" trace
ok "fill" grep -qE "incremental_fill: $numbers offset=[0-9]+ length=4096$" trace
fails "no hash failure yet" - "" grep -q incremental_hash_failure trace
cat "$IMAGE" >"$NODE"
within 10 field_is state complete
dmsetup remove t
"$tool" flip "$LOCAL" "$offset"
activate
is "the corrupt block fails" "$("$tool" dread "$DEV" $((block * 4096)) 4096 direct | cut -d ' ' -f 1)" EIO
ok "hash failure" grep -qE "incremental_hash_failure: $numbers data block=$block offset=$offset$" $tracing/trace
echo 0 >$tracing/events/incremental/enable
echo >$tracing/trace
the_end
