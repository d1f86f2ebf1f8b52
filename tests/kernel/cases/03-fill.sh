#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every documented result of calls on a store's node.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

open_image small || exit 1
eval "$("$tool" layout "$IMAGE")"
at=$data_offset
end=$image_size
present0=$(field present)

# expect NAME RESULT COMMAND...: one call on the node.
expect() {
	is "$1" "$("$tool" node "$NODE" "${@:3}" 2>&1)" "$2"
}

# A fresh store.
expect "walk: only the head is there" "data 0 $meta_offset
hole $meta_offset $end" walk
expect "info" "image_size=$end
present=$meta_offset
chunk_size=4096
generation=0
hash=sha256
root=$root
salt=$salt" info
expect "poll: nothing to read" "poll: OUT" poll 0
expect "read without blocking: EAGAIN" "read: EAGAIN" nonblock , read 64
expect "read into a short buffer: EINVAL" "read: EINVAL" read 63
expect "read into no buffer: EINVAL" "read: EINVAL" read 0

# Fills.
expect "fill at an unaligned offset: EINVAL" "write: EINVAL" write $((at + 512)) 4096 "$IMAGE"
expect "fill of less than a chunk: EINVAL" "write: EINVAL" write "$at" 4095 "$IMAGE"
expect "fill at the end: EFBIG" "write: EFBIG" write "$end" 4096
expect "fill past the end: EFBIG" "write: EFBIG" write $((end + 4096)) 4096
expect "fill far past the end: EFBIG" "write: EFBIG" write $((1 << 50)) 4096
expect "fill of 0 bytes: 0" "write: 0" write "$at" 0
is "none of this filled anything" "$(field present)" "$present0"
expect "fill of whole chunks and a rest: the rest is left" "write: 8192" write "$at" 8300 "$IMAGE"
is "two chunks have become present" "$(field present)" $((present0 + 2))
is "and were counted" "$(field filled)" 2
expect "fill that reaches past the end: bytes past it are left" "write: 4096" \
	write $((end - 4096)) 12288 "$IMAGE"
is "one more chunk is present" "$(field present)" $((present0 + 3))
expect "fill of present chunks: accepted" "write: 8192" write "$at" 8192
is "and ignored" "$(field present) $(field filled)" "$((present0 + 3)) 3"
expect "the first fill wins" "get: 0
same" get "$at" 8192 "$IMAGE"
cp "$IMAGE" mixed
chmod u+w mixed
dd if=/dev/urandom of=mixed bs=4096 seek=$((at / 4096)) count=2 conv=notrunc status=none
expect "fill over present and absent chunks: all of it accepted" "write: 16384" \
	write $((at - 4096)) 16384 mixed
is "the absent ones are filled" "$(field present) $(field filled)" "$((present0 + 5)) 5"
expect "the present ones are unchanged" "get: 0
same" get $((at - 4096)) 16384 "$IMAGE"
expect "fill into the head: accepted" "write: $head_size" write 0 "$head_size"
expect "fill into the presence bitmap: accepted" "write: 4096" write "$bitmap_offset" 4096
expect "fill from the head on: all of it accepted" "write: $((meta_offset + 4096))" \
	write 0 $((meta_offset + 4096)) "$IMAGE"
is "the head was not written, the chunks after it were" "$(field present) $(field filled)" \
	"$((present0 + 6)) 6"
dmsetup message t 0 commit
ok "the head is unchanged in the file" cmp -n "$head_size" "$LOCAL" "$IMAGE"

# The present and the absent ranges.
expect "walk: data and holes" "data 0 $((meta_offset + 4096))
hole $((meta_offset + 4096)) $((at - 4096))
data $((at - 4096)) $((at + 12288))
hole $((at + 12288)) $((end - 4096))
data $((end - 4096)) $end" walk
expect "SEEK_DATA in data" "seek: $((at + 100))" seek data $((at + 100))
expect "SEEK_DATA in a hole" "seek: $((end - 4096))" seek data $((at + 12288))
expect "SEEK_HOLE in a hole" "seek: $((at + 12289))" seek hole $((at + 12289))
expect "SEEK_HOLE in data" "seek: $((at + 12288))" seek hole "$at"
expect "SEEK_HOLE in the last data: the end" "seek: $end" seek hole $((end - 1))
expect "SEEK_DATA at the end: ENXIO" "seek: ENXIO" seek data "$end"
expect "SEEK_HOLE at the end: ENXIO" "seek: ENXIO" seek hole "$end"
expect "SEEK_END" "seek: $end" seek end 0
expect "SEEK_SET and SEEK_CUR" "seek: 8192
seek: 8292" seek set 8192 , seek cur 100

# ioctls.
expect "reading present chunks" "get: 0
same" get 0 "$head_size" "$IMAGE"
expect "reading absent chunks: ENODATA" "get: ENODATA" get $((at + 8192)) 8192 "$IMAGE"
expect "reading at an unaligned offset: EINVAL" "get: EINVAL" get 512 4096 "$IMAGE"
expect "reading an unaligned length: EINVAL" "get: EINVAL" get 0 512 "$IMAGE"
expect "reading nothing: EINVAL" "get: EINVAL" get 0 0 "$IMAGE"
expect "reading too much: EINVAL" "get: EINVAL" get 0 $(((1 << 20) + 4096)) "$IMAGE"
expect "reading past the end: EINVAL" "get: EINVAL" get $((end - 4096)) 8192 "$IMAGE"
for range in "100 4096" "4096 100" "4096 0" "$end 4096" "$((end - 4096)) 8192" "18446744073709547520 8192"; do
	# shellcheck disable=SC2086	# two words
	expect "unavailable $range: EINVAL" "unavailable: EINVAL" unavailable $range
done
expect "unavailable, with no read waiting" "unavailable: 0" unavailable 0 "$end"
expect "an unknown ioctl: ENOTTY" "ioctl: ENOTTY" ioctl 0
expect "fsync" "fsync: 0" fsync

# With a read that waits.
reader a 0 4096
ok "a read waits" within 10 some_wait
is "the status line has it" "$(field waiting) $(field wanted | sed 's/^[1-9]$/some/')" "1 some"
expect "poll: something to read" "poll: IN OUT" poll 0
like "a request is whole chunks, demand, not seen before" "$("$tool" node "$NODE" nonblock , read 1000)" \
	'^read: (64|128|192)'$'\n''[0-9]+ (4096|8192) id=[0-9]+'$'\n'
expect "write through the file position, as cat does" "stream: $end" stream "$IMAGE" 102400
is "the read has got its block" "$(outcome a)" 4096
is "every chunk is present" "$(field state) $(field present)" "complete $(field total)"
is "every chunk was filled once" "$(field filled)" $(($(field total) - present0))
ok "the device reads right" "$tool" compare "$DEV" "$RAW" direct
ok "the file is the image" cmp "$LOCAL" "$IMAGE"
expect "walk: no hole" "data 0 $end" walk
close_image

# A store that goes while a loader has it open.
open_image size129
coproc NODE_CALLS { exec "$tool" node "$NODE"; }
loaders+=("$NODE_CALLS_PID")
read -r -u "${NODE_CALLS[0]}" line
is "a loader has the node open" "$line $(field loaders)" "open 1"
call() {	# call COMMAND...: on that file
	echo "$*" >&"${NODE_CALLS[1]}"
	read -r -t 20 -u "${NODE_CALLS[0]}" line || line=hangs
	echo "$line"
}
echo "read 64" >&"${NODE_CALLS[1]}"
in_read() {	# in read(2) of the node
	local call fd rest
	read -r call fd rest <"/proc/$NODE_CALLS_PID/syscall"
	[ "$call" = 0 ] && [ "/proc/$NODE_CALLS_PID/fd/$((fd))" -ef "$NODE" ]
}
ok "it waits for a request" within 10 in_read
ok "the device goes while a loader has the node open" dmsetup remove t
read -r -t 20 -u "${NODE_CALLS[0]}" line
is "a blocked read ends with ENODEV" "$line" "read: ENODEV"
ok "the node is gone" no_node
is "read: ENODEV" "$(call read 64)" "read: ENODEV"
is "write: ENODEV" "$(call write 4096 4096)" "write: ENODEV"
is "write of 0 bytes: ENODEV" "$(call write 0 0)" "write: ENODEV"
is "seek: ENODEV" "$(call seek end 0)" "seek: ENODEV"
is "seek for holes: ENODEV" "$(call seek hole 0)" "seek: ENODEV"
is "fsync: ENODEV" "$(call fsync)" "fsync: ENODEV"
is "unavailable: ENODEV" "$(call unavailable 0 4096)" "unavailable: ENODEV"
is "get: ENODEV" "$(call get 0 4096 "$IMAGE")" "get: ENODEV"
is "info: ENODEV" "$(call info)" "info: ENODEV"
like "poll: POLLHUP" "$(call poll 0)" '^poll:.* HUP$'
ok "the backing device is free" detach
attach "$LOCAL"
ok "the image can be opened anew meanwhile" activate
is "the old file is still dead" "$(call read 64)" "read: ENODEV"
serve
ok "a new loader serves it" "$tool" compare "$DEV" "$RAW" direct
fails "the module stays while the old file is open" - "" rmmod dm_incremental
eval "exec ${NODE_CALLS[1]}>&-"
stop
close_image

# Chunks larger than 4096 bytes.
open_image chunk64K
eval "$("$tool" layout "$IMAGE")"
is "the chunk size is the image's" "$chunk_size" 65536
expect "a fill must start at a multiple of it" "write: EINVAL" write $((meta_offset + 4096)) 65536 "$IMAGE"
expect "and be of that size" "write: EINVAL" write "$meta_offset" 61440 "$IMAGE"
expect "bytes past whole chunks are left" "write: 65536" write "$meta_offset" 126976 "$IMAGE"
expect "a page of it can be read" "get: 0
same" get $((meta_offset + 4096)) 8192 "$IMAGE"
expect "not of the next" "get: ENODATA" get $((meta_offset + 65536)) 4096 "$IMAGE"
close_image

# 64 MiB in one write.
open_image large
eval "$("$tool" layout "$IMAGE")"
present0=$(field present)
expect "64 MiB in one write" "write: 67108864" write "$meta_offset" 67108864 "$IMAGE"
is "make that many chunks present" "$(field present)" $((present0 + 16384))
serve log=log
ok "reading 60 MiB of them" "$tool" compare "$DEV" "$RAW" direct 262144 0 $((60 << 20))
ok "asks for nothing" test ! -s log
the_end
