#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The shared library, its header, pkg-config file, Python module and examples, as make install
# puts them below a directory.

set -uo pipefail
cd "$(dirname "$0")/.." || exit
top=$PWD
work=$(mktemp -d "${TMPDIR:-/tmp}/library-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
CC=${CC:-cc} CXX=${CXX:-c++}
root=$work/root
lib=$root/usr/lib
header=$root/usr/include/incremental.h

ok "make install" make -s install DESTDIR="$root" prefix=/usr
is "the library's SONAME" "$(readelf -d "$lib/libincremental.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')" libincremental.so.0
ok "which the run-time linker finds" test -e "$lib/libincremental.so.0"

# Names that the header declares, and that the library has.
nm -D --defined-only "$lib/libincremental.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/exported"
sed -n '/^[a-z].*incremental_[a-z_]*(/s/.*\(incremental_[a-z_]*\)(.*/\1/p' "$header" | sort >"$work/declared"
ok "it exports what the header declares, and nothing else" diff "$work/declared" "$work/exported"
between "that is some" "$(wc -l <"$work/exported")" 10 100
ok "each has a version" sh -c '! nm -D --defined-only "$1" | grep " T " | grep -v @@LIBINCREMENTAL_' - "$lib/libincremental.so"

# The header by itself.
echo '#include <incremental.h>
#include <incremental.h>
int main(void) { return *incremental_version() != 48; }' >"$work/plain.c"
cp "$work/plain.c" "$work/plain.cc"
ok "the header is C99" "$CC" -std=c99 -pedantic -Wall -Wextra -Werror -I"$root/usr/include" -fsyntax-only "$work/plain.c"
ok "and C++" "$CXX" -std=c++98 -Wno-long-long -pedantic -Wall -Wextra -Werror -I"$root/usr/include" -fsyntax-only "$work/plain.cc"
foreign() {
	"$CC" -E -P -I"$root/usr/include" "$work/plain.c" | grep -E '\b(inc|incr|dm_inc)_|\b(u8|u16|u32|u64|__le[0-9]+)\b'
}
is "it has no types of the format" "$(foreign)" ""

export PKG_CONFIG_PATH=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root LD_LIBRARY_PATH=$lib
is "pkg-config knows the version" "$(pkg-config --modversion incremental)" "$(sed -n 's/^VERSION.*:= //p' Makefile)"
read -ra flags <<<"$(pkg-config --cflags --libs incremental)"
for source in examples/*.c; do
	name=$(basename "$source" .c)
	ok "examples/$name.c compiles" "$CC" -Wall -Wextra -Werror -o "$work/$name" "$source" "${flags[@]}"
done
ok "a C++ program is linked" "$CXX" -o "$work/plain" "$work/plain.cc" "${flags[@]}"
ok "and runs" "$work/plain"
read -ra static <<<"$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --libs libcrypto liblz4)"
ok "the static library is linked, too" "$CC" -I"$root/usr/include" -o "$work/static" examples/info.c \
	"$lib/libincremental.a" "${static[@]}" -pthread

mkimage=$top/build/mkimage
cd "$work" || exit
mkdir tree
seq 300000 >tree/numbers
head -c 300000 /dev/urandom >tree/noise
"$mkimage" create tree app.inc >/dev/null
"$mkimage" extract app.inc app.raw >/dev/null
digest=$("$mkimage" inspect --root-hash app.inc)
like "info" "$(./info app.inc)" "^generation 0 of 1, a device of $(stat -c %s app.raw) bytes in $(stat -c %s app.inc).sha256 $digest$"
is "with the static library" "$(./static app.inc)" "$(./info app.inc)"
fails "info of what is no image" 1 "app.raw: " ./info app.raw
ok "device" cmp app.raw <(./device app.inc "$digest")
fails "with another root hash" 1 "not the trusted one" ./device app.inc "${digest//[0-7]/8}"
fails "with none" 1 "root digest has 0 bytes" ./device app.inc xyz
size=$(stat -c %s app.raw)
./fetch app.inc 0 "$size" >fetched
ok "fetch fetches the head" grep -q '^fetched 0+4096' fetched
taken() {
	awk -F + '/^takes/ { sum += $2 } END { print sum + 0 }' fetched
}
between "a read of all takes nearly all bytes" "$(taken)" $(($(stat -c %s app.inc) * 9 / 10)) "$(stat -c %s app.inc)"
./fetch app.inc 0 1 >fetched
below "and one of a byte few" "$(taken)" 100000
fails "behind the end" 1 "past the device's end" ./fetch app.inc "$size" 1

export PYTHONPATH=$root/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1
ok "examples/device.py" cmp app.raw <(python3 "$top/examples/device.py" app.inc "$digest")
fails "with another root hash" 1 "not the trusted one" python3 "$top/examples/device.py" app.inc "${digest//[0-7]/8}"
# python WHAT: the program on stdin, which has app.inc, the raw bytes and the digest
python() {
	cat - >program
	ok "Python: $1" python3 -c "
import dm_incremental, errno, sys
path, raw, digest = 'app.inc', open('app.raw', 'rb').read(), '$digest'
data = open(path, 'rb').read()
def failure(function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        return error.errno, error.strerror
    raise AssertionError('it worked')
exec(open('program').read())"
}
python "facts, and reads at any place" <<'END'
with dm_incremental.Image(path) as image:
    info = image.info
    assert (info.device_size, info.file_size) == (len(raw), len(data)), info
    assert (info.root, info.generations, info.hash_name) == (digest, 1, 'sha256'), info
    image.trust(digest)
    for offset, length in (0, 1), (4095, 2), (5, 100000), (len(raw) - 7, 7), (8192, 4096), (3, 0):
        assert image.read(offset, length) == raw[offset:offset + length], (offset, length)
    assert failure(image.read, len(raw) - 3, 4)[0] == errno.EINVAL
    assert failure(image.trust, b'\0' * 32)[0] == errno.EBADMSG
try:
    image.read(0, 1)
except ValueError:
    pass
else:
    raise AssertionError('a closed image was read')
END
python "an image that a function reads, by several threads" <<'END'
import threading
def read(offset, length):
    return data[offset:offset + length]
image = dm_incremental.Image(read=read, size=len(data))
wrong = []
def all_of_it(start):
    for offset in range(start, len(raw), 40000):
        part = raw[offset:offset + 9000]
        if image.read(offset, len(part)) != part:
            wrong.append(offset)
threads = [threading.Thread(target=all_of_it, args=(i * 1000,)) for i in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not wrong
END
python "what it raises comes back" <<'END'
absent = False
def read(offset, length):
    if absent:
        raise OSError(errno.ENODATA, 'not here')
    return data[offset:offset + length]
image = dm_incremental.Image(read=read, size=len(data))
absent = True
assert failure(image.read, len(raw) // 2, 10) == (errno.ENODATA, 'not here')
assert 'bytes, not' in failure(lambda: dm_incremental.Image(read=lambda o, n: b'', size=4096))[1]
assert 'ZeroDivisionError' in failure(lambda: dm_incremental.Image(read=lambda o, n: 1 / 0, size=4096))[1]
END
python "damage is found, and bytes are verified" <<'END'
with dm_incremental.Image(path) as image:
    offset, length = image.plan(len(raw) // 2, 1)[-1]
    image.verify(offset, data[offset:offset + length])
    bad = bytearray(data)
    bad[offset + length // 2] ^= 1
    assert failure(image.verify, offset, bad[offset:offset + length])[0] == errno.EBADMSG
image = dm_incremental.Image(read=lambda o, n: bad[o:o + n], size=len(bad))
assert failure(image.read, 0, len(raw))[0] == errno.EBADMSG
END
cd "$top" || exit
ok "make uninstall" make -s uninstall DESTDIR="$root" prefix=/usr
is "removes it" "$(find "$root" -name '*incremental*.so*' -name 'lib*' ! -name 'libdevmapper*' -o -name 'incremental.h' -o -name '*.pc' -o -name '*.py')" ""
finish
