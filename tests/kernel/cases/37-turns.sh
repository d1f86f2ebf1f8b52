#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which loader is asked, and for whose sake first: readers take turns, and a file
# of the node that cannot fill is no loader.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# all_metadata: reads wait for data only.
all_metadata() {
	"$tool" node "$NODE" write "$meta_offset" $((data_offset - meta_offset)) "$IMAGE" >/dev/null
}

# A program that reads the blocks in its arguments, all at a time.
cat >deep.py <<'END'
import mmap, os, sys, threading
device = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
def read(block):
    os.preadv(device, [mmap.mmap(-1, 4096)], block * 4096)
for line in sys.stdin:
    threading.Thread(target=read, args=(int(line),)).start()
END
deep() {	# deep BLOCK...: and they wait
	printf '%s\n' "$@" >&7
}

wanted() {	# wanted NUMBER: that many ranges, or more
	[ "$(field wanted)" -ge "$1" ]
}

# apart NAME BLOCK: a reader that does not share the turns of the first process,
# as those do whose numbers are the same modulo 256.
mkfifo go
apart() {
	rm -f "$1"
	while :; do
		(read -r _ <go; exec "$tool" dread "$DEV" $(($2 * 4096)) 4096 direct >"$1" 2>&1) &
		[ $(($! % 256)) = $((deep % 256)) ] || break
		kill $!
	done
	readers+=($!)
	echo >go
}

# soon BLOCK: it is among the next four requests.
soon() {
	local chunk
	chunk=$("$tool" need "$IMAGE" "$1" | tail -n 1)
	"$tool" node "$NODE" nonblock , read 64 , read 64 , read 64 , read 64 >asked || return
	cat asked
	awk -v at=$((chunk * chunk_size)) '/id=/ && $1 <= at && at < $1 + $2 { found = 1 } END { exit !found }' asked
}

open_image small read_timeout 3600000
eval "$("$tool" layout "$IMAGE")"
all_metadata
mkfifo pipe
python3 deep.py "$DEV" <pipe &
deep=$!
readers+=("$deep")
exec 7>pipe
# Of every eighth block, those with data.
mapfile -t blocks < <("$tool" map "$IMAGE" | awk '$1 % 8 == 0 && $1 <= 500 && $5 { print $1 }')
deep "${blocks[@]}"
ok "one process waits for many ranges" within 20 some_wait ${#blocks[@]}
ranges=$(field wanted)
between "for so many" "$ranges" 20 100
apart a 900
ok "another process waits for a block" within 20 wanted $((ranges + 1))
ok "loaders are asked for it soon" soon 900
deep 1000
ok "the first one waits for one more" within 20 wanted $((ranges + 2))
fails "that is not asked for soon" - "" soon 1000
reads=$(field waiting)
apart b 1000
ok "a third one waits for the same" within 20 some_wait $((reads + 1))
ok "for its sake it is asked for soon" soon 1000
serve
is "all get their data" "$(outcome a) $(outcome b)" "4096 4096"
ok "the first one, too" within 20 field_is waiting 0
exec 7>&-
stop
close_image

# Files of the node that can only be read, or only be written: whether a loader
# is the only one does not depend on them.
open_image small read_timeout 3600000
all_metadata
exec 8<"$NODE" 9>"$NODE"
is "a file that can only be read is no loader" "$(field loaders)" 1
mkfifo commands
"$tool" node "$NODE" <commands >asked &
readers+=($!)
exec 7>commands
ok "a loader comes" within 10 field_is loaders 2
# Its commands end when no other process has the pipe open.
reader a 0 4096 7>&-
ok "a read waits" within 10 some_wait
printf '%s\n' "read 64" "read 64" >&7
ok "the loader lets it go by, and is asked again" within 20 grep -q again asked
reader b $((900 * 4096)) 4096 7>&-
ok "another read waits" within 10 wanted 2
printf '%s\n' nonblock "read 64" >&7
exec 7>&-
wait "${readers[-3]}"
# Perhaps for the first range once more, too, if that took long.
is "the loader is asked at once, as there is no other one" "$(grep 'id=' asked | grep -vc again)" 2
exec 8<&- 9>&-

# Beside one that fills, a loader that can only read is hardly ever asked.
cat <"$NODE" >taken &
loaders+=($!)
ok "a file that can only be read is there" within 10 at_work $!
serve nohints log=log
ok "everything can be read" "$tool" compare "$DEV" "$RAW" direct 65536
is "also the blocks that the readers wait for" "$(outcome a) $(outcome b)" "4096 4096"
between "the loader was asked, not the other one" "$(($(wc -c <taken) / 32))" 0 $(($(wc -l <log) / 3))
stop "${loaders[-2]}"
stop
close_image

# Nor if the one that fills takes no more than it can fetch, so that the rest has
# been there for long.
open_image small read_timeout 3600000
all_metadata
serve one nohints delay=50
cat <"$NODE" >taken &
loaders+=($!)
ok "a file that can only be read is there" within 10 at_work $!
python3 deep.py "$DEV" <pipe &
readers+=($!)
exec 7>pipe
deep "${blocks[@]}"
exec 7>&-
ok "the loader takes them one by one" wait "${readers[-1]}"
between "of $ranges ranges the other one was asked for few" "$(($(wc -c <taken) / 32))" 0 $((ranges / 4))
stop "${loaders[-1]}"
stop
close_image
the_end
