# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Part of the guest: a layer whose extents refer to the image before it.

echo "# layers that refer to what is before them"
mkdir -p ref.src ref.new
noise 6000000 31 >ref.src/noise
seq 300000 >ref.src/text
{ echo moved by some bytes; head -c 3000000 ref.src/noise; noise 100000 32
	tail -c +3000000 ref.src/noise; } >ref.new/noise
{ echo moved; cat ref.src/text; } >ref.new/text
mkimage create --force ref.src old.inc >/dev/null 2>&1
mkimage extend --output ref.layer old.inc ref.new >/dev/null 2>&1
cat old.inc ref.layer >new.inc
start=$(stat -c %s old.inc)
layer=$(stat -c %s ref.layer)
below "the layer is small" "$layer" 400000

# since: bytes of the image that were asked for since asked_from, of the layer and before it
asked_from=0
since() {
	tail -n +$((asked_from + 1)) web.access | awk -v start="$start" '
		$1 == 206 { split($2, at, /[=-]/); if (at[2] >= start) layer += $3; else old += $3 }
		END { print layer + 0, old + 0 }'
}
from_now() {
	asked_from=$(wc -l <web.access)
}

# A device with all of the old version takes the layer and nothing else.
cp old.inc origin.inc
fresh old.inc
incrementald --exit-when-complete --origin old.inc app 2>/dev/null
cat ref.layer >>origin.inc
from_now
incrementald --no-prefetch --origin "$web/origin.inc" app 2>log &
loader=$!
within 20 loads
mount -o ro /dev/mapper/app mnt
ok "update" incrementalsetup update --root-hash "$(mkimage inspect --root-hash new.inc)" --origin "$web/origin.inc" app
tail -n +$((asked_from + 1)) web.access | sed 's/^/# /'
from_now
ok "reads right" cmp mnt/noise ref.new/noise
ok "text" cmp mnt/text ref.new/text
since | sed 's/^/# /'
tail -n +$((asked_from + 1)) web.access | sed 's/^/# /'
stop
umount -q mnt
incrementalsetup close app

# nothing present
fresh new.inc
from_now
loader --no-prefetch --stats stats.json --origin "$web/new.inc"
mount -o ro /dev/mapper/app mnt
since | sed 's/^/# mount: /'
from_now
dd if=mnt/noise bs=4096 skip=300 count=1 iflag=direct status=none | cksum
tail -n +$((asked_from + 1)) web.access | sed 's/^/# /'
since | sed 's/^/# one: /'
from_now
ok "reads right" cmp mnt/noise ref.new/noise
since | sed 's/^/# all noise: /'
tail -n +$((asked_from + 1)) web.access | sed 's/^/# /' | head -50
stop
