#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command lines of incrementald and incrementalsetup, as far as they need no
# kernel.

# shellcheck source=tests/loader/lib.sh
. "$(dirname "$0")/lib.sh"

make_image app 500000
root=$(cat app.root)

for tool in incrementald incrementalsetup; do
	is "$tool --help goes to stdout" "$($tool --help | head -n 1 | cut -d' ' -f 1-2)" "Usage: $tool"
	ok "$tool --version" $tool --version
	fails "$tool without arguments" 1 "missing" $tool
	fails "$tool with an unknown option" 1 "nonsense" $tool --nonsense
done

# ---- incrementald ----
fails "no device" 1 "DEVICE is missing" incrementald --origin app.inc
fails "no origin" 1 "at least one --origin" incrementald loop0
fails "two devices" 1 "one argument too many" incrementald --origin app.inc loop0 loop1
for bad in 0 257 -1 8x "" 99999999999999999999 " 8" 0x8; do
	fails "--jobs \"$bad\"" 1 "must be a number from 1 to 256" incrementald --jobs "$bad" --origin app.inc loop0
done
fails "--root-hash that is no hex" 1 "not a hexadecimal digest" incrementald --root-hash xyz --origin app.inc loop0
fails "--root-hash too long" 1 "not a hexadecimal digest" incrementald --root-hash "$(printf '00%.0s' {1..65})" --origin app.inc loop0
many=()
for i in {1..17}; do
	many+=(--origin "$i")
done
fails "17 origins" 1 "16 origins at most" incrementald "${many[@]}" loop0
fails "--sandbox that is no mode" 1 "auto, required or off" incrementald --sandbox maybe --origin app.inc loop0
fails "a device that does not exist" 4 "not an incremental device" incrementald --origin app.inc nothere
fails "a node that does not exist" 4 "cannot open /dev/incremental/nothere" incrementald --origin app.inc /dev/incremental/nothere
fails "a file as device" 4 "not an incremental device" incrementald --origin app.inc ./app.inc
fails "a character device of another kind" 4 "not an incremental device" incrementald --origin app.inc /dev/null
fails "a daemon hands its status back" 4 "not an incremental device" incrementald --daemon --origin app.inc nothere

# ---- incrementalsetup ----
fails "an unknown command" 1 'no command "nonsense"' incrementalsetup nonsense
fails "create without an origin" 1 "needs an --origin" incrementalsetup create x.inc
for command in "create --origin app.inc" open close status table wait update rollback; do
	# shellcheck disable=SC2086
	fails "$command without arguments" 1 "usage: incrementalsetup" incrementalsetup $command
	# shellcheck disable=SC2086
	fails "$command with too many" 1 "usage: incrementalsetup" incrementalsetup $command a b c
done
fails "an option of another command" 1 "close does not take --force" incrementalsetup close --force x
fails "layer and origin" 1 "do not go together" incrementalsetup update --layer app.inc --origin app.inc x
fails "--read-timeout that is too long" 1 "from 0 to 3600000" incrementalsetup table --read-timeout 3600001 app.inc /dev/loop0
fails "--generation that is no number" 1 "must be a number" incrementalsetup table --generation new app.inc /dev/loop0
fails "--absent-readahead wrong" 1 "fetch or hint" incrementalsetup table --absent-readahead maybe app.inc /dev/loop0
fails "--on-corruption wrong" 1 "refetch, fail or panic" incrementalsetup table --on-corruption ignore app.inc /dev/loop0
fails "a root hash of a file that has none" 1 "not a hexadecimal digest" incrementalsetup table --root-hash-file app.inc app.inc /dev/loop0
fails "a root hash of no file" 4 "cannot open nowhere" incrementalsetup table --root-hash-file nowhere app.inc /dev/loop0
fails "--deferred and its opposite" 1 "exclude each other" incrementalsetup close --deferred --cancel-deferred x
is "--usage has a line for each command" "$(incrementalsetup --usage | wc -l)" "$(incrementalsetup --help | grep -c '^  [a-z]')"

# ---- dump ----
incrementalsetup dump app.inc >dumped
like "dump has the root hash" "$(<dumped)" "Root hash: +\\s*$root"
like "and the UUID" "$(<dumped)" "UUID: +\\s*$(sed -n 's/^UUID: *//p' app.made)"
is "as many blocks as inspect says" "$(sed -n 's/^Data blocks:\s*//p' dumped)" "$(($(mkimage inspect app.inc | sed -n 's/^device_bytes  *//p') / 4096))"
printf '%s\n' "$root" >root.hash
ok "dump with the root hash of a file" incrementalsetup dump --root-hash-file root.hash app.inc
fails "another's" 2 "not the trusted one" incrementalsetup dump --root-hash "${root//[0-9]/0}" app.inc
fails "dump of what is no image" - "" incrementalsetup dump /etc/passwd

# The table is made of the head.
salt=$(sed -n 's/^salt: *//p' app.made)
sectors=$(($(mkimage inspect app.inc | sed -n 's/^device_bytes  *//p') / 512))
is "table" "$(incrementalsetup table app.inc /dev/loop9)" \
	"0 $sectors incremental 1 /dev/loop9 0 sha256 $root $salt 2 absent_readahead hint"
like "--on-corruption is in it" "$(incrementalsetup table --on-corruption panic app.inc /dev/loop9)" \
	"absent_readahead hint on_corruption panic$"
is "table with options" "$(incrementalsetup table --absent-readahead hint --commit-interval 7 --read-timeout 0 app.inc 7:9 | cut -d' ' -f 10-)" \
	"6 read_timeout 0 commit_interval 7 absent_readahead hint"
mkimage create --force --salt - app.src bare.inc >/dev/null 2>&1
is "table without salt" "$(incrementalsetup table --absent-readahead fetch bare.inc 7:9 | cut -d' ' -f 9-)" "-"
ok "table with the right root hash" incrementalsetup table --root-hash "$root" app.inc /dev/loop0
is "the table makes the kernel prove the size, too" "$(incrementalsetup table --absent-readahead fetch --root-hash "$root" app.inc /dev/loop0 | cut -d' ' -f 10-)" "1 prove_size"
is "or not, with --unproved-size" "$(incrementalsetup table --absent-readahead fetch --root-hash "$root" --unproved-size app.inc /dev/loop0 | cut -d' ' -f 10-)" ""
fails "but not where the kernel checks the signature" 1 "exclude each other" incrementalsetup table --unproved-size --require-signature app.inc /dev/loop0
fails "table with a wrong one" 2 "not the trusted one" incrementalsetup table --root-hash "$(tr 0-9a-f 1-9a-f0 <app.root)" app.inc /dev/loop0
fails "table with one of another size" 1 "root digest" incrementalsetup table --root-hash abcd app.inc /dev/loop0
openssl req -x509 -newkey rsa:2048 -nodes -keyout epoch.key -out epoch.crt -subj /CN=epoch 2>/dev/null
cp app.inc epoch.inc
mkimage sign --key epoch.key --certificate epoch.crt --epoch 2 epoch.inc >/dev/null
fails "table with an epoch that is too low" 2 "generation 0 has epoch 2, and at least 3 is required" incrementalsetup table --certificate epoch.crt --min-epoch 3 epoch.inc /dev/loop0
fails "the same where the kernel checks it" 2 "epoch 2, and at least 3" incrementalsetup table --require-signature --min-epoch 3 epoch.inc /dev/loop0
ok "with one that is high enough" incrementalsetup table --certificate epoch.crt --min-epoch 2 epoch.inc /dev/loop0
is "the table makes the kernel check it, too" "$(incrementalsetup table --require-signature --min-epoch 1 --absent-readahead fetch epoch.inc /dev/loop0 | cut -d' ' -f 10-)" "3 require_signature min_epoch 1"
fails "an epoch without a signature" 1 "only a signature vouches for an epoch" incrementalsetup table --min-epoch 1 epoch.inc /dev/loop0
fails "create with an epoch that is too low" 2 "epoch 2, and at least 3" incrementalsetup create --certificate epoch.crt --min-epoch 3 --origin epoch.inc late.inc
ok "no file is made" test ! -e late.inc
fails "table with a generation that is not there" 4 "no generation 3" incrementalsetup table --generation 3 app.inc /dev/loop0
fails "a device name with a space" 1 "cannot stand in a table" incrementalsetup table app.inc "/dev/loop0 x"
fails "table of no file" 4 "nothere" incrementalsetup table nothere.inc /dev/loop0
fails "table of a directory" 4 "directory" incrementalsetup table . /dev/loop0
fails "a device's name with a slash" 1 "cannot be a device's name" incrementalsetup open app.inc a/b
fails "an empty one" 1 "cannot be a device's name" incrementalsetup close ""
fails "a long one" 1 "cannot be a device's name" incrementalsetup status "$(printf 'x%.0s' {1..200})"

fails "create with a root hash of another size" 1 "root digest" incrementalsetup create --root-hash abcd --origin app.inc x.inc
fails "an empty device" 1 "cannot stand in a table" incrementalsetup table app.inc ""

# The reason is printed where the kernel has no device-mapper, and to other users
# than root.
no_device_mapper() {
	! [ -e /sys/class/misc/device-mapper ]
}
if no_device_mapper && [ "$(id -u)" = 0 ]; then
	for command in "open app.inc x" "status x" "close x" "wait x" "update x"; do
		# shellcheck disable=SC2086
		fails "$command without device-mapper" 4 "the kernel has no device-mapper" incrementalsetup $command
	done
fi
chmod 755 .
if [ "$(id -u)" = 0 ]; then
	cp "$bin/incrementalsetup" .
	as_nobody() {
		setpriv --reuid nobody --regid nogroup --clear-groups "$@"
	}
else
	as_nobody() {
		"$@"
	}
fi
for command in "open app.inc x" "status x" "close x" "wait x" "update x"; do
	# shellcheck disable=SC2086
	fails "$command without being root" 2 "root is needed" as_nobody ./incrementalsetup $command
done

cp app.inc bad.inc
printf '\377' | dd of=bad.inc bs=1 seek=4500 conv=notrunc status=none
fails "a corrupt head" 2 "does not match its digest" incrementalsetup table bad.inc /dev/loop0
head -c 20480 app.inc >cut.inc
fails "a truncated image" 4 "truncated" incrementalsetup table cut.inc /dev/loop0

finish
