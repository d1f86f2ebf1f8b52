# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# TAP and a folder for files; and for the tests of mkimage, looking into images.

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mkimage=${MKIMAGE:-$top/build/mkimage}
work=$(mktemp -d "${TMPDIR:-/tmp}/mkimage-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
PATH=$PATH:/usr/sbin:/sbin
unset SOURCE_DATE_EPOCH
tests=0

# ok WHAT COMMAND...: COMMAND succeeds; what it printed is shown if not.
ok() {
	local what=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$work/.output" 2>&1; then
		echo "ok $tests - $what"
	else
		echo "not ok $tests - $what"
		head -40 "$work/.output" | sed 's/^/# /'
	fi
}

# is WHAT GOT WANTED
is() {
	tests=$((tests + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $tests - $1"
	else
		echo "not ok $tests - $1"
		printf '# got:    %s\n# wanted: %s\n' "$2" "$3"
	fi
}

# fails WHAT STATUS TEXT COMMAND...: COMMAND exits with STATUS and says TEXT
# (an extended regular expression) on stderr.
fails() {
	local what=$1 status=$2 text=$3 got
	shift 3
	tests=$((tests + 1))
	"$@" >"$work/.output" 2>"$work/.errors"
	got=$?
	if [ $got = "$status" ] && grep -Eq -- "$text" "$work/.errors"; then
		echo "ok $tests - $what"
	else
		echo "not ok $tests - $what"
		echo "# exit status $got, wanted $status; wanted: $text"
		head -20 "$work/.errors" | sed 's/^/# /'
	fi
}

finish() {
	echo "1..$tests"
}

# value IMAGE NAME: a value from "mkimage inspect", "map.pages" for example
value() {
	"$mkimage" inspect "$1" | sed -n "s/^$2  *//p"
}

# noise BYTES SEED: bytes that do not compress, the same every time
noise() {
	openssl enc -aes-128-ctr -nosalt -K "$(printf '%032x' "$2")" \
		-iv 00000000000000000000000000000000 </dev/zero 2>/dev/null |
		head -c "$1"
}

# raw FILE BLOCKS: a filesystem image of sorts: text, noise, zeros, copies
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

# flip FILE OFFSET [BIT]: the bit changes
flip() {
	python3 -c '
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    byte = f.read(1)[0]
    f.seek(int(sys.argv[2]))
    f.write(bytes([byte ^ 1 << int(sys.argv[3])]))' "$1" "$2" "${3:-0}"
}

# same_data FILE FILE: as cmp, but holes are not read
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

# locked FILE KIND COMMAND...: while another program has a shared or exclusive
# lock of FILE
locked() {
	local file=$1 kind=$2 status=0 locker word
	shift 2
	coproc locker { exec "$top/tests/lockfile.py" fcntl "$kind" "$file"; }
	read -r word <&"${locker[0]}" && [ "$word" = locked ] || return 99
	"$@" || status=$?
	eval "exec ${locker[1]}>&-"
	wait
	return $status
}
