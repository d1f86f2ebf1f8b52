#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A device in use is taken to other generations of its image.

# shellcheck disable=SC2120	# update's options
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
live=$top/build/tests/livetool

LOCAL=$work/live.inc
mkdir mnt

# Starting dmsetup takes a while.  All devices with their generations: "app: 0".
devices() {
	dmsetup table | cut -d ' ' -f 1,7 | sort | tr '\n' ' ' | sed 's/ $//'
}
devices_are() {
	[ "$(devices)" = "$*" ]
}

start() {	# start IMAGE [OPTION...]: device app of a copy of it, mounted
	cp "$images/$1" "$LOCAL" && chmod u+w "$LOCAL" &&
		incrementalsetup open "${@:2}" "$LOCAL" app &&
		mounted /dev/mapper/app mnt -o ro,nosuid &&
		loop_of app
}

end() {
	unmounted mnt && incrementalsetup close app && within 10 no_node
}

update() {
	incrementalsetup update "$@" app
}

# refused WHAT WHY OPTION...: update fails, and its message has WHY
refused() {
	local what=$1 why=$2
	shift 2
	fails "refused: $what" - "" update "$@"
	like "with the reason" "$(cat .errors)" "$why"
}
unchanged() {
	is "nothing has changed" "$(devices) $(stat -c %s "$LOCAL")" "app: 0 $size"
}

# The version that is mounted, if every file of it is right.
reads() {
	forget mnt
	"$live" read mnt 1 | cut -d ' ' -f 1
}
just_one() {	# just_one GENERATION [WHEN]: no trace of another generation is left
	within 60 devices_are "app: $1"
	is "one device, mounted once${2-}" "$(devices) $(grep -c " $work/mnt " /proc/self/mountinfo)" "app: $1 1"
}

# ---- layers from files, no loader ----

ok "generation 0" start live.inc --read-timeout 5000
size=$(stat -c %s "$LOCAL")
refused "a layer out of order" "generation 2, and generation 1 has to come first" --layer "$images/live.2.layer"
refused "another image's" "belongs to another image" --layer "$images/live-other.layer"
head -c 40000 "$images/live.1.layer" >short
refused "one that is cut short" "short: " --layer short
head -c 400 "$images/live.1.layer" >short
refused "one that is much shorter" "too short" --layer short
cp "$images/live.1.layer" bad
chmod u+w bad
"$tool" flip bad 50000
refused "one with a bit flipped" "bad: |does not match|digest|is not zero" --layer bad
refused "a whole image" "not a layer" --layer "$images/live.inc"
refused "one that is not signed" "not signed" --layer "$images/live.1.layer" --certificate "$images/rsa2048.crt"
refused "another root hash" "not the trusted one" --layer "$images/live.1.layer" --root-hash "$(printf '%064d' 1)"
refused "an origin that is not there" "nothere: " --origin nothere
refused "no origin at all" "give --origin or --layer"
refused "where it is not mounted" "not mounted on /tmp" --layer "$images/live.1.layer" --mountpoint /tmp
mount -t tmpfs inside mnt 2>/dev/null
refused "a mount over it" "unmount it first" --layer "$images/live.1.layer"
umount mnt
ok "dry run" update --dry-run --layer "$images/live.1.layer"
unchanged
ok "a layer" update --layer "$images/live.1.layer"
is "its files are read" "$(reads)" 1
just_one 1
is "with the options of before" "$(dmsetup table app | cut -d ' ' -f 10-) $(grep -o 'ro,nosuid[^ ]*' /proc/self/mountinfo)" \
	"4 read_timeout 5000 absent_readahead hint ro,nosuid,relatime"
ok "the same once more" update --layer "$images/live.1.layer"
is "is nothing new" "$(cat .output)" "app: nothing newer than generation 1"
cat "$images/live.inc" "$images/live.1.layer" >both
ok "the local file is the image and the layer" cmp both "$LOCAL"
ok "back" incrementalsetup rollback app
is "its files are read" "$(reads)" 0
fails "further back" - "" incrementalsetup rollback app
ok "and on again, without an origin" update
is "its files are read" "$(reads)" 1
just_one 1
end

# ---- signatures ----

ok "a signed generation 0" start live-signed.inc --certificate "$images/stranger.crt"
refused "nothing vouches for it" "needs --root-hash, --certificate or" --layer "$images/live-signed.1.layer"
refused "another certificate" "neither in the signature nor in" \
	--layer "$images/live-signed.1.layer" --certificate "$images/rsa2048.crt"
ok "with the certificate" update --layer "$images/live-signed.1.layer" --certificate "$images/stranger.crt"
is "the size is still to be proved" "$(dmsetup table app | cut -d ' ' -f 10-)" "3 absent_readahead hint prove_size"
is "and reads are right" "$(reads)" 1
cat "$images/live.2.layer" >next
fails "the next one is not signed" - "" update --layer next --certificate "$images/stranger.crt"
fails "the kernel has no such key" - "" incrementalsetup rollback --require-signature app
like "with the reason" "$(cat .errors)" "the kernel refuses the device: .*keyring"
just_one 1 ", as before"
ok "back, signed" incrementalsetup rollback --certificate "$images/stranger.crt" app
is "reads are right" "$(reads)" 0
end

# ---- a signal, while data of the new generation does not come ----

cat "$images/live.inc" "$images/live.1.layer" >origin.inc
ok "generation 0" start live.inc --read-timeout 600000
new_waits() {
	[ "$(field waiting app-new 2>/dev/null)" -ge 1 ] 2>/dev/null
}
has_ended() {
	! kill -0 "$1" 2>/dev/null
}
incrementalsetup update --origin origin.inc app >waits 2>&1 &
updater=$!
readers+=("$updater")
ok "update waits" within 20 new_waits
kill "$updater"
ok "a signal ends it" within 20 has_ended "$updater"
wait "$updater"
is "as signals do" "$?" 143
just_one 0 ", as before"
is "reads are right" "$(reads)" 0
end

# ---- layers come into an app that runs ----

# Update is killed before each of its steps, for each layer one further on; the
# next update finishes.  No other program is started meanwhile: it takes long.
cp "$images/live.inc" origin.inc
chmod u+w origin.inc
ok "generation 0" start live.inc
incrementald --no-prefetch --origin "$work/origin.inc" "$NODE" >loader.log 2>&1 &
LOADER=$!
loaders+=("$LOADER")
within 20 field_is loaders 1 app
"$live" hold mnt/version >held 2>&1 &
holder=$!
readers+=("$holder")
ok "a file of generation 0 is open" within 20 test -s held
"$live" read mnt >opened 2>&1 &
reader=$!
readers+=("$reader")
filled=$(field filled app)
sharing() {	# the propagation of the mount below ours
	awk '$5 == "/tmp" { print $7 }' /proc/self/mountinfo
}
before=$(sharing)
base=$(stat -c %s origin.inc) killed=0
for ((n = 1; n <= 25; n++)); do
	cat "$images/live.$n.layer" >>origin.inc
	"$live" killat $n all incrementalsetup update app >killed 2>&1
	status=$?
	[ $status != 137 ] || killed=$((killed + 1))
	[ $status = 137 ] || [ $n -lt 10 ] || break
	kill -0 $reader 2>/dev/null || break
	update >again 2>&1 || break
	at="(is at|newer than) generation $n(\$|[^0-9])"
	[[ $(<again) =~ $at ]] || break
done
appended=$(($(stat -c %s origin.inc) - base))
is "whenever update was killed, the next one has finished" "$status" 0 ||
	note "$n: $(cat killed again) $(devices)"
between "as often as it has steps" $killed 10 24
note "$n layers, update killed before each of $killed calls"
is "the mount below is as private as before" "$(sharing)" "$before"
kill $reader
wait $reader
is "no open failed meanwhile, no byte was wrong" "$?" 0 || note "$(cat opened)"
like "and all is new" "$(cat opened)" "^$n [0-9]+$"
note "$(cut -d ' ' -f 2 opened) files opened"
between "only new data was fetched" $((($(field filled app) - filled) * 4096)) 1 $appended
stop
is "without a loader it reads right" "$(reads)" $n
ok "the old device is there, as it is used, and no other" within 60 devices_are "app-gen0: 0 app: $n"
kill $holder
wait $holder
is "an open file is unchanged" "$?" 0 || note "$(cat held)"
just_one $n ", when it is closed"
ok "back to the start" incrementalsetup rollback --generation 0 app
is "its files are read" "$(reads)" 0
end
the_end
