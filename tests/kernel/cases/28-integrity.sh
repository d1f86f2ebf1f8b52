#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The facts of a device that security modules are told: the root digest and the
# signature of the live table, of no other, and only facts that root cannot choose.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=tests/kernel/lib/signature.sh
. "$(dirname "$0")/../lib/signature.sh"
# shellcheck source=tests/kernel/lib/integrity.sh
. "$(dirname "$0")/../lib/integrity.sh"

if ! can_be_told; then
	like "a kernel before 6.12 cannot be told" "$(uname -r)" '^6\.1\.'
	the_end
	exit
fi

root_of() {
	echo "root sha256 $(mkimage inspect --root-hash "$images/$1.inc")"
}
signed=$(root_of signed-rsa2048)
size=$(stat -c %s "$images/rsa2048.p7s")
ok "the function can be watched" watch_told
told >/dev/null

# ---- one table ----

taken "a table without prove_size and require_signature" signed-rsa2048
is "has no digest: it does not vouch for the size" "$(told)" "no signature, no root"
dmsetup remove t
taken "with prove_size" signed-rsa2048 prove_size
is "has a digest" "$(told)" "no signature, $signed"
dmsetup remove t
keyctl padd asymmetric '' $ring <"$images/rsa2048.der" >/dev/null
taken "signed by a key that root has added" signed-rsa2048 require_signature
is "it has a digest, and counts as not signed" "$(told)" "no signature, $signed"
is "is trusted for its signature" "$(field trust)" signature

# ---- tables that change ----

choose_file size129 prove_size
ok "another table is loaded" dmsetup load --readonly t --table "$TABLE"
is "it is not told" "$(told)" ""
ok "until it resumes" dmsetup resume t
is "then its digest takes the other's place" "$(told)" "no signature, $(root_of size129)"
ok "a table that is cleared" sh -c "dmsetup load --readonly t --table '$TABLE' && dmsetup clear t"
ok "suspend and resume" sh -c "dmsetup suspend t && dmsetup resume t"
is "tell the digest again, of the table that is live" "$(told)" "no signature, $(root_of size129)"
choose_file size129
ok "the same without prove_size" sh -c "dmsetup load --readonly t --table '$TABLE' && dmsetup resume t"
is "removes the digest" "$(told)" "no signature, no root"
mark
fails "another target cannot take its place" - "" \
	dmsetup load --readonly t --table "0 $(blockdev --getsz $DEV) linear $LOOP 0"
ok "by device-mapper's own check" said "can't replace immutable target type incremental"
ok "the error target can" dmsetup wipe_table t
told >/dev/null
dmsetup remove t

# ---- a sealed keyring ----

ok "the keyring is sealed" keyctl restrict_keyring $ring
taken "signed by a key that was in it" signed-rsa2048 require_signature
is "counts as signed" "$(told)" "signature $size, $signed"
choose_file signed-rsa2048 prove_size
ok "the same image by a table that requires no signature" sh -c "dmsetup load --readonly t --table '$TABLE' && dmsetup resume t"
is "does not" "$(told)" "no signature, $signed"
dmsetup remove t
rmmod dm-incremental
insmod "$module"
keyctl padd asymmetric '' $ring <"$images/rsa2048.der" >/dev/null
ok "a keyring restricted to keys that root's key has signed" keyctl restrict_keyring $ring asymmetric \
	"key_or_keyring:$(keyctl rlist $ring)"
taken "is not sealed" signed-rsa2048 require_signature
is "and its key does not count" "$(told)" "no signature, $signed"
dmsetup remove t
rmmod dm-incremental
insmod "$module"
ok "the probe is removed" unwatch_told
the_end
