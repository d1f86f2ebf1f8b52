#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A message of the tools names the file once, gives the reason, and advises only
# options that the command has.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
setup=${mkimage%/*}/incrementalsetup
loader=${mkimage%/*}/incrementald

raw raw 200
"$mkimage" create --raw raw good.inc >/dev/null || exit
cp good.inc bad.inc
flip bad.inc $(($(stat -c %s bad.inc) - 4097)) 3
mkdir tree
echo 1 >tree/file
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout key.pem -out cert.pem -subj /CN=test >/dev/null 2>&1

# says WHAT STATUS LINE COMMAND...: COMMAND's stderr is LINE and nothing else
says() {
	local what=$1 status=$2 line=$3 got
	shift 3
	"$@" >.output 2>.errors
	got=$?
	is "$what" "$got $(cat .errors)" "$status $line"
}

# ---- the file is named once ----

no="No such file or directory"
says "verify names it once" 1 "mkimage: nope: $no" "$mkimage" verify nope
says "inspect" 1 "mkimage: nope: $no" "$mkimage" inspect nope
says "extract" 1 "mkimage: nope: $no" "$mkimage" extract nope out
says "squash" 1 "mkimage: nope: $no" "$mkimage" squash nope out.inc
fails "extend" 1 "^mkimage: nope: (cannot[ a-z]*: )?$no\$" \
	"$mkimage" extend --in-place nope tree
fails "sign" 1 "^mkimage: nope: (cannot[ a-z]*: )?$no\$" \
	"$mkimage" sign --key key.pem --certificate cert.pem nope
says "open" 4 "incrementalsetup: nope: $no" "$setup" open nope name
says "table" 4 "incrementalsetup: nope: $no" "$setup" table nope name
says "a directory" 1 "mkimage: tree: Is a directory" "$mkimage" inspect tree

head -c 5000 good.inc >short.inc
fails "a short file is named once, with the reason" 1 \
	'^mkimage: short\.inc: [^:]*segment' "$mkimage" inspect short.inc

# ---- a long path does not hide the reason ----

long=$(printf '%0200d/%.0s' {1..20})nope
fails "a long path" 1 ": $no\$" "$mkimage" create "$long" x.inc
fails "of an image" 1 ": $no\$" "$mkimage" verify "$long"
fails "of incrementalsetup" 4 ": $no\$" "$setup" open "$long" name
fails "of an origin" 4 ": $no\$" "$setup" create --origin "$long" d.inc
fails "of a certificate" 4 ": $no\$" \
	"$setup" create --certificate "$long" --origin good.inc d.inc

# ---- a bad certificate is not the image's fault ----

echo nothing >empty.pem
says "create: a certificate that is not there" 4 "incrementalsetup: nope.pem: $no" \
	"$setup" create --certificate nope.pem --origin good.inc d.inc
says "create: a file without one" 4 \
	"incrementalsetup: empty.pem: there is no certificate in PEM in it" \
	"$setup" create --certificate empty.pem --origin good.inc d.inc
is "nothing was made" "$(ls d.inc* 2>&1 | head -1)" \
	"ls: cannot access 'd.inc*': $no"
says "verify: a certificate that is not there" 1 "mkimage: nope.pem: $no" \
	"$mkimage" verify --certificate nope.pem good.inc

# ---- the number of errors ----

fails "one error" 1 'bad.inc: damaged: 1 error$' "$mkimage" verify bad.inc

# ---- advice that can be taken ----

fails "inspect --files of an image without a filesystem" 1 \
	'neither erofs nor ext4; --files does not know its files$' \
	"$mkimage" inspect --files good.inc
fails "table on a file that is no device" 4 '^incrementalsetup: /dev/null is not a block device' \
	"$setup" table good.inc /dev/null
fails "table on a regular file" 4 '^incrementalsetup: raw is not a block device .see losetup' \
	"$setup" table good.inc raw
is "it prints no table" "$(cat "$work/.output")" ""
ok "table on a device that comes later" "$setup" table good.inc /dev/later

# ---- once, not once for each thread ----

noise $((4 << 20)) 7 >random
"$mkimage" create --raw random noise.inc >/dev/null
mkdir full
# shellcheck disable=SC2016 # it is for the inner shell
unshare --map-root-user --mount sh -c '
	mount -t tmpfs -o size=1m none full &&
	"$0" extract --threads 8 noise.inc full/out; echo $?; ls full' \
	"$mkimage" >.left 2>.errors
is "extract to a full disk reports it once" "$(wc -l <.errors)" 1
ok "with the place and the reason" grep -Eq \
	'^mkimage: full/out: writing at offset [0-9]+: No space left on device$' .errors
is "and leaves nothing" "$(cat .left)" 1

# The source is not to blame for a disk that is full, nor is a file without a place.
mkdir -p random.d
ln random random.d
"$mkimage" create --raw --force raw small.inc >/dev/null
# shellcheck disable=SC2086 # words
for command in "create random.d" "create --fs ext4 random.d" "squash noise.inc" \
	"extend small.inc --raw random --output"; do
	# shellcheck disable=SC2016 # it is for the inner shell
	unshare --map-root-user --mount sh -c '
		mount -t tmpfs -o size=64k none full || exit
		head -c 60000 /dev/zero >full/other
		"$0" "$@" full/out; echo $?; ls full' \
		"$mkimage" $command >.left 2>.errors
	like "$command on a full disk names the file" "$(tail -1 .errors)" \
		'^mkimage: (temporary file beside the output: .*No space|mke2fs, which writes to a temporary file beside the output)'
	is "$command: and leaves nothing" "$(tr '\n' ' ' <.left)" "1 other "
done

# The temporary files fit, and the output does not.
while read -r size command; do
	# shellcheck disable=SC2016,SC2086 # it is for the inner shell; words
	unshare --map-root-user --mount sh -c '
		mount -t tmpfs -o "size=$1" none full || exit
		shift
		"$0" "$@" full/out; echo $?; ls full' \
		"$mkimage" "$size" $command >.left 2>.errors </dev/null
	like "$command where the output does not fit names it" "$(tail -1 .errors)" \
		'^mkimage: full/out: writing at offset [0-9]+: No space left on device$'
	is "$command: and leaves nothing there" "$(cat .left)" 1
done <<'END'
10m create --fs erofs random.d
10m create --fs ext4 random.d
10m squash noise.inc
10m extend small.inc --raw random --output
END

# ---- options ----

for tool in "$mkimage inspect" "$setup" "$loader"; do
	for option in --$'a\e[31m\nb' -$'\e' --force=$'\e' --json=$'\e'; do
		# shellcheck disable=SC2086 # words
		$tool "$option" x >.output 2>.errors
		like "${tool##*/} escapes an option that it does not know" "$(head -1 .errors)" \
			"^(mkimage|incrementald|incrementalsetup): (unrecognized|invalid) option .*|option '--[a-z]*' doesn't"
		is "and no control character is left" "$(tr -d '\n -~' <.errors | wc -c)" 0
	done
done
fails "an argument too few" 1 "^incrementalsetup: option '--origin' requires an argument" \
	"$setup" create --origin
fails "an option that could be two" 1 "^incrementalsetup: option '--ori' is ambiguous" "$setup" create --ori x

# ---- help and version ----

for word in --help -h; do
	is "mkimage $word" "$("$mkimage" $word | head -1)" \
		"Usage: mkimage COMMAND [OPTION]... OPERAND..."
	is "mkimage verify $word" "$("$mkimage" verify $word | head -1)" \
		"Usage: mkimage verify [OPTION]... IMAGE"
	is "incrementalsetup $word" "$("$setup" $word | head -1)" \
		"Usage: incrementalsetup COMMAND [OPTION]... ARGUMENT..."
	is "incrementalsetup close $word" "$("$setup" close $word | head -1)" \
		"Usage: incrementalsetup close [OPTION]... NAME"
done
for command in create open close status table wait scrub monitor unmonitor \
	update rollback evict; do
	is "incrementalsetup $command --help has its options only" \
		"$("$setup" $command --help | grep -Ec "^(create|open|update)$|^Usage")" 1
done
for word in --version -V; do
	for tool in "$mkimage" "$setup" "$loader" "$mkimage verify"; do
		ok "${tool##*/} $word" grep -Eq '[0-9]+\.[0-9]+$' <($tool $word)
	done
done

# ---- without root ----

chmod 755 "$work"
fails "incrementald without root says so" 4 \
	'nodevice is not an incremental device and has none that this user can see; root is needed$' \
	setpriv --reuid 65534 --clear-groups "$loader" --origin good.inc nodevice

finish
