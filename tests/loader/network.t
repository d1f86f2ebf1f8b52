#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How the loader deals with HTTP servers, without a kernel: redirects that are
# followed once, files that are replaced, servers that want to be left alone.
# Real servers on loopback; tests/loader/origintool.c is the client.

# shellcheck disable=SC2154	# set by steer
# shellcheck source=tests/loader/lib.sh
. "$(dirname "$0")/lib.sh"

make_image app 3000000
make_image later 2000000
size=$(stat -c %s app.inc)

# steer NAME: tests/loader/steered.py, with the rules in NAME.rules and its requests
# in NAME.log; $NAME is its address
steer() {
	rm -f "$1.port"
	: >"$1.log"
	[ -e "$1.rules" ] || echo '{}' >"$1.rules"
	"$top/tests/loader/steered.py" app.inc "$1.rules" "$1.log" "$1.port" &
	echo $! >"$1.pid"
	within 20 test -s "$1.port" || { echo "Bail out! $1 does not start"; exit 1; }
	declare -g "$1=127.0.0.1:$(<"$1.port")"
}

# rules NAME JSON: from now on
rules() {
	echo "$2" >"$1.rules.new"
	mv "$1.rules.new" "$1.rules"
}

# client OPTION... ORIGIN...: start a new one, for tell()
client() {
	[ -z "${CLIENT_PID-}" ] || { eval "exec ${CLIENT[1]}>&-"; wait "$CLIENT_PID"; }
	coproc CLIENT { exec "$bin/tests/origintool" app.inc "$@" 2>client.log; }
}

tell() {	# tell COMMAND: give it to the client, and print the answer
	local answer
	echo "$*" >&"${CLIENT[1]}"
	read -r answer <&"${CLIENT[0]}"
	echo "$answer"
}

requests() {	# requests NAME PATH [STATUS]: their number
	grep -c "^$2[? ].*" <(awk -v s="${3-}" '!s || $2 == s' "$1.log")
}

last() {	# last NAME FIELD: 4 Host, 5 If-Range, 6 Authorization, 7 X-Key
	tail -n 1 "$1.log" | cut -d' ' -f "$2"
}

steer first
steer second

echo "# a redirect is followed once"
# redirect STATUS PATH [HEADERS]: the first server's path /moved leads to the second's
redirect() {
	rules first "{\"/moved\": {\"status\": $1, \"headers\": {\"Location\": \"http://$second$2\"${3:+, $3}}}}"
}
redirect 302 /app.inc
client "http://$first/moved"
is "the head" "$(tell read 0 4096)" ok
is "all of it, over 8 connections" "$(tell all)" ok
is "one redirect" "$(requests first /moved)" 1
between "and all ranges from where it leads" "$(requests second /app.inc 206)" $((size / 524288 + 1)) $((size / 524288 + 3))
for header in '"Cache-Control": "no-store"' '"Cache-Control": "private, max-age=0"' '"Expires": "0"'; do
	: >first.log
	redirect 307 /app.inc "$header"
	client "http://$first/moved"
	tell read 0 4096 >/dev/null
	tell read 4096 4096 >/dev/null
	is "though it says $header" "$(requests first /moved)" 1
done

echo "# and again when its place is gone"
for status in 401 403 404 410; do
	redirect 302 "/a?$status"
	rules second '{}'
	: >first.log
	client "http://$first/moved"
	tell read 0 4096 >/dev/null
	rules second "{\"/a\": {\"status\": $status}}"
	redirect 302 "/b"
	is "$status: the same read works" "$(tell read 4096 4096)" ok
	is "by another redirect" "$(requests first /moved) $(tail -n 1 second.log | cut -d' ' -f 1,2)" "2 /b 206"
done
redirect 302 '/signed?key=1'
rules second '{"/signed": {"query": "key=1"}}'
client "http://$first/moved"
tell read 0 4096 >/dev/null
redirect 302 '/signed?key=2'
rules second '{"/signed": {"query": "key=2"}}'
is "a signed URL that has expired" "$(tell read 4096 4096)" ok
is "is not shown" "$(grep -c 'key=' client.log)" 0
steer third
redirect 302 /app.inc
client "http://$first/moved"
tell read 0 4096 >/dev/null
stop_steered() {
	kill "$(cat "$1.pid")"
	wait "$(cat "$1.pid")" 2>/dev/null
	rm "$1.pid"
}
stop_steered second
rules first "{\"/moved\": {\"status\": 302, \"headers\": {\"Location\": \"http://$third/app.inc\"}}}"
is "a server that is gone" "$(tell read 4096 4096)" ok
steer second
rules first "{\"/moved\": {\"status\": 302, \"headers\": {\"Location\": \"http://$second/gone\"}}}"
rules second '{"/gone": {"status": 404}}'
like "if the new place has it neither, that is the reply" "$(tell read 8192 4096 && stop_steered third && tell read 8192 4096)" "404"

echo "# a password stays with the server that it is for"
: >first.log
: >second.log
redirect 302 /app.inc
client "http://user:word@$first/moved"
is "the origin redirects to another server" "$(tell read 0 4096)" ok
is "and gets it" "$(last first 6)" "Basic_$(printf user:word | base64)"
is "but not the other one" "$(last second 6)" -
tell read 4096 4096 >/dev/null
is "nor for the next range" "$(last second 6)" -
rules first '{"/moved": {"status": 302, "headers": {"Location": "/app.inc"}}, "/app.inc": {"need": {"Authorization": "Basic '"$(printf user:word | base64)"'"}}}'
client "http://user:word@$first/moved"
is "a redirect on the same server" "$(tell read 0 4096)" ok
is "does not lose it" "$(tell read 4096 4096)" ok

echo "# the file is replaced"
old='"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"'
rules first '{"/app.inc": {"headers": {"ETag": "\"1\"", '"$old"'}}}'
client "http://$first/app.inc"
tell read 0 4096 >/dev/null
tell read 4096 4096 >/dev/null
is "ranges are asked for with the head's ETag" "$(last first 5)" '"1"'
rules first '{"/app.inc": {"headers": {"ETag": "\"2\""}, "file": "later.inc"}}'
: >first.log
like "another image in its place" "$(tell read 8192 4096)" "holds (another image|[0-9]+ bytes of)"
is "is noticed by the reply, and its head is looked at" "$(cut -d' ' -f 2,3,5 first.log | tr '\n' ' ')" \
	'200 bytes=8192-12287 "1" 206 bytes=0-4095 - '
rules first '{"/app.inc": {"headers": {"ETag": "\"3\""}}}'
again() {
	[ "$(tell read 8192 4096)" = ok ]
}
ok "when it is back, it is used again" within 20 again
rules first '{"/app.inc": {"headers": {"ETag": "\"4\""}}}'
is "the same file by another name" "$(tell read 12288 4096)" ok
is "is asked for by that one" "$(last first 5)" '"4"'
rules first '{"/app.inc": {"headers": {"ETag": "W/\"1\""}}}'
client "http://$first/app.inc"
tell read 0 4096 >/dev/null
tell read 4096 4096 >/dev/null
is "a weak ETag is not asked for" "$(last first 5)" -
rules first '{"/app.inc": {"headers": {"ETag": "W/\"2\""}, "file": "later.inc"}}'
: >first.log
like "but one that changes is noticed" "$(tell read 8192 4096)" "holds (another image|[0-9]+ bytes of)"
is "by its reply" "$(cut -d' ' -f 2,3 first.log | tr '\n' ' ')" "206 bytes=8192-12287 206 bytes=0-4095 "
rules first '{"/app.inc": {"headers": {'"$old"'}}}'
client "http://$first/app.inc"
tell read 0 4096 >/dev/null
tell read 4096 4096 >/dev/null
is "without an ETag the date is asked for" "$(last first 5)" "Mon,_01_Jan_2024_00:00:00_GMT"
rules first '{"/app.inc": {"headers": {"Last-Modified": "Mon, 01 Jan 2024 00:00:30 GMT", "Date": "Mon, 01 Jan 2024 00:01:00 GMT"}}}'
client "http://$first/app.inc"
tell read 0 4096 >/dev/null
tell read 4096 4096 >/dev/null
is "but not one that may be of two versions" "$(last first 5)" -
rules first '{"/app.inc": {"tags": ["\"a\"", "\"b\"", "\"c\""]}}'
client "http://$first/app.inc"
tell read 0 4096 >/dev/null
is "servers that name it differently each time" "$(tell all) $(tell all)" "ok ok"
tell read 4096 4096 >/dev/null
is "are not asked for a name any more" "$(last first 5)" -

echo "# Retry-After"
after() {	# after STATUS VALUE: what the client makes of it
	rules first "{\"/app.inc\": {\"status\": $1, \"headers\": {\"Retry-After\": \"$2\"}}}"
	tell read 0 4096 >/dev/null
	tell after
}
client "http://$first/app.inc"
is "503 with seconds" "$(after 503 7)" 7
is "429 with seconds" "$(after 429 7)" 7
is "so long is not waited" "$(after 503 86400)" 60
is "nor for a day that is over" "$(after 503 "Mon, 01 Jan 2024 00:00:00 GMT")" 0
between "503 with a date" "$(after 503 "$(LC_ALL=C date -u -d '+40 seconds' '+%a, %d %b %Y %H:%M:%S GMT')")" 1 40
is "nonsense" "$(after 503 soon)" 0

finish
