#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkimage with ASan and UBSan, as "make SANITIZE=1 build/sanitize/mkimage" builds
# it: every command once, and layers of erofs and ext4 by random steps, fewer than
# extend.t and extend-erofs.t take. STEPS=N: more of them.

# shellcheck source=tests/mkimage/layers.sh
. "$(dirname "$0")/layers.sh"
mkimage=$top/build/sanitize/mkimage

# A sanitizer's report ends mkimage with another status than its own 1.
export ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99
ok "it has the sanitizers" grep -q __asan_init "$mkimage"

random() {	# FS CHECK READER OPTION...
	local fs=$1
	shift
	random_base "sanitize-$fs" || return 1
	"$mkimage" create --fs "$fs" --dictionary --cluster 16K plain image || return 1
	random_steps "sanitize-$fs" "${STEPS:-3}" "$@"
}

ok "random steps, erofs" random erofs fsck.erofs tree.py --erofs
ok "inspect" "$mkimage" inspect --files image
ok "ls, erofs" "$mkimage" ls -lR image
ok "cp, erofs" "$mkimage" cp image / copy-erofs
ok "random steps, ext4" random ext4 "e2fsck -fn" ext4.py
ok "inspect, JSON" "$mkimage" inspect --files --json image
ok "ls, ext4" "$mkimage" ls -R --json image
ok "cp, ext4" "$mkimage" cp image / copy-ext4

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem \
	-out certificate.pem -days 30 -subj /CN=test 2>/dev/null
ok "sign" "$mkimage" sign --key key.pem --certificate certificate.pem image
ok "export" "$mkimage" sign --export signature image
ok "verify" "$mkimage" verify --certificate certificate.pem image
ok "squash" "$mkimage" squash --key key.pem --certificate certificate.pem image squashed
ok "verify the squashed image" "$mkimage" verify --certificate certificate.pem squashed
ok "extract with its tree" "$mkimage" extract --force --hash-tree tree squashed out

raw 0.raw 600
cp 0.raw 1.raw
truncate -s $((70000 * 4096)) 1.raw
noise 100000 4 | dd of=1.raw bs=4096 seek=60000 conv=notrunc status=none
head -c 4096 0.raw >2.raw
ok "create" "$mkimage" create --raw --force 0.raw image
for i in 1 2 0; do
	ok "raw $i: extend" "$mkimage" extend --in-place --raw $i.raw image
	ok "raw $i: extract" "$mkimage" extract --force image out
	ok "raw $i: same" cmp out $i.raw
done
fails "nothing changed" 1 'nothing would change' "$mkimage" extend --raw 0.raw \
	--output x image
flip image 5000
fails "damage" 1 'does not match its digest' "$mkimage" verify image
fails "no image" 1 'no image|not an image|magic' "$mkimage" inspect 0.raw
fails "a wrong option" 2 'unrecognized option' "$mkimage" extend --nonsense

finish
