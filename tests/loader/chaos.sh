# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Part of the guest: servers and networks that fail while an image is fetched and read.
# Whatever fails, every byte is right at the end, no read waits longer than its bound, and
# the loader does not spin. $CHAOS, in the environment, names the cases; "all": all of them.

case ${CHAOS-} in
'') CHAOS="restart reset readers" ;;
all) CHAOS="restart cut bad slow busy whole reset kill readers" ;;
esac

# shellcheck source=bench/net.sh
. "$top/bench/net.sh"
modprobe -a veth sch_netem sch_tbf
net_create || { echo "Bail out! there is no network in namespaces"; exit 1; }
make_image chaos 3000000
make_image small 200000
for image in chaos small; do
	mkimage extract $image.inc $image.raw >/dev/null 2>&1
done
away=http://$net_server

# On the other side of the link, with its files here; kill_away kills it.
serve_away() {
	ip netns exec server nginx -p "$work" -c "$work/away.conf" -e "$work/away.error"
	within 10 test -s away.pid
}
kill_away() {
	local master
	master=$(cat away.pid)
	# shellcheck disable=SC2046	# a list of numbers
	kill -KILL "$master" $(pgrep -P "$master")
	rm -f away.pid
}
# Written, and started once.
nginx() {
	ip netns exec server nginx "$@"
}
serve away "server { listen $net_server:80; root $work; }" || { echo "Bail out! nginx does not start"; exit 1; }
unset -f nginx

now_ms() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

# loader_ms: processor time that the loader has taken, in milliseconds
loader_ms() {
	local stat
	read -r -a stat 2>/dev/null <"/proc/$loader/stat" || { echo 0; return; }
	echo $(((stat[13] + stat[14]) * 1000 / ticks))
}
ticks=$(getconf CLK_TCK)

# begin NAME IMAGE READERS PAUSE OPTION...: a new device of IMAGE, read by so many
# processes, each with pauses of PAUSE ms on average; and a loader with these options
begin() {
	name=$1 image=$2 earlier_ms=0 lives=1
	fresh "$2.inc"
	"$bin/tests/loadertool" readers /dev/mapper/app "$2.raw" "$3" 0 "$4" 1 >readers.out 2>&1 &
	readers=$!
	began=$(now_ms)
	loader --stats stats.json "${@:5}"
}

# calm SECONDS: let time pass with a fault; the loader takes little of a processor
calm() {
	local before from spent passed
	before=$(loader_ms) from=$(now_ms)
	sleep "$1"
	spent=$(($(loader_ms) - before)) passed=$(($(now_ms) - from))
	note "$name: processor time while nothing came: $spent ms of $passed"
	below "$name: meanwhile the loader is idle" "$spent" $((passed / 4))
}

part_there() {	# part_there CHUNKS: so many are present, or all
	[ "$(status present_chunks)" -ge "$1" ] || [ "$(status state)" = complete ]
}

# end WAIT: all arrives and is right; no read has waited for longer than WAIT seconds
end() {
	local arrived took spent bytes
	ok "$name: the loader is at work" kill -0 "$loader" || sed 's/^/# /' log
	arrived=$(incrementalsetup wait --timeout $((1200 * SLOW)) app 2>&1) || note "$arrived"
	took=$(($(now_ms) - began))
	spent=$((earlier_ms + $(loader_ms)))
	is "$name: all of it arrives" "$(status state)" complete
	kill $readers
	ok "$name: every read was right" wait $readers
	note "$name: $(tail -n 1 readers.out)"
	drop_caches
	ok "$name: every byte of the device is right" \
		"$bin/tests/loadertool" compare /dev/mapper/app "$image.raw" direct
	below "$name: no read has waited for more than $1 s" \
		"$(sed -n 's/.*longest=//p' readers.out)" $(($1 * 1000 * SLOW))
	is "$name: the kernel got no wrong byte" "$(status hash_failures)" 0
	stop
	bytes=$(sed -n 's/.*"bytes_fetched": \([0-9]*\).*/\1/p' stats.json)
	note "$name: processor time of the loader: $spent ms of $took, for ${bytes:-?} bytes; $(cat stats.json)"
	# Those of loaders that were killed are not known.
	[ $lives = 1 ] || bytes=$(stat -c %s "$image.inc")
	below "$name: and that is not much" "$spent" $((took / 4 + lives * 3000 + ${bytes:-0} / 250))
	incrementalsetup close app
	ok "$name: the local image is the origin's" cmp $local "$image.inc"
}

chaos_restart() {
	net_set 1mbit 20 0
	begin "origin restarted" chaos 8 50 --origin "$away/chaos.inc"
	for chunks in 100 200 300; do
		within 60 part_there $chunks
		kill_away
		[ $chunks != 200 ] || calm 10
		serve_away
	done
	end 40
}

# All packets are lost, without a word.
chaos_cut() {
	net_set 1mbit 20 0
	begin "network cut for 30 s" chaos 8 50 --origin "$away/chaos.inc"
	within 60 part_there 200
	net_set 1mbit 20 100
	calm 30
	net_set 1mbit 20 0
	end 90
}

chaos_bad() {
	cp chaos.inc good.inc
	cp chaos.inc changing.inc
	cp chaos.inc spoiled.inc
	eval "$("$bin/tests/loadertool" layout chaos.inc)"
	dd if=/dev/zero of=spoiled.inc bs=4096 seek=$((meta_offset / 4096)) \
		count=$((($(stat -c %s chaos.inc) - meta_offset) / 4096)) conv=notrunc status=none
	net_set 1mbit 20 0
	begin "origin switched to a bad one" chaos 8 50 --origin "$away/changing.inc" --origin "$away/good.inc"
	within 60 part_there 200
	mv spoiled.inc changing.inc
	end 40
	ok "$name: the log says so" grep -q "changing.inc sent wrong bytes" log
}

chaos_slow() {
	net_set 80kbit 20 0
	begin "10 kB/s" small 2 500 --origin "$away/small.inc"
	end 60
}

# steered RULE: from now on
steered() {
	rules odd "{\"/chaos.inc\": $1}"
}

replies() {	# replies STATUS: so many of that
	grep -c "^/chaos.inc $1 " odd.log
}

chaos_busy() {
	steered '{"status": 503, "share": 0.2}'
	begin "20 % of the replies are 503" chaos 8 50 --origin "http://$odd/chaos.inc"
	end 40
	note "$name: $(replies 503) of $(wc -l <odd.log)"
}

chaos_whole() {
	# A server that has sent it three times by then has no image for the loader.
	steered '{"whole": 1, "times": 2}'
	begin "200 in place of 206" chaos 8 50 --origin "http://$odd/chaos.inc"
	within 60 part_there 20
	steered '{"whole": 1, "share": 0.2}'
	within 60 part_there 200
	steered '{"whole": 1}'
	calm 10
	steered '{"whole": 1, "share": 0.2}'
	end 40
	note "$name: $(replies 200) of $(wc -l <odd.log)"
}

chaos_reset() {
	steered '{"reset": 0.5, "share": 0.3}'
	begin "connection reset in mid body" chaos 8 50 --origin "http://$odd/chaos.inc"
	end 40
	note "$name: $(wc -l <odd.log) requests"
}

chaos_kill() {
	net_set 1mbit 20 0
	begin "loader killed every second" chaos 8 50 --origin "$away/chaos.inc"
	until part_there 999999 || [ $lives = 500 ]; do
		sleep 1
		earlier_ms=$((earlier_ms + $(loader_ms)))
		stop KILL
		loader --stats stats.json --origin "$away/chaos.inc"
		lives=$((lives + 1))
	done
	note "$name: $lives loaders"
	end 60
}

chaos_readers() {
	net_set 8mbit 20 0
	begin "200 readers" chaos 200 100 --origin "$away/chaos.inc"
	end 60
}

for case in $CHAOS; do
	echo "# chaos: $case"
	[ -s odd.pid ] || steer odd chaos.inc
	: >odd.log
	"chaos_$case"
done
