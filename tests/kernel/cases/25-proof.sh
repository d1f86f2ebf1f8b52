#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A root digest does not tell the size of its device: the forgeries that allows
# (forge.py), and the proof that prevents them.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=tests/kernel/lib/signature.sh
. "$(dirname "$0")/../lib/signature.sh"

keyctl padd asymmetric '' $ring <"$images/rsa2048.der" >/dev/null

taken "an image that forge.py has rebuilt without a lie" forged-same require_signature
is "is right" "$("$tool" scan $DEV "$RAW" direct)" ""
dmsetup remove t

# A root digest is not enough: without the proof, unsigned bytes are read.
taken "more levels, without a proof" forged-more
is "unsigned bytes are read" \
	"$(dd if=$DEV bs=4096 skip=128 count=1 iflag=direct status=none | tr -d F | wc -c)" 0
dmsetup remove t
taken "fewer levels, without a proof" forged-fewer
ok "pages of the tree are read as data" dd if=$DEV of=/dev/null bs=4096 count=8 iflag=direct status=none
dmsetup remove t

for kind in fewer more shorter cut longer salt; do
	taken "$kind" forged-$kind require_signature
	blocks=$(($(echo "$TABLE" | cut -d ' ' -f 2) / 8))
	is "$kind: the first blocks cannot be read" "$("$tool" scan $DEV "$RAW" direct 0 8)" "EIO 0-7"
	[ $kind != more ] || fails "$kind: nor the forged blocks" - "" dd if=$DEV of=/dev/null bs=4096 skip=128 count=1 iflag=direct
	is "$kind: nor the last one" "$("$tool" scan $DEV "$RAW" direct $((blocks - 1)) 1)" "EIO $((blocks - 1))-$((blocks - 1))"
	dmsetup remove t
done
for kind in fewer more; do
	taken "$kind, in userspace's trust" forged-$kind prove_size
	is "$kind: cannot be read, either" "$("$tool" scan $DEV "$RAW" direct 0 8)" "EIO 0-7"
	dmsetup remove t
done
mark
taken "a device that does not begin with zeros" other prove_size
is "cannot be read if its size must be proved" "$("$tool" scan $DEV "$RAW" direct 0 1)" "EIO 0-0"
ok "the kernel logs that" said "block 0 does not begin with zeros"
dmsetup remove t

# ---- the same, by incrementalsetup ----

root() {
	mkimage inspect --root-hash "$1"
}
cp "$images/forged-more.inc" forged.inc && chmod u+w forged.inc
ok "more: opened by its root hash" incrementalsetup open --root-hash "$(root forged.inc)" forged.inc t
is "more: cannot be read" "$("$tool" scan $DEV "$RAW" direct 0 8)" "EIO 0-7"
fails "more: nor the forged blocks" - "" dd if=$DEV bs=4096 skip=128 count=1 iflag=direct
incrementalsetup close t
cp "$images/forged-fewer.inc" forged.inc
fails "fewer: is seen not to begin with zeros" - "" incrementalsetup open --root-hash "$(root forged.inc)" forged.inc t
cp "$images/other.inc" other.inc && chmod u+w other.inc
fails "a device that does not begin with zeros is not opened" - "" incrementalsetup open --root-hash "$(root other.inc)" other.inc t
like "and the message has the way out" "$(cat .errors)" "does not begin with 64 zeros.*--unproved-size"
ok "and that works" incrementalsetup open --unproved-size --root-hash "$(root other.inc)" other.inc t
is "it can be read" "$("$tool" scan $DEV "$images/size129.raw" direct)" ""
incrementalsetup close t
within 10 no_node

# ---- a proof that has to wait ----

open_image signed-rsa2048 require_signature read_timeout 60000
RAW=$images/signed.raw
reader a 409600 4096
reader b 819200 4096 buffered
ok "reads wait for the first block" within 10 some_wait
is "only the proof asks for something" "$(field waiting)" 1
ok "a suspend pushes them back" dmsetup suspend --noflush --nolockfs t
ok "and a resume brings them in again" dmsetup resume t
ok "they wait again" within 10 some_wait
serve
is "direct" "$(outcome a)" 4096
is "buffered" "$(outcome b)" 4096
is "all of it reads right" "$("$tool" scan $DEV "$RAW" direct)" ""
stop
close_image
open_image signed-rsa2048 require_signature read_timeout 300
RAW=$images/signed.raw
is "without a loader they time out" "$("$tool" scan $DEV "$RAW" direct 9 1)" "ETIMEDOUT 9-9"
ok "the timeout can be changed" dmsetup message t 0 read_timeout 60000
serve
is "and later ones do better" "$("$tool" scan $DEV "$RAW" direct)" ""
stop
close_image
open_image signed-rsa2048 require_signature read_timeout 60000
reader c 0 4096
ok "a read waits" within 10 some_wait
ok "its device can go" timeout $((20 * SLOW)) dmsetup remove --force t
like "and it fails" "$(outcome c)" "^E"
the_end
