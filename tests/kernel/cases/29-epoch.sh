#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Epochs: an image that was signed with a lower one is refused, by the kernel and by
# the tools, and an attacker without the key cannot change that.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=tests/kernel/lib/signature.sh
. "$(dirname "$0")/../lib/signature.sh"

signer=(--key "$images/rsa2048.pem" --certificate "$images/rsa2048.crt")
keyctl padd asymmetric '' $ring <"$images/rsa2048.der" >/dev/null

# ---- the table ----

cp "$images/signed.inc" five.inc
chmod u+w five.inc
ok "signed with an epoch" mkimage sign "${signer[@]}" --epoch 5 five.inc
# Other epochs in its head, whose digest is right, and the same signature.
PYTHONPATH=$top/tests/lib python3 - <<'END'
import head
five = open("five.inc", "rb").read()
for epoch in 0, 4, 9:
    open("forged%d.inc" % epoch, "wb").write(head.forged(five, (252, epoch.to_bytes(4, "little"))))
END
line=$("$tool" table "$images/signed.inc" /dev/LOOP)
load() {	# load FILE OPTION...: as device t
	attach "$PWD/$1.inc" -r
	TABLE="${line/\/dev\/LOOP/$LOOP} $(with_options "${@:2}")"
	activate
}
refuses() {	# refuses WHAT WHY FILE OPTION...
	mark
	fails "refused: $1" - "" load "${@:3}"
	ok "with the reason" said "incremental: $2 \("
	detach
}
ok "as high as is required" load five require_signature min_epoch 5
is "the table has it" "$(dmsetup table t | sed 's/.* - //; s/.* \(3 \)/\1/')" "3 require_signature min_epoch 5"
activate t2 "$(dmsetup table t)"
is "and makes the same device again" "$(dmsetup table t2)" "$(dmsetup table t)"
is "all of it reads right" "$("$tool" scan $DEV "$RAW" direct)" ""
dmsetup remove t2
dmsetup remove t
detach
below="Signed epoch is below min_epoch: the image is older than allowed"
refuses "an epoch that is too low" "$below" five require_signature min_epoch 6
like "the log has both" "$(log)" 'signed epoch is 5, and at least 6 is required'
refuses "another epoch than the signature's, high enough" "$rejected" forged9 require_signature min_epoch 6
for epoch in 0 4; do
	refuses "or a lower one, $epoch" "$rejected" "forged$epoch" require_signature
done
cp "$images/signed-rsa2048.inc" none.inc
refuses "a signature without an epoch" "$below" none require_signature min_epoch 1
ok "with min_epoch 0 it is taken" load none require_signature min_epoch 0
dmsetup remove t
detach
refuses "min_epoch where no signature is required" \
	"min_epoch needs require_signature: only a signature vouches for an epoch" five min_epoch 5
for number in -1 4294967296 five; do
	refuses "min_epoch $number" "Invalid min_epoch: must be 0 to 4294967295" five require_signature min_epoch $number
done

# ---- the tools ----

sign() {	# sign GENERATION EPOCH FILE
	mkimage sign "${signer[@]}" --generation "$1" --epoch "$2" "$3"
}
cp "$images/live.inc" base.inc
chmod u+w base.inc
sign 0 2 base.inc >/dev/null
for epoch in 1 3; do
	cat base.inc "$images/live.1.layer" >all
	sign 1 $epoch all >/dev/null
	tail -c +$(($(stat -c %s base.inc) + 1)) all >layer$epoch
done
try() {	# try NAME WHY COMMAND...: COMMAND fails, and its message has WHY
	fails "$1, with the reason" - "$2" incrementalsetup "${@:3}"
}
try "open: an epoch that is too low" "generation 0 has epoch 2, and at least 3 is required" \
	open --certificate "$images/rsa2048.crt" --min-epoch 3 base.inc app
try "the same where the kernel checks the signature" "generation 0 has epoch 2, and at least 3 is required" \
	open --require-signature --min-epoch 3 base.inc app
try "without a signature" "min-epoch needs --certificate or --require-signature" open --min-epoch 1 base.inc app
ok "open" incrementalsetup open --require-signature --min-epoch 1 base.inc app
is "the kernel has it from the table" "$(dmsetup table app | grep -o 'min_epoch .*')" "min_epoch 1"
try "update: to a lower epoch than the one in use" "generation 1 has epoch 1, and at least 2 is required" \
	update --layer layer1 app
try "also with a certificate" "generation 1 has epoch 1, and at least 2 is required" \
	update --certificate "$images/rsa2048.crt" --layer layer1 app
try "or below the one that is required" "generation 1 has epoch 3, and at least 4 is required" \
	update --min-epoch 4 --layer layer3 app
ok "to a higher one" incrementalsetup update --layer layer3 app
ok "back" incrementalsetup rollback app
ok "with another floor" incrementalsetup update --min-epoch 3 app
is "the kernel has it now" "$(dmsetup table app | grep -o 'min_epoch .*')" "min_epoch 3"
try "rollback: below that" "generation 0 has epoch 2, and at least 3 is required" rollback app
ok "close" incrementalsetup close app

rmmod dm-incremental
insmod "$module"
the_end
