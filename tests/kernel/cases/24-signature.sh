#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Signatures: those that the kernel takes, and every known way round them.  forge.py
# makes the images that an attacker without a key can make of a signed one.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=tests/kernel/lib/signature.sh
. "$(dirname "$0")/../lib/signature.sh"

like "the keyring is root's alone" "$(grep -F .dm-incremental /proc/keys)" \
	' 082f0000 +0 +0 keyring +\.dm-incremental: empty'
mark
refused "a good signature, no key" "$not_in" signed-rsa2048 require_signature
fails "nobody cannot add a key" - "" setpriv --reuid 65534 --clear-groups --inh-caps=-all \
	sh -c "keyctl padd asymmetric '' $ring <$images/rsa2048.der"
for key in rsa2048 rsa3072 rsa4096 p256 p384; do
	case $key-$VM_KERNEL in
	p*-6.1)	# whose kernel has no ECDSA
		fails "$key: the kernel does not take its certificate" - "" \
			sh -c "keyctl padd asymmetric '' $ring <$images/$key.der"
		;;
	*)
		ok "$key: root can" sh -c "keyctl padd asymmetric '' $ring <$images/$key.der"
		;;
	esac
done

# ---- which signatures are taken ----

for key in rsa2048 rsa3072 rsa4096 p256 p384; do
	case $key-$VM_KERNEL in
	p*-6.1)
		refused "$key" "$not_in" signed-$key require_signature
		;;
	*)
		taken "$key" signed-$key require_signature
		is "$key: trusted for its signature" "$(field trust)" signature
		is "$key: all of it reads right" "$("$tool" scan $DEV "$RAW" direct)" ""
		dmsetup remove t
		;;
	esac
done
taken "a signature that is not required" signed-rsa2048
is "is not checked" "$(field trust)" table
dmsetup remove t
taken "options beside each other" signed-rsa2048 read_timeout 700 require_signature prove_size
again=$(dmsetup table t)
like "the table has them all" "$again" ' 4 read_timeout 700 require_signature prove_size$'
activate t2 "$again"
is "and makes the same device again" "$(dmsetup table t2)" "$again"
dmsetup remove t2
dmsetup remove t
taken "a generation with a signature of its own" layered-signed require_signature
dmsetup remove t

# ---- ways round it ----

refused "not signed" "$unsigned" signed require_signature
refused "a key that is not in the keyring" "$not_in" signed-stranger require_signature
refused "the signature of another generation" "$rejected" layered require_signature
refused "the signature of another image" "$rejected" lie-moved require_signature
for bit in 10 400; do
	refused "one bit of byte $bit is wrong" "$rejected|$malformed|$not_in|$unknown" lie-bit$bit require_signature
done
for lie in garbage sequence zeros size1 size-1 size+1 size8192; do
	refused "$lie" "$malformed" "lie-$lie" require_signature
done
refused "signature_size is 0" "$unsigned" lie-size0 require_signature
for lie in size8193 outside; do
	refused "$lie" "superblock: signature is out of range" lie-$lie require_signature
done
refused "a signature as long as the head" "superblock: areas of the head overlap" lie-long require_signature
all_refused

# The head of one image before the data of another: the signature is not of these data.
taken "a good head, other data" lie-swapped require_signature
is "no block of them is read" "$("$tool" scan $DEV "$RAW" direct 8 8)" "EIO 8-15"
dmsetup remove t
the_end
