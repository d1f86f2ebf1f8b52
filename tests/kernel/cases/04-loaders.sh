#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Loaders: cat, many at a time, silent ones, dying ones.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# cat is a complete loader, and a program that waits for the event learns of the end.
open_image small || exit 1
events=$(event_number)
dmsetup wait t "$events" &
waiter=$!
readers+=("$waiter")
ok "cat is a loader" sh -c "cat '$IMAGE' >'$NODE'"
ok "an event reports that the image is complete" within 10 sh -c "! kill -0 $waiter 2>/dev/null"
is "the state is complete" "$(field state) $(field present)" "complete $(field total)"
ok "the device reads right" "$tool" compare "$DEV" "$RAW" direct
ok "the file is the image, which carries all ones" cmp "$LOCAL" "$IMAGE"
ok "cat may run again" sh -c "cat '$IMAGE' >'$NODE'"
ok "the file is still the image" cmp "$LOCAL" "$IMAGE"
dmsetup remove t
activate
is "it is complete when opened again" "$(field state)" complete
close_image

# A loader that answers every request is asked for no range twice.
open_image small
present0=$(field present)
serve nohints log=log
ok "every block can be read" "$tool" compare "$DEV" "$RAW" direct 65536
is "requested and filled chunks are the same" "$(awk '{ n += $2 / 4096 } END { print n }' log)" \
	"$(($(field present) - present0))"
is "no range was asked for twice" "$(grep -c again log)" 0
is "no id was used twice" "$(awk '{ print $3 }' log | sort | uniq -d | wc -l)" 0
is "nothing waits any more" "$(field waiting) $(field wanted)" "0 0"
is "nothing has timed out or failed" "$(field timeouts) $(field failures) $(field unavailable)" "0 0 0"
stop
is "no loader is left" "$(field loaders)" 0
close_image

# Five loaders, racing.
open_image cluster16K
present0=$(field present)
for i in 1 2 3 4 5; do
	serve delay=1 log=log$i
done
is "five loaders" "$(field loaders)" 5
cat "$IMAGE" >"$NODE" &
readers+=($!)
ok "with six loaders every read is right" "$tool" random "$DEV" "$RAW" 4 100 1
ok "and every block" "$tool" compare "$DEV" "$RAW" direct
is "each chunk was filled once" "$(field filled)" $(($(field present) - present0))
for process in "${loaders[@]}"; do
	stop "$process"
done
is "nothing waits any more" "$(field waiting) $(field wanted)" "0 0"
close_image

# A loader that takes requests and never answers, beside one that does.
open_image small read_timeout $((30000 * SLOW))
loader "$tool" hoard "$NODE"
hoarder=$LOADER
reader a 0 4096
reader b $((512 * 4096)) 4096
ok "reads wait" within 10 some_wait 2
ok "the silent loader has their requests" within 10 grep -q . loader.out
rm -f log
serve log=log
is "the other one is asked after some time" "$(outcome a 15)" 4096
is "for all of them" "$(outcome b 15)" 4096
ok "with the flag AGAIN" grep -q again log
# The first requests were the silent loader's; the ids are the same.
id=$(grep -o 'id=[0-9]*' loader.out | head -n 1)
ok "and the same id" grep -q "$id again" log
ok "everything can be read beside the silent loader" "$tool" compare "$DEV" "$RAW" direct 65536 0 2097152
# At first it gets its share, then it comes last.
between "the silent loader is not asked any more" "$(wc -l <loader.out)" 1 $(($(wc -l <log) / 3))
stop
stop "$hoarder"

# A loader that dies with requests in hand: they are handed out at once.
loader "$tool" hoard "$NODE"
: >loader.out
reader a $((1000 * 4096)) 4096
ok "a loader has the request" within 10 grep -q . loader.out
stop "$LOADER" KILL
rm -f log
serve log=log
is "another one answers it" "$(outcome a)" 4096
between "without the wait for silent loaders" "$(duration a)" 0 $((5000 * SLOW))
like "with the flag and the id" "$(head -n 1 log)" "$(cut -d ' ' -f 1-3 loader.out | head -n 1) again"
stop

# A loader that exits before it has filled the whole request.
reader a $((700 * 4096)) 262144
ok "a large read waits" within 10 some_wait
serve limit=16384 log=log
ok "its loader gives up" within 10 field_is loaders 0
serve log=log
is "the next one goes on" "$(outcome a)" 262144
ok "all of it reads right" "$tool" compare "$DEV" "$RAW" direct 65536
stop

# Wrong bytes from a loader that does not check: never delivered.
close_image
open_image small read_timeout 2000
"$tool" node "$NODE" stream /dev/zero 65536 >/dev/null 2>&1 &
readers+=($!)
ok "a loader has filled zeros" within 60 field_is state complete
is "no read gets them" "$("$tool" scan "$DEV" "$RAW" direct 0 16)" "EIO 0-15"
the_end
