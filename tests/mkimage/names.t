#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Names with newlines, escape characters, backslashes and bytes that are not UTF-8,
# as the tools print them.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"

cat >names.py <<'END'
import json, os, re, sys
NAMES = [b"new\nline", b"tab\there", b"escape\x1b[31m", b"\xff\xfe", b"cut\xe2\x82",
         b"back\\slash", b"back\\x41", b"c1\xc2\x9b2J", "\u00fcml\u00e4ut".encode(), b"\x7f"]

def undo(text):
    plain = {"n": b"\n", "t": b"\t", "r": b"\r", "\\": b"\\"}
    return b"".join(
        plain.get(m[1]) or bytes([int(m[1][1:], 16)]) if m[1] else m[2].encode()
        for m in re.finditer(r"\\(x..|.)|([^\\]+)", text, re.S))

def make():
    os.mkdir("more")
    for name in NAMES:
        open(b"more/" + name, "w").close()

def text(path):
    data = open(path, "rb").read()
    data.decode()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", data), "a control character"
    lines = data.decode().split("\n")
    got = sorted(undo(line.split(" ", 1)[1].strip()) for line in lines
                 if re.match(r"generations\.1\.added ", line))
    assert got == sorted(NAMES), got

def as_json(path):
    added = json.loads(open(path, "rb").read().decode())["generations"][1]["added"]
    assert sorted(map(undo, added)) == sorted(NAMES), added
    assert "\u00fcml\u00e4ut" in added and "new\nline" in added

dict(make=make, text=text, json=as_json)[sys.argv[1]](*sys.argv[2:])
END

mkdir empty
python3 names.py make
for fs in erofs ext4; do
	"$mkimage" create --force --fs $fs empty image >/dev/null
	"$mkimage" extend --in-place image more >/dev/null
	"$mkimage" inspect --files image >text
	"$mkimage" inspect --files --json image >json
	ok "$fs: names in text" python3 names.py text text
	ok "$fs: names in JSON" python3 names.py json json
done

# lines WHAT COUNT COMMAND...: COMMAND prints COUNT lines, and no control characters
lines() {
	local what=$1 count=$2
	shift 2
	"$@" >out 2>&1
	is "$what: lines" "$(wc -l <out)" "$count"
	is "$what: control characters" "$(LC_ALL=C tr -d '\n[ -~]' <out | wc -c)" 0
}

name=$'a\nb\e[31m\xff'
setup=${mkimage%/*}/incrementalsetup
lines create 4 "$mkimage" create empty "$name"
is "create prints its name" "$(sed -n 's/: .*//p' out | head -1)" 'a\nb\x1b[31m\xff'
lines extend 2 "$mkimage" extend --in-place "$name" more
lines verify 1 "$mkimage" verify "$name"
lines extract 1 "$mkimage" extract "$name" "$name.raw"
ok "inspect" "$mkimage" inspect --json "$name"
is "inspect prints its name" "$("$mkimage" inspect --json "$name" |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["image"].encode())')" \
	"$(printf '%s' "b'a\\nb\\x1b[31m\\\\xff'")"
lines "an error" 1 "$mkimage" verify "$name.none"
[ ! -x "$setup" ] ||
	lines "incrementalsetup create" 7 "$setup" create --origin "$name" "$name.local"
finish
