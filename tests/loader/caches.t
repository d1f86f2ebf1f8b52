#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A site's cache, configured as docs/caching.md says: 20 loaders' worth of clients read
# a whole image through it, at the same time and from different places, and the origin
# sends little more than one copy. Real nginx and squid on loopback.

# shellcheck source=tests/loader/lib.sh
. "$(dirname "$0")/lib.sh"

make_image app 16000000
size=$(stat -c %s app.inc)
clients=20

# A block of the document, with its addresses and directories replaced by ours.
config_of() {	# config_of LANGUAGE
	sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$top/docs/caching.md" | sed '1d;$d' |
		sed "s|cache_peer origin.example.com parent 80|cache_peer 127.0.0.1 parent $origin|
			s|origin.example.com|127.0.0.1:$origin|; s|/var/cache/[a-z]*|$work/$1.cache|
			s|listen 80|listen 127.0.0.1:$cache|; s|http_port 80 |http_port 127.0.0.1:$cache |"
}

# through WHAT: all clients read all of it; all are right, and the origin sends that
through() {
	local i pids=() sent
	: >origin.access
	for ((i = 0; i < clients; i++)); do
		echo "all $((size * i / clients))" | timeout $((120 * SLOW)) "$bin/tests/origintool" app.inc \
			"http://127.0.0.1:$cache/app.inc" >"client.$i" 2>"client.$i.log" &
		pids+=($!)
	done
	wait "${pids[@]}"
	is "$clients clients get the image through $1" "$(cat client.? client.?? | sort | uniq -c | tr -s ' ')" " $clients ok"
	within 20 quiet
	sent=$(awk '{ n += $(NF - 1) } END { print n + 0 }' origin.access)
	between "the origin sends 1.2 copies at most ($((sent * 100 / size)) %)" "$sent" "$size" $((size * 12 / 10))
}

# Nothing is under way any more, so all of it is in the log.
quiet() {
	! ss -Htn state established "( dport = :$origin )" | grep -q .
}

origin=$(free_port "$port")
serve origin "server { listen 127.0.0.1:$origin; root $work; keepalive_timeout 0; }" || {
	echo "Bail out! nginx does not start"; exit 1; }

echo "# nginx: slice and proxy_cache"
cache=$(free_port $((origin + 1)))
serve cache "$(config_of nginx)" || { echo "Bail out! nginx does not start"; cat cache.error; exit 1; }
through nginx
: >origin.access
echo all | "$bin/tests/origintool" app.inc "http://127.0.0.1:$cache/app.inc" >again
is "a later one" "$(cat again)" ok
is "needs nothing of the origin" "$(wc -l <origin.access)" 0
stop_server origin
echo all | "$bin/tests/origintool" app.inc "http://127.0.0.1:$cache/app.inc" >again
is "which may be away" "$(cat again)" ok
stop_server cache
serve origin "server { listen 127.0.0.1:$origin; root $work; keepalive_timeout 0; }"

echo "# squid: whole files, collapsed forwarding"
cache=$(free_port $((cache + 1)))
mkdir squid.cache
{
	config_of squid
	echo "pid_filename $work/squid.pid"
	echo "cache_log $work/squid.log"
	echo "access_log stdio:$work/squid.access"
	echo "coredump_dir $work"
	echo "shutdown_lifetime 0 seconds"
	[ "$(id -u)" != 0 ] || echo "cache_effective_user proxy"
} >squid.conf
if [ "$(id -u)" = 0 ]; then
	chmod 755 .
	chown proxy . squid.cache
fi
squid -N -z -f squid.conf >squid.out 2>&1
squid -N -f squid.conf >>squid.out 2>&1 &
squid_listens() {
	: 3<>"/dev/tcp/127.0.0.1/$cache"
}
within 20 squid_listens 2>/dev/null || { echo "Bail out! squid does not start"; cat squid.out squid.log; exit 1; }
through squid
kill "$(cat squid.pid)"
wait

finish
