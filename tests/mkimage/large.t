#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Large devices in little memory, and interruptions.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"

# scatter FILE SIZE COUNT: a sparse file of SIZE with COUNT pieces of data
scatter() {
	python3 -c '
import random, sys
name, size, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
r = random.Random(count)
with open(name, "wb") as f:
    f.truncate(size)
    for i in range(count):
        f.seek(r.randrange(size >> 12) << 12)
        f.write(r.randbytes(4096 * r.randrange(1, 5)))
    f.truncate(size)
' "$@"
}

# needs_less KIB WHAT COMMAND...: COMMAND succeeds with less memory than KIB
needs_less() {
	local limit=$1 what=$2
	shift 2
	ok "$what in under $((limit / 1024)) MiB" python3 -c '
import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print("status", status, "used", used, "KiB")
sys.exit(status or used >= int(sys.argv[1]))' "$limit" "$@"
}

scatter sparse $((20 << 30)) 400
needs_less 524288 "20 GiB sparse: create" "$mkimage" create --raw sparse image
needs_less 524288 "20 GiB sparse: verify" "$mkimage" verify image
needs_less 524288 "20 GiB sparse: extract" "$mkimage" extract image back
is "20 GiB sparse: size" "$(stat -c %s back)" $((20 << 30))

scatter huge $((256 << 30)) 300
needs_less 524288 "256 GiB: create" "$mkimage" create --raw --force huge image
ok "256 GiB: metadata costs what its data costs" \
	[ "$(value image segment.metadata.bytes)" -lt 6000000 ]
ok "256 GiB: verify" "$mkimage" verify image
ok "256 GiB: extract" "$mkimage" extract --force image back
ok "256 GiB: same bytes" same_data huge back

# An error behind a hole takes no more time than the hole.
truncate -s 8G hole
noise 2097152 5 | dd of=hole bs=1M seek=8190 conv=notrunc status=none
"$mkimage" create --raw --force --salt - hole image >/dev/null
map=$(($(value image segment.guarded.offset) + $(value image segment.guarded.bytes) - 4096))
flip image $((map + 7)) 7
# shellcheck disable=SC2016	# for the other shell
fails "8 GiB, a bad map page behind a hole: verify with 5 s of processor time" 1 \
	"map page \\(offset $map\\) does not match" \
	sh -c 'ulimit -t 5 && exec "$@"' - "$mkimage" verify image
rm hole

# Copies far and wide: every page of the map differs, and hardly any leads to
# an extent that was not there before.
python3 -c '
with open("copies", "wb") as f:
    for at in range(0, 20 << 30, 2 << 20):
        f.seek(at)
        f.write(b"%d" % ((at >> 21) % 199) * 1000)
    f.seek((12 << 30) + 40960)
    f.write(b"unique" * 600)
    f.truncate(20 << 30)'
for chunk in 4K 64K; do
	ok "20 GiB of copies, chunks of $chunk: create" \
		"$mkimage" create --raw --force --chunk $chunk copies image
	ok "20 GiB of copies, chunks of $chunk: the walk is short" \
		[ "$(value image segment.data.bytes)" -gt \
		$((${chunk%K} * 1024)) ]
	ok "20 GiB of copies, chunks of $chunk: verify" "$mkimage" verify image
done

# Half full, so that directories grow: every other 4 MiB has a block.
python3 -c '
with open("comb", "wb") as f:
    f.truncate(32 << 30)
    for at in range(0, 32 << 30, 4 << 20):
        f.seek(at)
        f.write(b"%d\n" % at)'
ok "a comb of 32 GiB: create" "$mkimage" create --raw --force comb image
ok "a comb of 32 GiB: verify" "$mkimage" verify image

# ^C
noise $((160 << 20)) 3 >busy
"$mkimage" create --raw --threads 1 --level 12 busy stopped >/dev/null 2>&1 &
pid=$!
for _ in $(seq 3000); do
	[ -n "$(find . -name '.stopped.*')" ] && break
	sleep 0.02
done
ok "while it works there is a temporary file" \
	[ -n "$(find . -name '.stopped.*')" ]
kill -TERM $pid
wait $pid
is "it dies of the signal" $? 143
is "nothing is left" "$(find . -name '*stopped*')" ""

finish
