# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Functions that make, change and inspect images, for tests on the host and in the
# VM.

# value IMAGE NAME: a value from "mkimage inspect", "map.pages" for example
value() {
	"${mkimage:-mkimage}" inspect "$1" | sed -n "s/^$2  *//p"
}

# noise BYTES SEED: bytes that do not compress, always the same for one SEED
noise() {
	openssl enc -aes-128-ctr -nosalt -K "$(printf '%032x' "$2")" \
		-iv 00000000000000000000000000000000 </dev/zero 2>/dev/null |
		head -c "$1"
}

# raw FILE BLOCKS: stands for a filesystem image: text, noise, zeros, copies
raw() {
	local blocks=$2
	{
		noise $((blocks * 4096 / 3)) "$blocks"
		seq 1 $((blocks * 600 + 9000))
	} | head -c $((blocks * 4096)) >"$1"
	if [ "$blocks" -ge 16 ]; then
		dd if=/dev/zero of="$1" bs=4096 seek=$((blocks / 2)) \
			count=$((blocks / 8)) conv=notrunc status=none
		dd if="$1" of="$1" bs=4096 seek=$((blocks - blocks / 8)) \
			count=$((blocks / 9)) conv=notrunc status=none
	fi
}

# flip FILE OFFSET [BIT]: invert that bit of the byte
flip() {
	python3 -c '
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    byte = f.read(1)[0]
    f.seek(int(sys.argv[2]))
    f.write(bytes([byte ^ 1 << int(sys.argv[3])]))' "$1" "$2" "${3:-0}"
}

# same_data FILE FILE: as cmp, but without reading holes
same_data() {
	python3 - "$@" <<'END'
import os, sys
files = [os.open(path, os.O_RDONLY) for path in sys.argv[1:]]
size, other = (os.fstat(file).st_size for file in files)
assert size == other, f"{size} bytes and {other}"
for file in files:
    at = end = 0
    while end < size:
        try:
            at = os.lseek(file, end, os.SEEK_DATA)
        except OSError:
            break
        end = os.lseek(file, at, os.SEEK_HOLE)
        for start in range(at, end, 1 << 20):
            length = min(1 << 20, end - start)
            pieces = [os.pread(f, length, start) for f in files]
            assert pieces[0] == pieces[1], f"they differ after byte {start}"
END
}

# make_image NAME BYTES: an image of about BYTES bytes of text and noise, NAME.inc,
# with the sums of its files in NAME.sums and its root hash in NAME.root
make_image() {
	mkdir -p "$1.src"
	seq 1 $(($2 / 7)) >"$1.src/text"
	noise $(($2 / 2)) 1 >"$1.src/noise"
	mkimage create --force "$1.src" "$1.inc" >"$1.made" 2>&1 || {
		cat "$1.made" >&2
		echo "Bail out! mkimage failed"
		exit 1
	}
	(cd "$1.src" && sha256sum -- *) >"$1.sums"
	sed -n 's/^root hash: *//p' "$1.made" >"$1.root"
}
