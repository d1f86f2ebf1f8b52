# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Part of the guest: the loader never has to read its own memory back from a disk,
# above all not from the device that it serves.

echo "# the loader stays in memory"
fresh
loader --no-prefetch --origin "$web/app.inc"
is "the kernel does not kill it for want of memory" "$(cat "/proc/$loader/oom_score_adj")" -1000
# All mapped programs are in memory and locked.
programs_locked() {
	awk '/^[0-9a-f]+-/ { program = $2 == "r-xp" && $6 ~ "^/" }
		program && $1 == "Size:" { size += $2; n++ }
		program && $1 == "Rss:" { there += $2 }
		program && $1 == "VmFlags:" && / lo( |$)/ { locked++ }
		END { print n " programs, " size " KiB, there: " there ", locked: " locked
			exit !(n > 5 && there >= size && locked == n) }' "/proc/$loader/smaps"
}
ok "all of its program and libraries is in memory, and stays there" within 20 programs_locked
small() {	# stacks and arenas are not locked whole: they are large and mostly unused
	awk '$1 == "VmRSS:" { rss = $2 } END { print "# " rss " KiB resident"; exit !(rss < 65536) }' "/proc/$loader/status"
}
small
ok "but not memory that it does not use" small
stop
is "the log has no complaint" "$(grep -cE 'memory|lies on' log)" 0
chmod 755 .
fresh
node=$(ls /dev/incremental/*)
chmod 666 "$node"
cp "$bin/incrementald" .
# shellcheck disable=SC2016	# for the other shell
ok "without root, it works all the same" bash -c 'ulimit -l 64 && exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"' - \
	./incrementald --verbose --exit-when-complete --origin "$web/app.inc" "$node"
like "and with --verbose it reports that" "$(cat "$work/.output")" "memory is not locked"

echo "# its files lie on the device that it serves"
mkdir -p own.src over lower deep
cp "$bin/incrementald" own.src/
ldd "$bin/incrementald" | awk '/libcurl/ { print $3 }' | xargs -I{} cp {} own.src/
chmod -R go+rX own.src
mkfs.erofs deep.erofs app.src >/dev/null 2>&1
cp deep.erofs own.src/
incrementalsetup close app
mkimage create --force own.src own.inc >/dev/null 2>&1
rm -f $local
incrementalsetup create --origin own.inc $local >/dev/null
incrementalsetup open --read-timeout 300000 $local app
incrementald --exit-when-complete --origin own.inc app 2>/dev/null
mount -o ro /dev/mapper/app mnt
its_own() {	# its_own TEXT COMMAND...: incrementald, started by COMMAND, logs TEXT and serves
	local text=$1
	shift
	"$@" --exit-when-complete --origin own.inc app >own.log 2>&1 && grep -Eq "$text" own.log
}
ok "there is no warning of files that lie elsewhere" incrementald --exit-when-complete --origin own.inc app
is "not a line" "$(grep -c "lies\|lie on" .output)" 0
ok "there is one of the program" its_own "the program $work/mnt/incrementald lies on what /dev/incremental/" mnt/incrementald
ok "of a library" its_own "1 libraries, $work/mnt/libcurl.* first, lie on" env LD_LIBRARY_PATH="$work/mnt" incrementald
ln -s mnt/deep.erofs own.inc.startup
ok "of the start-up list that is looked for beside an origin" \
	its_own "the start-up list own.inc.startup lies on" incrementald
rm own.inc.startup
mount -t overlay -o "lowerdir=$work/lower:$work/mnt" overlay over
ok "of the program in an overlay of it" its_own "the program $work/over/incrementald lies" over/incrementald
fails "an origin on it is refused" 4 "origin .*/mnt/deep.erofs lies on what .* would be read from itself" \
	incrementald --origin "$work/mnt/deep.erofs" app
fails "the device itself, too" 4 "would be read from itself" incrementald --origin /dev/mapper/app app
# A loop device on a file of it, and a device that stands on that.
loop=$(losetup -f --show -r mnt/deep.erofs)
dmsetup create --readonly deep --table "0 $(blockdev --getsz "$loop") linear $loop 0"
mount -t erofs -o ro /dev/mapper/deep deep
fails "and an origin that stands on it through other devices" 4 "origin deep/noise .*would be read from itself" \
	incrementald --origin deep/noise app
umount deep
dmsetup remove deep
losetup -d "$loop"
umount over
umount mnt
incrementalsetup close app
