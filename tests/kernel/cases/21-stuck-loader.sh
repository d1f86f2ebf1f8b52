#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A loader that does not return from a page fault, in the middle of a fill, holds up
# no other task: the kernel holds no lock while it reads the loader's memory.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# Device "absent" has no loader, so memory mapped from it cannot be read.
open_image erofs read_timeout 120000
dmsetup rename t absent
absent_loop=$LOOP absent_node=$NODE

cp "$LOCAL" other.inc
chmod u+w other.inc
attach other.inc
table
activate
eval "$("$tool" layout "$IMAGE")"
# shellcheck disable=SC2154	# meta_offset: set by a layout
python3 - "$NODE" "$meta_offset" <<'END' >stuck 2>&1 &
import mmap, os, sys
source = os.open("/dev/mapper/absent", os.O_RDONLY)
memory = mmap.mmap(source, 4096, mmap.MAP_SHARED, mmap.PROT_READ)
node = os.open(sys.argv[1], os.O_RDWR)
print("fills", flush=True)
os.pwrite(node, memory, int(sys.argv[2]))
END
readers+=($!)
within 10 grep -qs fills stuck
field_waits() { [ "$(field waiting absent)" -ge 1 ]; }
ok "the loader is stuck in a fault" within 10 field_waits

ok "its device can be removed meanwhile" timeout $((20 * SLOW)) dmsetup remove t
ok "and be made again" timeout $((20 * SLOW)) dmsetup create --readonly t --table "$TABLE"
ok "and be removed again" timeout $((20 * SLOW)) dmsetup remove t
ok "the fault still waits" field_waits
kill -KILL "${readers[-1]}"
"$tool" serve "$absent_node" "$IMAGE" &
loaders+=($!)
ok "the loader can be killed" within 30 sh -c "! kill -0 ${readers[-1]} 2>/dev/null"
detach "$LOOP"
stop "${loaders[-1]}"
dmsetup remove --retry absent
detach "$absent_loop"
the_end
