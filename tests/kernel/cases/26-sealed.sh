#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Signatures as dm-verity reads them, a sealed keyring, and signatures required of
# every table.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=tests/kernel/lib/signature.sh
. "$(dirname "$0")/../lib/signature.sh"

# Debian's kernels need not trust a key that was made here, but they must get as far
# as to look for it.
root=$(mkimage inspect --root-hash "$images/signed-rsa2048.inc")
verity() {	# verity SIGNATURE
	veritysetup open --root-hash-signature="$1" "$images/verity.raw" v "$images/signed.tree" "$root" 2>&1
}
if answer=$(verity "$images/rsa2048.p7s"); then
	ok "dm-verity takes the signature" cmp /dev/mapper/v "$RAW"
	veritysetup close v
else
	like "dm-verity can parse the signature, and lacks its key" "$answer" "Required key not available"
fi
head -c 300 "$images/rsa2048.p7s" >cut.p7s
like "it cannot parse a truncated one" "$(verity cut.p7s)" "Bad message"

# ---- a sealed keyring, and signatures required of every table ----

keyctl padd asymmetric '' $ring <"$images/rsa2048.der" >/dev/null
ok "root can seal the keyring" keyctl restrict_keyring $ring
fails "after that no key can be added" - "" sh -c "keyctl padd asymmetric '' $ring <$images/stranger.der"
taken "the keys in it are used" signed-rsa2048 require_signature
dmsetup remove t
is "signatures are not required of all tables" "$(cat /sys/module/dm_incremental/parameters/require_signatures)" N
fails "nor can that be changed at run time" - "" sh -c "echo Y >/sys/module/dm_incremental/parameters/require_signatures"
rmmod dm-incremental
fails "the keyring goes with the module" - "" grep -F .dm-incremental /proc/keys
ok "with require_signatures" insmod "$module" require_signatures=1
mark
refused "a table without require_signature, of an unsigned image" "$unsigned" signed
refused "a signed one without its key" "$not_in" signed-rsa2048
all_refused
keyctl padd asymmetric '' $ring <"$images/rsa2048.der" >/dev/null
taken "a signed one" signed-rsa2048
is "is trusted for its signature" "$(field trust)" signature
is "though the table does not ask for it" "$(dmsetup table t | grep -c require_signature)" 0
is "and is read" "$("$tool" scan $DEV "$RAW" direct 0 8)" ""
dmsetup remove t
rmmod dm-incremental
insmod "$module"
the_end
