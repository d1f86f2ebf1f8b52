#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# incremental-generator makes units of lines of incrementaltab(5), and leaves out those
# that are wrong; systemd takes the units. No root, no kernel.

set -u
cd "$(dirname "$0")/../.." || exit
work=$(mktemp -d /tmp/dm-incremental-generator.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
. tests/lib/tap.sh

generator=$work/incremental-generator
setup=$PWD/build/incrementalsetup
ln -s "$setup" "$generator"
tab=$work/tab

generate() {	# generate: units of $tab in $work/units
	rm -rf "$work/units"
	mkdir "$work/units"
	INCREMENTALTAB=$tab "$generator" "$work/units" "$work/units" "$work/units"
}
refused() {	# refused TEXT LINE: with its sentence, and without a unit
	printf '%s\n' "$2" >"$tab"
	fails "$1" 4 "tab, line 1: .*$1" generate
	is "and there is no unit of it" "$(ls "$work/units")" ""
}
has() {		# has UNIT LINE: its part has that line
	grep -qxF -e "$2" "$work/units/incremental@$1.service.d/50-incrementaltab.conf"
}

rm -f "$tab"
ok "without a table" generate
is "there are no units" "$(ls "$work/units")" ""
cat >"$tab" <<'END'
# NAME LOCAL ORIGIN ROOT OPTIONS

app - https://example.com/app.inc 2289ac78 no-prefetch
 on-disk /srv/100%.inc /mnt/app.inc
later - http://example.com/l.inc - noauto
any	-	file:/mnt/x.inc	-	nofail,_netdev,netrc-file="/etc/a,b"
whole /dev/vdb
root - http://example.com/r.inc - x-initrd.attach
END
ok "a table" generate
ok "of a URL: with the network" has app After="network-online.target nss-lookup.target"
ok "a loader" has app Wants=incrementald@app.service
ok "before what mounts that need the network belong to" has app Before=remote-fs.target
ok "which pulls it in" test -L "$work/units/remote-fs.target.wants/incremental@app.service"
ok "as the device does" test -L "$work/units/dev-mapper-app.device.requires/incremental@app.service"
ok "of a file: names are escaped, and paths" has 'on\x2ddisk' 'RequiresMountsFor="/srv/100%%.inc"'
ok "it is a local one" test -L "$work/units/local-fs.target.wants/incremental@on\x2ddisk.service"
ok "noauto: nothing pulls it in" eval '! find "$work/units" -type l | grep later'
ok "but it is there" has later Wants=incrementald@later.service
ok "nofail: nothing waits for it" eval '! grep Before= "$work/units/incremental@any.service.d/"*'
ok "_netdev: it is a remote one" test -L "$work/units/remote-fs.target.wants/incremental@any.service"
ok "a whole image has no loader" eval '! grep incrementald "$work/units/incremental@whole.service.d/"*'
ok "what the initramfs makes has no unit" eval '! find "$work/units" | grep root'
mkdir -p "$work/check"
cp userspace/systemd/*.service "$work/check"
sed -i 's,/usr/sbin/incremental,'"$PWD/build/incremental," "$work/check"/*
if command -v systemd-analyze >/dev/null; then
	cp "$work/check/incremental@.service" "$work/check/incremental@app.service"
	cp "$work/check/incrementald@.service" "$work/check/incrementald@app.service"
	SYSTEMD_UNIT_PATH=$work/check: systemd-analyze --man=no verify "$work/check/incremental@app.service" \
		"$work/check/incrementald@app.service" >"$work/verify" 2>&1
	is "systemd finds no fault in the units" "$(grep incremental "$work/verify")" ""
else
	echo "ok $((++tests)) # SKIP there is no systemd-analyze"
fi

echo "# wrong lines"
refused "cannot be a device's name" 'a/b /x'
refused "cannot be a device's name" "$(printf 'n%.0s' {1..128}) /x"
refused "control character" "$(printf 'a\033b /x')"
refused "more than five words" 'a /x - - nofail b'
refused "neither a local image nor an origin" 'a - - - nofail'
refused "neither a local image nor an origin" 'a'
refused "not an absolute path" 'a x.inc'
printf 'a /x\0y\n' >"$tab"
fails "a zero byte" 4 'line 1: it has a zero byte' generate
printf 'a /x\na /y\nb /z\n' >"$tab"
fails "a device twice" 4 'line 2: there is a line for this device already' generate
ok "the next line counts" has b 'RequiresMountsFor="/z"'
head -c 1100000 /dev/zero | tr '\0' '#' >"$tab"
fails "a table without end" 4 'not a file of at most 1 MiB' generate
printf 'a /x\n' >"$tab"
fails "a directory that is not there" 4 'No such file' env INCREMENTALTAB="$tab" "$generator" "$work/nowhere"
fails "no directory" 1 usage "$generator"

[ "$(id -u)" = 0 ] || {
	finish
	exit
}
echo "# attach"
attach() {	# attach LINE: of device a
	printf '%s\n' "$1" >"$tab"
	"$setup" attach --tab "$tab" a
}
fails "no line" - 'has no line for device a$' attach 'b /x'
fails "an option that is none" 1 'line 1: there is no option "colour"' attach 'a /x - - colour=red'
fails "an option of mount's" 1 'line 1: the option "fs-type" is mount' attach 'a /x - - nofail,fs-type=erofs'
fails "a quotation mark too few" 1 'line 1: a quotation mark is missing' attach 'a /x - - origin="y'
fails "a root hash that is none" 1 'not a hexadecimal digest' attach 'a /x - xyz'
fails "an epoch without a signature" 1 'needs --certificate' attach 'a /x - - min-epoch=3'
fails "no table" - 'No such file' "$setup" attach --tab "$work/nowhere" a
finish
