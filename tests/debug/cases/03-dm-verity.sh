#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A kernel that trusts the key: dm-verity takes the signature that mkimage made,
# and no other, and so does this target with nothing in its keyring.

# shellcheck disable=SC2154	# set by tests/vm/run and a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=/dev/null
. /run/vm/settings	# vm_kernel: see scripts/build-kernel

trusted=(--key "$vm_kernel/trusted.key" --certificate "$vm_kernel/trusted.crt")
stranger=(--key "$images/stranger.pem" --certificate "$images/stranger.crt")
RAW=$images/signed.raw
cp "$images/signed.inc" signed.inc
chmod u+w signed.inc
eval "$("$tool" layout signed.inc)"
mkimage extract --hash-tree tree signed.inc raw >/dev/null
ok "signed" mkimage sign "${trusted[@]}" --export good.p7s signed.inc
cp good.p7s altered.p7s
"$tool" flip altered.p7s $(($(stat -c %s good.p7s) - 20))
head -c 300 good.p7s >cut.p7s
cp signed.inc other.inc
ok "signed by another key" mkimage sign --force "${stranger[@]}" --export stranger.p7s other.inc
cp "$images/size129.inc" other.inc
chmod u+w other.inc
ok "another image, signed" mkimage sign "${trusted[@]}" --export other.p7s other.inc

# ---- dm-verity ----

verity() {	# verity SIGNATURE [ROOT]
	veritysetup open --root-hash-signature="$1" raw v tree "${2:-$root}" 2>&1
}
ok "dm-verity takes the signature" verity good.p7s
like "and reports it" "$(veritysetup status v)" "verified \(with signature\)"
ok "all of it reads right" cmp /dev/mapper/v "$RAW"
veritysetup close v
for name in altered other stranger cut; do
	fails "dm-verity refuses: $name" - "" verity $name.p7s
	ok "and there is no device" test ! -e /dev/mapper/v
done
fails "dm-verity refuses: another root hash" - "" verity good.p7s "${root//[0-7]/8}"

# ---- this target ----

DEV=/dev/mapper/t
attach "$PWD/signed.inc" -r
IMAGE=signed.inc
table require_signature
ok "a key that the kernel trusts is enough" activate
is "trusted for its signature" "$(field trust)" signature
ok "all of it reads right" cmp "$DEV" "$RAW"
dmsetup remove t
detach
cp signed.inc copy.inc
chmod u+w copy.inc
mkimage sign --force "${stranger[@]}" copy.inc >/dev/null
attach "$PWD/copy.inc" -r
IMAGE=copy.inc
table require_signature
fails "a key that it does not trust is not" - "" activate
detach
the_end
