#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An output of mkimage never replaces an input, and mkimage changes in place only
# the file that it has checked.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"

export SOURCE_DATE_EPOCH=1700000000
mkdir source small large
noise 300000 1 >source/file
noise 5000 2 >small/added
noise 3000000 3 >large/file
"$mkimage" create source image >/dev/null
"$mkimage" create large other >/dev/null
"$mkimage" extract image raw >/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem \
	-out cert.pem -days 30 -subj /CN=test 2>/dev/null
"$mkimage" sign --key key.pem --certificate cert.pem --export signature other >/dev/null
mkdir kept
cp image other raw key.pem cert.pem signature kept

### No output replaces an input

ln -s image symbolic
ln image hard
ln raw raw-hard
same='it is made of .*, which is the same file'
for to in image ./image hard; do
	fails "squash onto $to" 1 "$same" "$mkimage" squash --force image "$to"
	fails "extract onto $to" 1 "$same" "$mkimage" extract --force image "$to"
	fails "extract its tree onto $to" 1 "$same" "$mkimage" extract --force \
		--hash-tree "$to" image out
	fails "extend to $to" 1 "$same" "$mkimage" extend --force --output "$to" image small
	fails "sign, exporting to $to" 1 "$same" "$mkimage" sign --force --export "$to" \
		--key key.pem --certificate cert.pem image
	fails "extend by $to, in place" 1 "$same" "$mkimage" extend --in-place --raw "$to" image
done
for from in symbolic /proc/self/fd/9; do
	fails "squash $from onto the image" 1 "$same" "$mkimage" squash --force $from image 9<image
done
for from in raw raw-hard; do
	fails "create of $from" 1 "$same" "$mkimage" create --force $from raw
	fails "extend by $from" 1 "$same" "$mkimage" extend --force --output raw --raw $from image
done
if loop=$(losetup --find --show --read-only raw 2>/dev/null); then
	fails "create of a loop device" 1 "$same" "$mkimage" create --force "$loop" raw
	losetup -d "$loop"
fi
for to in key.pem cert.pem; do
	fails "create onto $to" 1 "$same" "$mkimage" create --force --key key.pem \
		--certificate cert.pem source $to
	fails "squash onto $to" 1 "$same" "$mkimage" squash --force --key key.pem \
		--certificate cert.pem image $to
	fails "extend to $to" 1 "$same" "$mkimage" extend --force --key key.pem \
		--certificate cert.pem --output $to image small
	fails "sign, exporting to $to" 1 "$same" "$mkimage" sign --force --export $to \
		--key key.pem --certificate cert.pem image
done
fails "sign, exporting onto the signature that it takes" 1 "$same" "$mkimage" sign --force \
	--signature signature --export signature other
for file in kept/*; do
	ok "${file##*/} is as it was" cmp "$file" "${file##*/}"
done

### The file that is changed is the file that was checked

# At the Nth call of one kind another file gets the image's name.
cat >mover.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void call(char kind)
{
	static int count;
	const char *when = getenv("MOVE_AT");

	if (*when == kind && ++count == atoi(when + 1) &&
	    rename("new", "target"))
		abort();
}

int fcntl64(int fd, int command, ...)
{
	int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, "fcntl64");
	va_list list;
	void *value;
	int ret;

	va_start(list, command);
	value = va_arg(list, void *);
	va_end(list);
	ret = real(fd, command, value);
	if (command == F_OFD_SETLK)
		call('l');
	return ret;
}

void *fts64_open(char *const *paths, int options, void *compare)
{
	void *(*real)(char *const *, int, void *) =
		(void *(*)(char *const *, int, void *))dlsym(RTLD_NEXT, "fts64_open");

	call('f');
	return real(paths, options, compare);
}
END
ok "a shim" "${CC:-cc}" -shared -fPIC -w -o mover.so mover.c -ldl

moved() {	# moved MOVE_AT COMMAND...
	local at=$1
	shift
	rm -f target backup new
	cp kept/image target
	ln target backup
	cp kept/other new
	MOVE_AT=$at LD_PRELOAD=$work/mover.so "$mkimage" "$@"
}

# f1: the look at SOURCE; f2: its files are read, when the image is open
for at in l1 f1 f2; do
	fails "extend in place, moved at $at" 1 'another file has come to that name' \
		moved $at extend --in-place target small
	ok "the file that it had open is unchanged" cmp kept/image backup
	ok "the other file is unchanged" cmp kept/other target
done
fails "sign, moved" 1 'another file has come to that name' moved l1 sign --key key.pem \
	--certificate cert.pem target
ok "the file that it had open is unchanged" cmp kept/image backup
ok "the other file is unchanged" cmp kept/other target

# Nor does it cut the bytes that an interrupted extension has left off another file.
interrupted() {
	rm -f target backup new
	cp kept/image target
	head -c 9999 raw >>target
	cp target long
	ln target backup
	cp kept/other new
	MOVE_AT=f1 LD_PRELOAD=$work/mover.so "$mkimage" extend --in-place target small
}
fails "with bytes to cut off" 1 'another file has come' interrupted
ok "the file that it had open is unchanged" cmp long backup
ok "the other file is unchanged" cmp kept/other target
ok "not moved: extend" moved none extend --in-place target small
ok "verify" "$mkimage" verify target

finish
