#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Policies that let only programs be executed for which dm-verity's properties vouch:
# a device of this target has these properties, and loses them in time.
#
# While such a policy is active no program of the machine's own can be started: this
# shell tries the program by itself, and then removes the policy.

# shellcheck disable=SC2154	# vm_kernel
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=/dev/null
. /run/vm/settings	# vm_kernel: see scripts/build-kernel

ring=%keyring:.dm-incremental
trusted=(--key "$vm_kernel/trusted.key" --certificate "$vm_kernel/trusted.crt")
stranger=(--key "$images/stranger.pem" --certificate "$images/stranger.crt")

mount -t securityfs securityfs /sys/kernel/security
ipe=/sys/kernel/security/ipe
is "the kernel has IPE" "$(cat /sys/kernel/security/lsm)" capability,landlock,ipe

# ---- two images of a program that needs no other file, and goes by its name ----

for name in one two; do
	mkdir $name
	cp "$(command -v busybox)" $name/busybox
	echo $name >$name/name
	ok "an image, $name" mkimage create $name $name.inc
done
root=$(mkimage inspect --root-hash one.inc)
cp one.inc stranger.inc
ok "signed by a key that the kernel trusts" mkimage sign "${trusted[@]}" --export one.p7s one.inc
ok "signed by another" mkimage sign "${stranger[@]}" stranger.inc
ok "two, signed by the trusted one" mkimage sign "${trusted[@]}" two.inc
mkimage extract --hash-tree one.tree one.inc one.raw >/dev/null

# ---- policies ----

policy() {	# policy NAME RULE...: give the kernel a signed one
	local name=$1
	shift
	printf '%s\n' "policy_name=$name policy_version=0.0.0" "$@" >"$name.policy"
	openssl smime -sign -binary -in "$name.policy" -signer "$vm_kernel/trusted.crt" \
		-inkey "$vm_kernel/trusted.key" -noattr -nodetach -nosmimecap \
		-outform der -out "$name.p7b" &&
		dd if="$name.p7b" of=$ipe/new_policy bs=1M status=none
}
only=("DEFAULT action=ALLOW" "DEFAULT op=EXECUTE action=DENY")
ok "a policy that allows everything" policy all "DEFAULT action=ALLOW"
ok "one that allows signed devices" policy signed "${only[@]}" \
	"op=EXECUTE dmverity_signature=TRUE action=ALLOW"
ok "one that allows a root digest" policy digest "${only[@]}" \
	"op=EXECUTE dmverity_roothash=sha256:$root action=ALLOW"

# under POLICY PROGRAM: print its exit status, 126 if it may not be executed
under() {
	local status=0
	echo 1 >"$ipe/policies/$1/active"
	"$2" true 2>/dev/null || status=$?
	echo 1 >$ipe/policies/all/active
	echo $status
}
may() {
	is "$1" "$(under "$2" "$3")" 0
}
may_not() {
	is "$1" "$(under "$2" "$3")" 126
}

may "without a policy the machine's own program" all "$(command -v busybox)"
may_not "under one it may not" signed "$(command -v busybox)"
may_not "nor under the other" digest "$(command -v busybox)"

# ---- dm-verity, to compare with ----

ok "dm-verity opens it with its signature" veritysetup open \
	--root-hash-signature=one.p7s one.raw v one.tree "$root"
mounted /dev/mapper/v v
may "signed" signed v/busybox
may "its root digest" digest v/busybox
unmounted v
veritysetup close v

# ---- this target ----

attach "$PWD/one.inc" -r
one=$LOOP
attach "$PWD/two.inc" -r
two=$LOOP
attach "$PWD/stranger.inc" -r
third=$LOOP

# use IMAGE LOOP [OPTION...]: device t of it, in place of its present table
use() {
	local line
	line="$("$tool" table "$1.inc" "$2") $(with_options "${@:3}")"
	if [ -e /dev/mapper/t ]; then
		dmsetup load --readonly t --table "$line" && dmsetup resume t
	else
		activate t "$line"
	fi
}
ok "a table that requires a signature" use one "$one" require_signature
mounted /dev/mapper/t t
may "signed" signed t/busybox
may "its root digest" digest t/busybox
ok "in its place one that requires none" use one "$one" prove_size
may_not "counts as not signed" signed t/busybox
may "has its root digest" digest t/busybox
ok "in its place one that does not prove its size" use one "$one"
may_not "has no root digest either" digest t/busybox
ok "in its place the first" use one "$one" require_signature
may "is signed again" signed t/busybox
may "has its root digest again" digest t/busybox
ok "a suspend and a resume" sh -c "dmsetup suspend t && dmsetup resume t"
may "change nothing" signed t/busybox
unmounted t
dmsetup remove t

ok "another image, signed" use two "$two" require_signature
mounted /dev/mapper/t t
may "is signed" signed t/busybox
may_not "has another root digest" digest t/busybox
unmounted t
dmsetup remove t

# ---- keys that root adds ----

openssl x509 -in "$images/stranger.crt" -outform der -out stranger.der
fails "a signer that no keyring trusts" - "" use stranger "$third" require_signature
ok "root adds a key" sh -c "keyctl padd asymmetric '' $ring <stranger.der"
ok "the target accepts it" use stranger "$third" require_signature
mounted /dev/mapper/t t
may_not "but which does not count: root could sign anything" signed t/busybox
may "the digest does" digest t/busybox
ok "the keyring is sealed" keyctl restrict_keyring $ring
may_not "which changes nothing for a device that is there" signed t/busybox
ok "a table after that" use stranger "$third" require_signature
may "counts as signed" signed t/busybox
unmounted t
dmsetup remove t
for LOOP in "$one" "$two" "$third"; do
	detach
done
rmmod dm-incremental
insmod "$module"
the_end
