#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkimage sign, create --key, inspect and verify --certificate: judged by openssl.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"

# A device that begins with zeros, as filesystems do.
raw noise 200
{ head -c 4096 /dev/zero; cat noise; } >raw
mkdir tree
seq 1 50000 >tree/file

# certificate NAME TYPE OPTION [OPENSSL OPTION...]: NAME.key and NAME.pem
certificate() {
	openssl req -x509 -newkey "$2" -pkeyopt "$3" -nodes -keyout "$1.key" \
		-out "$1.pem" -days 30 -subj "/CN=$1" "${@:4}" 2>/dev/null
}
certificate rsa2048 rsa rsa_keygen_bits:2048
certificate rsa3072 rsa rsa_keygen_bits:3072
certificate p256 ec ec_paramgen_curve:P-256
certificate p384 ec ec_paramgen_curve:P-384
certificate p521 ec ec_paramgen_curve:P-521
certificate rsa1024 rsa rsa_keygen_bits:1024
certificate other rsa rsa_keygen_bits:2048
openssl req -x509 -newkey ed25519 -nodes -keyout ed.key -out ed.pem -subj /CN=ed 2>/dev/null

# judged SIGNATURE IMAGE CERTIFICATE: openssl finds it good
judged() {
	"$mkimage" inspect --root-hash "$2" >text &&
		openssl smime -verify -inform der -in "$1" -content text -binary \
			-certfile "$3" -CAfile "$3" -purpose any -out /dev/null &&
		openssl cms -verify -inform der -in "$1" -content text -binary \
			-certfile "$3" -CAfile "$3" -purpose any -out /dev/null
}

"$mkimage" create --raw raw plain >/dev/null
root=$(value plain root_hash)
is "the text to be signed is the root hash in hex, and nothing else" \
	"$("$mkimage" inspect --root-hash plain | od -An -c | tr -d ' \n')" "$root"
is "an image is not signed" "$(value plain signature.signed)" false
fails "there is no signature to export" 1 "generation 0 is not signed" \
	"$mkimage" sign --export out plain
is "and no file is made" "$(ls out 2>/dev/null)" ""

# Keys of each kind. (RSA-4096, slow to make, is among the kernel's tests.)
while read -r key algorithm; do
	cp plain image
	ok "$key: sign" "$mkimage" sign --key "$key.key" --certificate "$key.pem" image
	ok "$key: export" "$mkimage" sign --force --export out.p7s image
	ok "$key: openssl finds it good" judged out.p7s image "$key.pem"
	ok "$key: verify finds it good" "$mkimage" verify --certificate "$key.pem" image
	is "$key: inspect prints the algorithm" "$(value image signature.algorithm)" "$algorithm"
	is "$key: the digest" "$(value image signature.digest)" SHA256
	is "$key: the signer" "$(value image signature.signer_issuer)" "CN = $key"
	is "$key: and the size" "$(value image signature.bytes)" "$(stat -c %s out.p7s)"
	fails "$key: another certificate" 1 "neither in the signature nor in other.pem" \
		"$mkimage" verify --certificate other.pem image
	is "$key: nothing but the head's first 12 KiB has changed" \
		"$(cmp -l plain image | awk '$1 > 12288' | wc -l)" 0
done <<-END
	rsa2048 RSA-2048
	rsa3072 RSA-3072
	p256 ECDSA
	p384 ECDSA
END
like_openssl=$(openssl smime -sign -nocerts -noattr -binary -in text -inkey rsa2048.key \
	-signer rsa2048.pem -outform der 2>/dev/null | openssl asn1parse -inform der | grep -c .)
"$mkimage" create --raw --force --key rsa2048.key --certificate rsa2048.pem raw image >/dev/null
ok "create --key signs, too" "$mkimage" verify --certificate rsa2048.pem image
"$mkimage" sign --force --export out.p7s image
is "as openssl smime -nocerts -noattr does, but for parameters that are NULL" \
	"$(openssl asn1parse -inform der -in out.p7s | grep -vc NULL)" "$((like_openssl - 3))"
cp plain image
"$mkimage" sign --key rsa2048.key --certificate rsa2048.pem image >/dev/null
"$mkimage" create --raw --key rsa2048.key --certificate rsa2048.pem raw created >/dev/null
ok "signing later makes the same" cmp image created
for fs in erofs ext4; do
	"$mkimage" create --fs "$fs" --key p256.key --certificate p256.pem tree "$fs.inc" >/dev/null 2>.errors
	is "a directory in $fs begins with zeros: no warning" "$(cat .errors)" ""
	ok "and is good" "$mkimage" verify --certificate p256.pem "$fs.inc"
done

# Keys that are not taken, and other mistakes.
for key in p521 rsa1024 ed; do
	fails "$key is not taken" 1 "it must (have 2048|be RSA)" \
		"$mkimage" sign --key "$key.key" --certificate "$key.pem" image
done
fails "another's certificate" 1 "not that of the key" \
	"$mkimage" sign --key rsa2048.key --certificate other.pem image
fails "no such key" 1 "nothere.key: the key cannot be read" \
	"$mkimage" sign --key nothere.key --certificate other.pem image
fails "a certificate for a key" 1 "no private key" \
	"$mkimage" sign --key rsa2048.pem --certificate rsa2048.pem image
fails "a key for a certificate" 1 "no certificate in PEM" \
	"$mkimage" sign --key rsa2048.key --certificate rsa2048.key image
fails "no such certificate" 1 "nothere.pem: No such file" \
	"$mkimage" verify --certificate nothere.pem image
ok "a failed signing has changed nothing" cmp image created
fails "--key alone" 2 "needs --certificate" "$mkimage" sign --key rsa2048.key image
fails "--key and --signature" 2 "exclude each other" \
	"$mkimage" sign --key rsa2048.key --certificate rsa2048.pem --signature out.p7s image
fails "neither" 2 "is missing" "$mkimage" sign image
fails "create with a certificate only" 2 "needs --key" \
	"$mkimage" create --raw --certificate rsa2048.pem raw no
fails "no such generation" 1 "segment 1 at offset [0-9]+: the file ends there" \
	"$mkimage" sign --generation 1 --key rsa2048.key --certificate rsa2048.pem image

# Encrypted keys.
printf 'a pass phrase\nmore\n' >phrase
printf 'wrong' >wrong
for kind in rsa2048 p256; do
	openssl pkcs8 -topk8 -in "$kind.key" -out secret.key -passout 'pass:a pass phrase'
	cp plain image
	ok "$kind: a passphrase from a file" "$mkimage" sign --key secret.key \
		--certificate "$kind.pem" --passphrase-file phrase image
	ok "$kind: is good" "$mkimage" verify --certificate "$kind.pem" image
	cp plain image
	ok "$kind: from a descriptor" "$mkimage" sign --key secret.key \
		--certificate "$kind.pem" --passphrase-fd 7 image 7<phrase
	fails "$kind: a wrong one" 1 "wrong passphrase\?" "$mkimage" sign --key secret.key \
		--certificate "$kind.pem" --passphrase-file wrong image
	fails "$kind: none, and no terminal" 1 "there is no terminal to ask on" \
		setsid -w "$mkimage" sign --key secret.key --certificate "$kind.pem" image
done
# Typed on a terminal, which must not show it.
python3 - "$mkimage" >typed <<'END'
import os, pty, sys, termios, time
pid, fd = pty.fork()
if not pid:
    os.execv(sys.argv[1], ["mkimage", "sign", "--key", "secret.key", "--certificate", "p256.pem", "image"])
seen = b""
while True:
    try:
        part = os.read(fd, 1000)
    except OSError:
        break
    if not part:
        break
    if b"secret.key: " in seen + part and b"secret.key: " not in seen:
        while termios.tcgetattr(fd)[3] & termios.ECHO:
            time.sleep(0.01)
        os.write(fd, b"a pass phrase\n")
    seen += part
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), b"pass phrase" in seen)
END
is "typed: it signs, and is not shown" "$(cat typed)" "0 False"

# Keys in OpenSSL's stores.
cp plain image
ok "a URI" "$mkimage" sign --key "file:$PWD/rsa2048.key" --certificate rsa2048.pem image
ok "is good" "$mkimage" verify --certificate rsa2048.pem image
fails "a URI that nothing knows" 1 "the key cannot be read" \
	"$mkimage" sign --key "vault:over/there" --certificate rsa2048.pem image
module=$(find /usr/lib -name libsofthsm2.so 2>/dev/null | head -1)
engine=$(find /usr/lib -path '*engines-3/pkcs11.so' 2>/dev/null | head -1)
if [ -n "$module" ] && [ -n "$engine" ] && command -v softhsm2-util >/dev/null; then
	mkdir tokens
	printf 'directories.tokendir = %s\n' "$PWD/tokens" >softhsm2.conf
	export SOFTHSM2_CONF=$PWD/softhsm2.conf PKCS11_MODULE_PATH=$module
	printf '1234\n' >pin
	for kind in rsa2048 p256; do
		openssl pkcs8 -topk8 -nocrypt -in "$kind.key" -out p8.key
		softhsm2-util --init-token --free --label "$kind" --pin 1234 --so-pin 1234 >/dev/null
		softhsm2-util --import p8.key --token "$kind" --label key --id 01 --pin 1234 >/dev/null
		for uri in "pkcs11:token=$kind;object=key;type=private" \
			"org.openssl.engine:pkcs11:pkcs11:token=$kind;object=key;type=private"; do
			cp plain image
			ok "PKCS#11, $kind, ${uri%%:*}" "$mkimage" sign --key "$uri" \
				--passphrase-file pin --certificate "$kind.pem" image
			ok "is good" "$mkimage" verify --certificate "$kind.pem" image
		done
	done
	fails "PKCS#11 with a wrong PIN" 1 "cannot be read" "$mkimage" sign \
		--key "pkcs11:token=p256;object=key;type=private" --passphrase-file wrong \
		--certificate p256.pem image
else
	echo "# PKCS#11 is not tested: softhsm2 and libengine-pkcs11-openssl are not there"
fi

# Signatures made elsewhere.
"$mkimage" inspect --root-hash plain >text
foreign() {	# foreign OUT CERTIFICATE OPTION...
	openssl smime -sign -binary -in text -inkey "$2.key" -signer "$2.pem" -out "$1" "${@:3}"
}
foreign f.p7s rsa2048 -nocerts -noattr -outform der
foreign f.pem rsa2048 -nocerts -noattr -outform pem
foreign attributes.p7s p256 -outform der
openssl cms -sign -binary -in text -inkey p384.key -signer p384.pem -md sha384 \
	-outform der -out cms.p7s
while read -r file key; do
	cp plain image
	ok "taken in: $file" "$mkimage" sign --signature "$file" --certificate "$key.pem" image
	ok "is good" "$mkimage" verify --certificate "$key.pem" image
done <<-END
	f.p7s rsa2048
	f.pem rsa2048
	attributes.p7s p256
	cms.p7s p384
END
cp plain image
ok "without the certificate, which is not in it" "$mkimage" sign --signature f.p7s image
is "it warns that it could not check it" "$(grep -c 'is not known' .output)" 1
ok "with the certificate inside" "$mkimage" sign --signature attributes.p7s image
is "there is no warning" "$(cat .output | wc -l)" 1
is "inspect prints the signer" "$(value image signature.signer_subject)" "CN = p256"
cp image before
printf '%s' "${root:1}0" >text
foreign wrong.p7s rsa2048 -noattr -outform der
"$mkimage" inspect --root-hash plain >text
foreign attached.p7s rsa2048 -noattr -nodetach -outform der
foreign sha1.p7s rsa2048 -noattr -md sha1 -outform der
openssl smime -sign -binary -in text -inkey rsa2048.key -signer rsa2048.pem \
	-inkey p256.key -signer p256.pem -outform der -out two.p7s
cat f.p7s attributes.p7s >trailing.p7s
head -c 300 f.p7s >cut.p7s
noise 400 4 >noise.p7s
cat rsa2048.pem p256.pem p384.pem other.pem p521.pem >many.pem
for _ in 1 2 3; do cat many.pem >>more.pem; done
openssl smime -sign -binary -in text -inkey rsa3072.key -signer rsa3072.pem \
	-certfile more.pem -outform der -out big.p7s
while read -r file why; do
	fails "refused: $file" 1 "$why" "$mkimage" sign --signature "$file" image
done <<-END
	wrong.p7s is not of this root hash
	attached.p7s it must be detached
	sha1.p7s too weak
	two.p7s 2 signers
	trailing.p7s not a signed PKCS#7
	cut.p7s not a signed PKCS#7
	noise.p7s not a signed PKCS#7
	big.p7s room for 8192
	text not a signed PKCS#7
	nothere No such file
END
fails "refused: by another" 1 "neither in the signature nor in other.pem" \
	"$mkimage" sign --signature f.p7s --certificate other.pem image
ok "none of them has changed the image" cmp image before

# Chains: the signature carries the certificates between the signer and the root.
cat >ca.conf <<-END
	[ca]
	basicConstraints = critical, CA:TRUE
	[leaf]
	basicConstraints = critical, CA:FALSE
END
issue() {	# issue NAME ISSUER SECTION [OPTION...]
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" \
		-out "$1.csr" -subj "/CN=$1" 2>/dev/null
	openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial \
		-extfile ca.conf -extensions "$3" -out "$1.pem" "${@:4}" 2>/dev/null
}
certificate root ec ec_paramgen_curve:P-256
issue between root ca -days 20
issue leaf between leaf -days 10
issue late between leaf -days -1
cat leaf.pem between.pem root.pem >chain.pem
cp plain image
"$mkimage" sign --key leaf.key --certificate chain.pem image >/dev/null
for anchor in root between leaf; do
	ok "a chain that leads to $anchor" "$mkimage" verify --certificate "$anchor.pem" image
done
is "verify prints the signer's fingerprint" \
	"$("$mkimage" verify --certificate root.pem image | sed -n 's/.*SHA-256 //p')" \
	"$(openssl x509 -in leaf.pem -noout -fingerprint -sha256 | sed 's/.*=//; s/://g' | tr A-F a-f)"
fails "one that leads nowhere" 1 "between leads to none in other.pem" \
	"$mkimage" verify --certificate other.pem image
"$mkimage" sign --key leaf.key --certificate leaf.pem image >/dev/null
fails "one with a gap" 1 "leaf leads to none in root.pem" \
	"$mkimage" verify --certificate root.pem image

# A certificate signed over a weak digest can be forged, by two certificates of one
# digest: it vouches for nothing, wherever it stands in the chain. Nor does one with
# a key that can be factored.
for digest in md5 sha1; do
	issue "$digest" rsa2048 ca "-$digest"
	issue "leaf-$digest" "$digest" leaf -sha256
	cat "leaf-$digest.pem" "$digest.pem" >chain.pem
	"$mkimage" sign --key "leaf-$digest.key" --certificate chain.pem image >/dev/null 2>&1
	fails "a chain by $digest" 1 "certificate of CN = $digest is signed over a digest that can be forged" \
		"$mkimage" verify --certificate rsa2048.pem image
	ok "the same, where it is trusted itself" "$mkimage" verify --certificate "$digest.pem" image
	issue "end-$digest" rsa2048 leaf "-$digest"
	"$mkimage" sign --key "end-$digest.key" --certificate "end-$digest.pem" image >/dev/null 2>&1
	fails "the signer's by $digest" 1 "end-$digest is signed over a digest that can be forged" \
		"$mkimage" verify --certificate rsa2048.pem image
done
issue leaf1024 rsa1024 leaf
"$mkimage" sign --key leaf1024.key --certificate leaf1024.pem image >/dev/null
fails "a root whose key is too small" 1 "rsa1024 has a key that is too small" \
	"$mkimage" verify --certificate rsa1024.pem image

cat late.pem between.pem >chain.pem
ok "an expired certificate signs" "$mkimage" sign --key late.key --certificate chain.pem image
is "with a warning" "$(grep -c 'has expired' .output)" 1
fails "and is not trusted" 1 "certificate of CN = late expired on 20[0-9-]+ [0-9:]+ UTC" \
	"$mkimage" verify --certificate root.pem image

# Layers, and squash.
mkdir more
seq 1 3000 >more/file
SOURCE_DATE_EPOCH=1700000000 "$mkimage" create --force tree image >/dev/null
cp image plain-base
ok "extend signs" "$mkimage" extend --in-place --key p256.key --certificate p256.pem image more
ok "the layer is signed" "$mkimage" verify --certificate p256.pem image
is "the base is not" "$("$mkimage" inspect --generation 0 image |
	sed -n 's/^signature.signed  *//p')" false
ok "squash" "$mkimage" squash --force image out
is "does not take the signature along" "$(value out signature.signed)" false
ok "squash signs" "$mkimage" squash --force --key rsa2048.key \
	--certificate rsa2048.pem image out
ok "the squashed image is signed" "$mkimage" verify --certificate rsa2048.pem out
is "and has the same root hash" "$(value out root_hash)" "$(value image root_hash)"
for command in "squash image out" "extend --in-place image more"; do
	# shellcheck disable=SC2086
	fails "${command%% *}: a key alone" 2 "${command%% *}: --key needs --certificate" \
		"$mkimage" $command --key rsa2048.key
	# shellcheck disable=SC2086
	fails "${command%% *}: a certificate alone" 2 "${command%% *}: --certificate needs --key" \
		"$mkimage" $command --certificate rsa2048.pem
done
# Epochs: a signature covers them, be it mkimage's or another tool's.
signer=(--key rsa2048.key --certificate rsa2048.pem)
cp plain image
is "an image has no epoch" "$(value image signature.epoch)" 0
ok "sign with an epoch" "$mkimage" sign "${signer[@]}" --epoch 7 --export epoch.p7s image
is "inspect prints it" "$(value image signature.epoch)" 7
is "the signed text is the root hash and the epoch" "$("$mkimage" inspect --signed-text image)" "$root epoch 7"
is "the root hash is as it was" "$("$mkimage" inspect --root-hash image)" "$root"
ok "the image is good" "$mkimage" verify --certificate rsa2048.pem image
"$mkimage" inspect --signed-text image >text
ok "openssl finds it good, of that text" openssl smime -verify -inform der -in epoch.p7s -content text -binary \
	-certfile rsa2048.pem -CAfile rsa2048.pem -purpose any -out /dev/null
printf %s "$root" >text
fails "and not of the root hash alone" 4 "" openssl smime -verify -inform der -in epoch.p7s -content text \
	-binary -certfile rsa2048.pem -CAfile rsa2048.pem -purpose any -out /dev/null
is "nothing but the head's first 12 KiB has changed" "$(cmp -l plain image | awk '$1 > 12288' | wc -l)" 0
"$mkimage" create --raw "${signer[@]}" --epoch 7 raw created7 >/dev/null
ok "create --epoch makes the same" cmp image created7
"$mkimage" create --raw --epoch 7 raw later >/dev/null
"$mkimage" sign "${signer[@]}" later >/dev/null
ok "and sign keeps the epoch that is there" cmp later image
# The epoch of another, with a head that matches its digest.
PYTHONPATH=$top/tests/lib python3 - <<'END'
import head
image = open("image", "rb").read()
for epoch in 0, 8:
    open("forged%d" % epoch, "wb").write(head.forged(image, (252, epoch.to_bytes(4, "little"))))
END
for epoch in 0 8; do
	is "a head that claims epoch $epoch" "$(value forged$epoch signature.epoch)" $epoch
	fails "does not fit its signature" 1 "is not of this root hash, $root" \
		"$mkimage" verify --certificate rsa2048.pem forged$epoch
done
printf %s "$root epoch 9" >text
foreign epoch9.p7s rsa2048 -nocerts -noattr -outform der
ok "a signature from elsewhere, with its epoch" "$mkimage" sign --signature epoch9.p7s \
	--certificate rsa2048.pem --epoch 9 image
is "inspect prints that" "$(value image signature.epoch)" 9
cp image before
fails "without it" 1 "is not of this root hash" "$mkimage" sign --signature f.p7s --certificate rsa2048.pem image
ok "changes nothing" cmp before image
ok "back to none" "$mkimage" sign "${signer[@]}" --epoch 0 image
ok "is as it was without one" cmp image created
fails "an epoch without a signer" 2 "needs --key or --signature" "$mkimage" sign --epoch 1 --export out image
fails "an epoch that is none" 2 "from 0 to 4294967295" "$mkimage" sign "${signer[@]}" --epoch 4294967296 image
cp plain-base image
"$mkimage" sign "${signer[@]}" --epoch 4 image >/dev/null
cp image base4
ok "a layer" "$mkimage" extend --in-place "${signer[@]}" image more
is "has the epoch of the generation before" "$(value image signature.epoch)" 4
cp base4 image
ok "or a higher one" "$mkimage" extend --in-place "${signer[@]}" --epoch 5 image more
is "has that epoch" "$(value image signature.epoch)" 5
is "the base keeps its own" "$("$mkimage" inspect --generation 0 image | sed -n 's/^signature.epoch  *//p')" 4
ok "and is good" "$mkimage" verify --certificate rsa2048.pem image
cp base4 image
fails "but no lower one" 1 "generation 0 has epoch 4: the next cannot have the lower --epoch 3" \
	"$mkimage" extend --in-place "${signer[@]}" --epoch 3 image more
ok "the image is unchanged" cmp base4 image
ok "squash" "$mkimage" squash --force image out
is "takes the epoch along" "$(value out signature.epoch)" 4

# A chain so long that the signature takes more room than a layer has by default.
before=root
for i in $(seq 12); do
	issue "long$i" "$before" ca
	before=long$i
done
issue longleaf "$before" leaf
{ cat longleaf.pem; for i in $(seq 12 -1 1); do cat "long$i.pem"; done; } >chain.pem
cp plain-base image
"$mkimage" extend --in-place image more >/dev/null
fails "a long chain in a layer" 1 "and it has room for" \
	"$mkimage" sign --key longleaf.key --certificate chain.pem image
cp plain-base image
ok "a long chain in a layer that is made for it" "$mkimage" extend --in-place \
	--key longleaf.key --certificate chain.pem image more
ok "it has $(value image signature.bytes) bytes" [ "$(value image signature.bytes)" -gt 3584 ]
ok "and is good" "$mkimage" verify --certificate root.pem image

# Every trust anchor that is given must hold.
"$mkimage" create --raw --force --key rsa2048.key --certificate rsa2048.pem raw image >/dev/null
other_root=$(printf '%s' "$root" | tr 0-9a-f 1-9a-f0)
fails "a root hash that does not agree with the signature" 1 "not the trusted one" \
	"$mkimage" verify --certificate rsa2048.pem --root-hash "$other_root" image
fails "an unsigned image" 1 "generation 0 is not signed" \
	"$mkimage" verify --certificate rsa2048.pem plain
"$mkimage" create --raw noise noise.inc >/dev/null
ok "a device that does not begin with zeros" "$mkimage" sign --key rsa2048.key --certificate rsa2048.pem noise.inc
is "is signed with a warning" "$(grep -c 'does not begin with 64 zeros' .output)" 1
fails "and not trusted" 1 "does not begin with 64 zeros" \
	"$mkimage" verify --certificate rsa2048.pem noise.inc

# Signing in place, and crashes: from any state on the disk between the steps, signing
# again makes a good image.
"$mkimage" create --raw --force --key rsa2048.key --certificate rsa2048.pem raw good >/dev/null
python3 - <<'END'
plain, good = open("plain", "rb").read(), open("good", "rb").read()
super, area = slice(0, 4096), slice(4096, 12288)
def state(name, s, a):
    open(name, "wb").write(s[super] + a + good[12288:])
state("step1", plain, good[area])                       # signature erased, area old
state("step2", plain, good[4096:8192] + bytes(4096))
state("step2half", plain, bytes(2048) + b"\xaa" * 2048 + bytes(4096))
END
for state in step1 step2 step2half; do
	fails "$state: verify refuses it" 1 "does not match its digest" "$mkimage" verify "$state"
	ok "$state: signing goes on" "$mkimage" sign --key rsa2048.key --certificate rsa2048.pem "$state"
	ok "$state: and makes it good" cmp "$state" good
done
cp good bad
flip bad 300
fails "an image with other damage is not signed" 1 "does not match its digest: it is corrupt" \
	"$mkimage" sign --key rsa2048.key --certificate rsa2048.pem bad
strace -f -e trace=pwrite64,fdatasync -o trace \
	"$mkimage" sign --key p256.key --certificate p256.pem good >/dev/null
is "each step is on the disk before the next" \
	"$(sed 's/^[0-9]* *\([a-z0-9]*\)(.*/\1/' trace | grep -v +++ | tr '\n' ' ')" \
	"pwrite64 fdatasync pwrite64 fdatasync pwrite64 fdatasync "

# A file that cannot be written.
cp plain image
fails "a file that another program has locked" 1 "image: in use" locked image shared \
	"$mkimage" sign --key rsa2048.key --certificate rsa2048.pem image
if [ "$(id -u)" = 0 ]; then
	chmod 755 .
	chmod 644 image rsa2048.key
	fails "a file that may only be read" 1 "image: cannot be opened for writing: Permission denied" \
		setpriv --reuid 65534 --clear-groups "$mkimage" sign --key rsa2048.key --certificate rsa2048.pem image
else
	chmod 444 image
	fails "a file that may only be read" 1 "image: cannot be opened for writing: Permission denied" \
		"$mkimage" sign --key rsa2048.key --certificate rsa2048.pem image
fi

finish
