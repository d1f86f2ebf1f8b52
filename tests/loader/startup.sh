# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Part of the guest: a start is recorded, a list made of it, and what that list
# fetches beforehand nothing has to wait for. A list that is wrong changes nothing.

tracing=/sys/kernel/tracing
events=$tracing/events/incremental/incremental_miss

# Modules of Python's library, with others that nothing imports; the rest is the
# host's.
modules="argparse, ast, difflib, json, pprint, shlex, string, textwrap, tokenize"
needed() {	# their files, below the library's directory
	python3 -S -B -c "import os, sys, $modules
top = os.path.dirname(os.__file__) + os.sep
for module in list(sys.modules.values()):
    for name in getattr(module, '__file__', None), getattr(module, '__cached__', None):
        if name and name.startswith(top) and os.path.exists(name):
            print(name[len(top):])"
}
mkdir lib.src
library=$(python3 -S -c 'import os; print(os.path.dirname(os.__file__))')
{ needed; (cd "$library" && ls [a-f]*.py); } | sort -u | tar -C "$library" -cf - -T - | tar -C lib.src -xf -
start() {	# start DIRECTORY; what it prints is the same every time
	python3 -S -B -c 'import sys
sys.path[:] = sys.argv[1:]
import '"$modules"'
assert sys.argv[1] in argparse.__file__
print(list(difflib.ndiff(["a"], ["b"])), len(ast.__doc__), json.dumps({}))' "$1"
}
export -f start
export modules
wanted=$(start lib.src)
like "the program works" "$wanted" "^\[.*\{\}$"

# misses COMMAND...: how often a read waits for absent bytes meanwhile
misses() {
	echo >$tracing/trace
	echo 1 >$events/enable
	"$@" >missed.out 2>&1
	echo 0 >$events/enable
	grep incremental_miss: $tracing/trace | grep -vc ' hint$'
}
cold_start() {
	drop_caches
	mount -o ro /dev/mapper/app mnt && start mnt
}
over() {
	[ "$(status bytes_done)" = "$(status bytes)" ]
}
end_device() {
	umount -q mnt
	incrementalsetup close app
	within 10 gone
}

for fs in erofs ext4; do
	echo "# $fs"
	mkimage create --force --fs $fs lib.src lib.inc >/dev/null
	rm -f "$local" lib.inc.startup
	incrementalsetup open lib.inc app
	drop_caches
	ok "a start is recorded" incrementalsetup record --force app $fs.trace -- \
		bash -c "mount -o ro /dev/mapper/app mnt && start mnt"
	is "the program has run" "$(head -n -1 .output)" "$wanted"
	like "it was told how much was read" "$(tail -n 1 .output)" "^$fs.trace: [0-9]+ reads of app$"
	ok "python3 has read" grep -q " python3$" $fs.trace
	is "no instance of tracefs is left" "$(ls $tracing/instances)" ""
	end_device
	ok "a list is made" mkimage startup lib.inc $fs.trace
	note "$(cat .output), of $(stat -c %s lib.inc) bytes"
	mv lib.inc.startup $fs.startup

	# Without it, to compare with.
	incrementalsetup create --origin "$web/lib.inc" "$local" >/dev/null
	incrementalsetup open --no-prefetch --origin "$web/lib.inc" "$local" app
	without=$(misses cold_start)
	is "without a list the program works" "$(cat missed.out)" "$wanted"
	ok "and has to wait ($without misses)" test "$without" -gt 20
	is "status knows of no list" "$(status ranges)" ""
	end_device

	rm "$local"
	incrementalsetup create --origin "$web/lib.inc" "$local" >/dev/null
	cp $fs.startup "$local.startup"
	ok "with a list beside the image" incrementalsetup open --no-prefetch --wait-startup --origin "$web/lib.inc" "$local" app
	ok "all of it has been fetched then" over
	is "all of its ranges are done" "$(status ranges_done)" "$(sed -n 's/^ranges //p' $fs.startup)"
	like "people can see it" "$(incrementalsetup status app)" "start-up list: +[0-9]+ of [0-9]+ ranges, .*iB of .*iB"
	with=$(misses cold_start)
	is "the program works" "$(cat missed.out)" "$wanted"
	is "and waits for nothing (without: $without times)" "$with" 0
	below "less than the image is there" "$(status present_chunks)" "$(($(status total_chunks) * 3 / 4))"
	end_device
	rm "$local.startup"
done

echo "# a list beside the origin"
cp ext4.startup lib.inc.startup
for origin in "$web/lib.inc" lib.inc; do
	rm "$local"
	incrementalsetup create --origin "$web/lib.inc" "$local" >/dev/null
	ok "the loader finds that of ${origin##*/}" incrementalsetup open --no-prefetch --wait-startup --origin "$origin" "$local" app
	is "and has fetched it" "$(status ranges_done)" "$(sed -n 's/^ranges //p' ext4.startup)"
	end_device
done
rm "$local"
incrementalsetup create --origin "$web/lib.inc" "$local" >/dev/null
ok "but not if it must not" incrementalsetup open --no-prefetch --no-startup --origin "$web/lib.inc" "$local" app
is "then there is none" "$(status ranges)" ""
end_device
rm lib.inc.startup

echo "# a list in the image"
in_image() {	# in_image WHAT RANGES: own.inc is opened, and that many ranges are fetched
	local what=$1 ranges=$2
	rm -f "$local"
	incrementalsetup create --origin "$web/own.inc" "$local" >/dev/null
	ok "$what: opened" incrementalsetup open --no-prefetch --wait-startup --origin "$web/own.inc" "$local" app
	is "$what: that list is fetched" "$(status ranges_done)" "$ranges"
}
cp lib.inc own.inc
ok "a list is put in a layer" mkimage extend --in-place --startup ext4.startup own.inc
ranges=$(sed -n 's/^ranges //p' ext4.startup)
in_image "a layer's list" "$ranges"
with=$(misses cold_start)
is "the program works" "$(cat missed.out)" "$wanted"
is "and waits for nothing" "$with" 0
end_device
# A start that reads nothing takes one range, the head.
sed 5q ext4.trace >short.trace
mkimage startup --force -o short.startup lib.inc short.trace >/dev/null
cp short.startup own.inc.startup
in_image "before the one beside the origin" "$ranges"
end_device
cp short.startup "$local.startup"
in_image "after the one beside the image" 1
end_device
rm "$local" "$local.startup" own.inc.startup
incrementalsetup create --origin "$web/own.inc" "$local" >/dev/null
ok "none if it must not" incrementalsetup open --no-prefetch --no-startup --origin "$web/own.inc" "$local" app
is "then there is none" "$(status ranges)" ""
end_device
rm "$local"
ok "an image in the order of a start" mkimage squash --force --order ext4.trace lib.inc own.inc
note "$(cat .output)"
in_image "an ordered image" "$(grep -am 1 '^ranges ' own.inc | cut -d ' ' -f 2)"
with=$(misses cold_start)
is "the program works" "$(cat missed.out)" "$wanted"
is "and waits for nothing" "$with" 0
end_device
rm own.inc

echo "# lists that are wrong"
bytes=$(stat -c %s lib.inc)
header() {	# header RANGES: the lines before these
	sed -n "1,5p" ext4.startup
	echo "ranges $1"
}
sed '7s/^/x/' ext4.startup >malformed
sed "7s/.*/$bytes 4096/" ext4.startup >beyond
head -c 300 /dev/urandom >noise.list
cp erofs.startup foreign
{ header 3; printf '0 %d\n' $((bytes - 4096)); echo "4096 4096"; } >short
{	# All of it, one page after another from the end to the start.
	header $((bytes / 4096 - 1))
	seq $((bytes - 4096)) -4096 4096 | sed 's/$/ 4096/'
} >hostile
# tries LIST WHY: a device with this list
tries() {
	rm -f "$local"
	incrementalsetup create --origin "$web/lib.inc" "$local" >/dev/null
	incrementalsetup open "$local" app
	loader --no-prefetch --startup "$1" --origin "$web/lib.inc"
	ok "$1: the log says why" within 20 grep -Eq "$1: $2; it is not used" log
	is "the program works" "$(cold_start)" "$wanted"
	umount mnt
	stop
	incrementalsetup close app
}
tries malformed "line 7: it is not \"OFFSET LENGTH\""
tries beyond "line 7: bytes $bytes\+4096 reach past the end of the image.*"
tries noise.list "line 1: .*"
tries foreign "the start-up list is of another image.*"
tries short "line 9: a range is missing.*"
rm "$local"
incrementalsetup create --origin "$web/lib.inc" "$local" >/dev/null
incrementalsetup open "$local" app
fails "a list that is not there" 4 "nothere: No such file" incrementald --startup nothere --origin lib.inc app
loader --exit-when-complete --startup hostile --stats stats.json --origin "$web/lib.inc"
is "hostile: the program works" "$(cold_start)" "$wanted"
umount mnt
ok "all arrives" wait "$loader"
ok "no byte is another" cmp "$local" lib.inc
below "and not too much is fetched in vain" "$(sed 's/.*bytes_fetched": \([0-9]*\).*/\1/' stats.json)" $((bytes * 4 + 1000000))
incrementalsetup close app

echo "# demand does not wait for the list, but the background does"
rm "$local"
incrementalsetup create --origin "$web/lib.inc" "$local" >/dev/null
incrementalsetup open "$local" app
{	# The second half of the image, in order.
	half=$((bytes / 2))
	half=$((half - half % 4096))
	header 1
	echo "$half $((bytes - half))"
} >half
loader --startup half --stats stats.json --origin "$crawling/lib.inc"
listing() {
	grep -q "start-up list half: 1 ranges" log
}
ok "a list is being fetched, slowly" within 20 listing
ok "a read is served meanwhile" read_block 1
is "while the list is not done" "$(grep -c "start-up list: all" log)" 0
stop
ok "the counters tell" python3 -c '
import json
s = json.load(open("stats.json"))["startup"]
assert s["ranges"] == 1 and s["ranges_done"] == 0 and s["bytes_done"] < s["bytes"], s'
incrementalsetup close app
within 10 gone

echo "# a loader records"
rm "$local"
incrementalsetup create --origin "$web/lib.inc" "$local" >/dev/null
incrementalsetup open "$local" app
loader --no-prefetch --no-startup --record loader.trace --origin "$web/lib.inc"
is "the program works" "$(cold_start)" "$wanted"
is "no byte of the trace is the loader's to write" "$(find "/proc/$loader/fd" -lname '*loader.trace' -o -lname "$tracing/*" | wc -l)" 0
stop
ok "the trace has what it read" grep -q " python3$" loader.trace
is "no instance is left" "$(ls $tracing/instances)" ""
ok "a list can be made of it" mkimage startup --force lib.inc loader.trace
umount mnt
loader --no-prefetch --record loader.trace --origin "$web/lib.inc"
stop KILL
no_instance() {
	[ -z "$(ls $tracing/instances)" ]
}
ok "nor if it is killed" within 20 no_instance
incrementalsetup close app
within 10 gone
fails "without a device there is nothing to record" 4 "not an incremental device" incrementald --record loader.trace --origin lib.inc app
rm lib.inc.startup

echo "# recording ends cleanly"
incrementalsetup open lib.inc app
incrementalsetup record app until.trace &
recorder=$!
recording() {
	[ -n "$(ls $tracing/instances)" ]
}
ok "it records" within 20 recording
read_block 3
# Of a background job the shell has SIGINT ignored.
kill -TERM $recorder
ok "a signal ends it" wait $recorder
ok "a read is in the trace" grep -Eq '^[0-9.]+ 3 1 [0-9]+ dd$' until.trace
is "no instance is left" "$(ls $tracing/instances)" ""
fails "a trace is not replaced" 5 "exists.*--force" incrementalsetup record app until.trace -- true
ok "but if told so" incrementalsetup record --force app until.trace -- true
incrementalsetup record --force app until.trace &
recorder=$!
within 20 recording
kill -KILL $recorder
wait $recorder 2>/dev/null
ok "one that is killed leaves its instance" recording
ok "the next one works" incrementalsetup record --force app until.trace -- false
like "a command that fails is told of" "$(cat .output)" "false has ended with status 1"
is "and takes the other instance away, too" "$(ls $tracing/instances)" ""
fails "a command that is not there" 4 "cannot start nothere" incrementalsetup record --force app until.trace -- nothere
is "leaves none either" "$(ls $tracing/instances)" ""
incrementalsetup close app
