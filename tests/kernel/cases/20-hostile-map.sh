#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Map entries that pass every check by themselves, but do not fit each other.
# The map is not authenticated, so an origin can serve such an image.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

head -c 512k /dev/urandom >raw
mkimage create --raw --cluster 4K raw base.inc >/dev/null

# hostile NAME ENTRY...: base.inc as NAME.inc; an entry is
# block:offset of the extent in the data:length:cluster shift:codec
hostile() {
	PYTHONPATH=$top/tests/lib python3 - "$@" <<-'END'
	import head, struct, sys
	d = bytearray(open("base.inc", "rb").read())
	data, = struct.unpack_from("<Q", d, 160)
	map_dir, = struct.unpack_from("<I", d, 176)
	page, = struct.unpack_from("<Q", d, map_dir + 8)
	d[86] = 6
	for entry in sys.argv[2:]:
	    block, offset, length, shift, codec = map(int, entry.split(":"))
	    struct.pack_into("<Q", d, page * 4096 + 8 * block, data + offset |
	                     length - 1 << 40 | shift << 58 | codec << 61)
	head.seal(d)
	open(sys.argv[1] + ".inc", "wb").write(d)
	END
}

# attack NAME BLOCK...: these blocks of NAME.inc fail, the rest reads right.
attack() {
	local name=$1 block
	shift
	IMAGE=$work/$name.inc
	attach "$IMAGE" || return
	table
	ok "$name: open" activate || return
	# All of it at once, so that the entries meet in one read.
	fails "$name: a large read fails" - "" dd if=/dev/mapper/t of=/dev/null bs=512k count=1 iflag=direct
	for block; do
		fails "$name: block $block is refused" - "" dd if=/dev/mapper/t of=/dev/null \
			bs=4096 skip="$block" count=1 iflag=direct
	done
	ok "$name: a block before reads right" cmp -n 4096 /dev/mapper/t raw
	ok "$name: a block behind reads right" cmp -n 4096 -i 507904 /dev/mapper/t raw
	between "$name: failures are counted" "$(field failures)" 1 1000
	dmsetup remove t
	detach
}

# A block that claims to be the last of a cluster of 64, and whose extent is
# that of the block before it, of 4096 bytes.
hostile overrun 63:253952:4096:6:2
attack overrun 63

# The same, the other way round; and a stored cluster of 64 that starts at the
# last extent, so that it reaches past the end of the image.
hostile kinds 62:253952:4096:6:2 63:253952:4096:6:1
attack kinds 62 63

# One extent, taken for LZ4 in clusters of every size, at every place in them.
entries=()
for block in $(seq 32 63); do
	entries+=("$block:131072:4096:$((block % 7)):2")
done
hostile mixed "${entries[@]}"
attack mixed 32 33 63

# Into the metadata, before the data.
hostile places "40:-4096:4096:0:1"
attack places 40
the_end
