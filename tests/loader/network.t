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

# client OPTION... ORIGIN...: start a new one, for tell()
client() {
	[ -z "${client-}" ] || { eval "exec ${CLIENT[1]}>&-"; wait "$client"; }
	coproc CLIENT { exec "$bin/tests/origintool" app.inc "$@" 2>client.log; }
	client=$CLIENT_PID
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
tell read 8192 4096 >/dev/null
stop_steered third
answer=$(tell read 8192 4096)
# The server's end may reset the connection first: that is a failure of its own.
[[ $answer != *reset* ]] || answer=$(tell read 8192 4096)
like "if the new place has it neither, that is the reply" "$answer" "404"

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

echo "# passwords and headers from files"
basic() {	# basic USER:PASSWORD: as the server logs it
	echo "Basic $(printf %s "$1" | base64)"
}
demand() {	# demand NAME HEADER VALUE [PATH]: the server wants that
	rules "$1" "{\"${4-/app.inc}\": {\"need\": {\"$2\": \"$3\"}}}"
}
host=${first%:*}
demand first Authorization "$(basic me:one)"
printf 'machine other login you password none\nmachine %s\n\tlogin me password "one"\n' "$host" >netrc
client --netrc-file netrc "http://$first/app.inc"
is "a netrc file" "$(tell read 0 4096)" ok
demand first Authorization "$(basic me:two)"
like "that is out of date" "$(tell read 4096 4096)" "HTTP status 401"
sed -i 's/one/two/' netrc
again() {
	[ "$(tell read 8192 4096)" = ok ]
}
ok "is read again when it changes" within 20 again
demand first Authorization "Bearer one"
printf '# ours\nAuthorization: Bearer one\nX-Key: k1\n[%s]\nX-Key: k2\n[other:80]\nX-Key: k3\n' "$second" >headers
client --header-file headers "http://$first/app.inc"
is "a file of headers" "$(tell read 0 4096)" ok
is "all that are for the origin" "$(last first 7)" k1
# Changed before the server is: nothing fails.
sed -i 's/Bearer one/Bearer two/' headers
tell read 4096 4096 >/dev/null
demand first Authorization "Bearer two"
is "is read again, too" "$(tell read 8192 4096)" ok
sed -i 's/Bearer two/Bearer three/' headers
demand first Authorization "Bearer three"
is "at once, if the server refuses the old one" "$(tell read 12288 4096)" ok
echo "w0rd" >headers
demand first Authorization "Bearer four"
like "one that is malformed is said, and not shown" "$(tell read 16384 4096)" 'HTTP status 401; headers: line 1 is not "Name: value"$'
rules first "{\"/moved\": {\"status\": 302, \"headers\": {\"Location\": \"http://$second/app.inc\"}}}"
printf 'Authorization: Bearer one\nX-Key: k1\n[%s]\nX-Key: k2\n' "$second" >headers
printf 'default login me password two\n' >netrc
client --header-file headers --netrc-file netrc "http://$first/moved"
: >second.log
is "with a redirect to another server" "$(tell read 0 4096) $(tell read 4096 4096)" "ok ok"
is "that gets only what is for it" "$(cut -d' ' -f 6,7 second.log | sort -u)" "- k2"
printf 'machine %s login you password three\n' "$host" >netrc
client --netrc-file netrc "http://$first/moved"
: >second.log
is "and a password that the file has for its host" "$(tell read 0 4096) $(last second 6)" \
	"ok $(basic you:three | tr ' ' _)"

echo "# signed URLs in a list"
rules first '{"/app.inc": {"query": "key=1"}}'
printf '# ours\nhttp://%s/app.inc?key=1\n' "$first" >list
client --origins list
is "the first one" "$(tell read 0 4096)" ok
rules first '{"/app.inc": {"query": "key=2"}}'
printf '# ours\nhttp://%s/app.inc?key=2\n' "$first" >list
is "the next one, when the server refuses that" "$(tell read 4096 4096)" ok
is "neither is shown" "$(grep -c 'key=' client.log)" 0
printf -- '--header-file %s\n--proxy http://%s\nhttp://nothere.invalid/app.inc\n' "$work/headers" "$second" >list
printf 'X-Key: k4\n' >headers
rules second '{}'
client --origins list
is "a list may have options" "$(tell read 0 4096) $(tail -n 1 second.log | cut -d' ' -f 1,7)" \
	"ok http://nothere.invalid/app.inc k4"

echo "# proxies"
: >second.log
client --proxy "http://$second" http://nothere.invalid/app.inc
is "--proxy" "$(tell read 0 4096) $(last second 1)" "ok http://nothere.invalid/app.inc"
export http_proxy=http://$second
client http://nothere.invalid/app.inc
is "that of the environment" "$(tell read 0 4096) $(last second 1)" "ok http://nothere.invalid/app.inc"
unset http_proxy

echo "# a client's certificate"
https=$(free_port "$port")
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 \
	-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key -out client.pem \
	-days 2 -subj /CN=client 2>/dev/null
serve tls "
	server {
		listen 127.0.0.1:$https ssl;
		ssl_certificate $work/cert.pem;
		ssl_certificate_key $work/key.pem;
		ssl_client_certificate $work/client.pem;
		ssl_verify_client on;
		root $work;
	}" || { echo "Bail out! nginx does not start"; exit 1; }
client --ca-certificates cert.pem "https://127.0.0.1:$https/app.inc"
like "without it" "$(tell read 0 4096)" "HTTP status 400"
client --ca-certificates cert.pem --client-cert client.pem --client-key client.key "https://127.0.0.1:$https/app.inc"
is "with it" "$(tell read 0 4096)" ok
cat client.pem client.key >both.pem
client --ca-certificates cert.pem --client-cert both.pem "https://127.0.0.1:$https/app.inc"
is "with its key in the same file" "$(tell read 0 4096)" ok

echo "# what is wrong with a file is said, but not its secrets"
create() {
	incrementalsetup create --force "$@" --origin "http://$first/app.inc" x.inc
}
rules first '{}'
for fault in 'w0rd|is not "Name: value"' 'w0rd x: y|has a name that no header' ': w0rd|has no name' \
	'Range: w0rd|has a name that is not for others' 'X-Key: |has no value' '[w0rd|is not "\[HOST\]"'; do
	printf '# x\n%s\n' "${fault%|*}" >headers
	fails "a line \"${fault%|*}\"" 4 "headers: line 2 ${fault#*|}" create --header-file headers
	is "is not shown" "$(grep -c w0rd .errors)" 0
done
printf 'machine x passwd w0rd\n' >netrc
fails "a netrc file with a word that is none" 4 "netrc is not of the form of netrc" create --netrc-file netrc
fails "a certificate that is none" 4 "holds no certificate" create --client-cert netrc
fails "a key without a certificate" 4 "needs --client-cert" create --client-key client.key
fails "a file that is not there" 4 "cannot read nothere" create --header-file nothere
# The number keeps apart what another test shows at this moment.
"$top/tests/kernel/tools/origin.py" app.inc port "grep -ls 'w[0]rd$$' /proc/[0-9]*/cmdline /proc/[0-9]*/environ >shown || true" &
echo $! >origin.pid
within 20 test -s port
printf "Authorization: Bearer w0rd$$\\n" >headers
ok "nor to a user who looks at the processes" incrementalsetup create --force --header-file headers \
	--proxy "http://user:w0rd$$@127.0.0.1:$(<port)" --origin http://nothere.invalid/app.inc x.inc
is "while the server is asked" "$(cat shown)" ""

echo "# what is killed leaves no core"
# dumps COMMAND...: killed by SIGABRT once it has asked the first server; does it?
dumps() {
	python3 - "$@" <<-'END'
		import os, resource, signal, subprocess, sys, time
		soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
		resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
		child = subprocess.Popen(sys.argv[1:])
		while not os.path.getsize("first.log"):
		    time.sleep(0.05)
		child.send_signal(signal.SIGABRT)
		_, status = os.waitpid(child.pid, 0)
		print(os.WTERMSIG(status), os.WCOREDUMP(status))
	END
}
rules first '{"/app.inc": {"rate": 10}}'
echo x >first.log
control=$(dumps sleep 1000)
: >first.log
is "incrementalsetup" "$(dumps incrementalsetup create --force --header-file headers --origin "http://$first/app.inc" x.inc)" \
	"6 False"
note "sleep(1), for comparison: $control"
rm -f core* "x.inc."*
rules first '{}'

echo "# a reply that is of no use, once"
client "http://$first/app.inc"
tell read 0 4096 >/dev/null
rules first '{"/app.inc": {"whole": 1, "times": 1}}'
is "all of the file in place of a range" "$(tell read 4096 4096)" ok
# This one is served, then the range is not, the head is, and the range is not.
rules first '{"/app.inc": {"whole": 1, "every": 2}}'
tell read 0 4096 >/dev/null
like "again and again" "$(tell read 4096 4096)" "does not serve byte ranges"
rules first '{}'

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

echo "# a bound of what is on the way stops nothing"
# Loopback has segments of 64 KiB. A server that waited for a window of so much would send
# 16 KiB every 200 ms.
make_image large 20000000
plain=$(free_port "$port")
serve plain "server { listen 127.0.0.1:$plain; root $work; }" || { echo "Bail out! nginx does not start"; exit 1; }
through_window() {
	echo all | timeout 60 "$bin/tests/origintool" --jobs 1 --window 16384 large.inc "http://127.0.0.1:$plain/large.inc"
}
is "one of 16 KiB" "$(through_window)" ok

finish
