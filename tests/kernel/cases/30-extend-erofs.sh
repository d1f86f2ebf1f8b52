#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An erofs after 1, 10 and 100 extensions: the kernel sees every path as it should be,
# with its owner, mode, time, links, device, attributes and contents.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# The debug kernel's erofs does not show ACLs, nor attributes of security modules.
shown=
[ "$VM_KERNEL" != debug ] || shown='s/[|]system[.]posix_acl_[^|]*//g; s/[|]security[.][^|]*//g'
holds() {
	"$top"/tests/mkimage/tree.py mnt | sed "$shown" >got && sed "$shown" "$1" | cmp got -
}

mkdir mnt
choose extended
LOCAL=$work/extended.inc
cp "$IMAGE" "$LOCAL"
chmod u+w "$LOCAL"
attach "$LOCAL" || exit 1
mark
for generation in 1 10 100; do
	ok "generation $generation: open" activate t \
		"$(incrementalsetup table --generation $generation "$LOCAL" "$LOOP")"
	ok "generation $generation: mount" mount -t erofs -o ro /dev/mapper/t mnt
	ok "generation $generation: every path is right" \
		holds "$images/extended.$generation.tree"
	umount mnt
	dmsetup remove t
done
is "the kernel has no complaint" "$(log | grep erofs: | grep -v 'mounted with root')" ""
detach
rm "$LOCAL"

the_end
