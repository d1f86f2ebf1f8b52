#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A directory that names a page of the hash tree, good at its own place, for another
# place as well, and a map that does the same with the blocks below: neither is
# authenticated, so an origin can serve such an image.  The blocks must not be
# accepted at the other place.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

choose size513
cp "$IMAGE" hostile.inc
chmod u+w hostile.inc
PYTHONPATH=$top/tests/lib python3 - <<'END'
import head, struct
d = bytearray(open("hostile.inc", "rb").read())
map_dir, tree_dir, map_runs, tree_runs, signature, area, used = struct.unpack_from("<7I", d, 176)
assert used == 0 and area >= 6 * 16
# The file pages of tree pages 0 to 5; page 2 becomes page 1's. Their runs take the
# place of the signature area.
runs = [struct.unpack_from("<IIQ", d, tree_dir + 16 * i) for i in range(tree_runs)]
pages = [[place + (0 if flags else page - first) for first, flags, place in runs if first <= page][-1]
         for page in range(6)]
pages[2] = pages[1]
for page, place in enumerate(pages):
    struct.pack_into("<IIQ", d, signature + 16 * page, page, 0, place)
struct.pack_into("<I", d, 180, signature)
struct.pack_into("<I", d, 188, 6)
struct.pack_into("<I", d, 196, 0)
# The map does likewise.
entries = struct.unpack_from("<Q", d, map_dir + 8)[0] * 4096
d[entries + 128 * 8:entries + 256 * 8] = d[entries:entries + 128 * 8]
head.seal(d)
open("hostile.inc", "wb").write(d)
END
DEV=/dev/mapper/t
IMAGE=$work/hostile.inc
for order in right-first wrong-first; do
	attach "$IMAGE"
	table
	ok "$order: open" activate
	if [ $order = right-first ]; then
		is "$order: the blocks are right in their own place" "$("$tool" scan "$DEV" "$RAW" direct 0 128)" ""
	fi
	is "$order: and are refused in another" "$("$tool" scan "$DEV" "$RAW" direct 128 128)" "EIO 128-255"
	is "$order: the others are right" "$("$tool" scan "$DEV" "$RAW" direct 256 257)" ""
	is "$order: in their own place, too" "$("$tool" scan "$DEV" "$RAW" direct 0 128)" ""
	is "$order: and are still refused in another" "$("$tool" scan "$DEV" "$RAW" buffered 128 128)" "EIO 128-255"
	between "$order: counted" "$(field failures)" 1 1000
	dmsetup remove t
	detach
done
the_end
