#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Origins without a kernel: "incrementalsetup create" from files, nginx, and
# servers that misbehave.

# shellcheck source=tests/loader/lib.sh
. "$(dirname "$0")/lib.sh"

make_image app 3000000
create() {
	incrementalsetup create --force "$@"
}

# The head of the local image is the origin's; all else is a hole.
holds_head_only() {	# holds_head_only LOCAL ORIGIN
	[ "$(stat -c %s "$1")" = "$(stat -c %s "$2")" ] &&
		cmp -n 4096 "$1" "$2" &&
		[ "$(($(stat -c %b "$1") * 512))" -lt 102400 ]
}

for where in app.inc "file:$work/app.inc" "file://$work/app.inc" \
	"file://localhost$work/app.inc" "file:${work%?????}%$(printf %x "'${work: -5:1}")${work: -4}/app.inc"; do
	rm -f local.inc
	ok "create from ${where%%/*}..." create --origin "$where" local.inc
	ok "the local image holds its head only" holds_head_only local.inc app.inc
done
ok "mkimage can look at it" mkimage inspect local.inc
is "it names the root hash" "$(create --origin app.inc local.inc | sed -n 's/.*root hash: *//p')" "$(cat app.root)"
ok "create with the right root hash" create --root-hash "$(cat app.root)" --origin app.inc local.inc
rm -f local.inc
fails "create with a wrong root hash" 2 "not the trusted one" \
	create --root-hash "$(tr 0-9a-f 1-9a-f0 <app.root)" --origin app.inc local.inc
ok "leaves no file behind" sh -c '! ls local.inc* 2>/dev/null'

create --origin app.inc local.inc >/dev/null
fails "create does not replace a file" 5 "exists already" incrementalsetup create --origin app.inc local.inc
ok "but with --force" incrementalsetup create --force --origin app.inc local.inc

# --force never replaces the origin, by whatever name.
cp app.inc only.inc
ln -s only.inc symbolic.inc
ln only.inc hard.inc
exec 9<only.inc
for where in only.inc ./only.inc "$work/only.inc" "file:$work/only.inc" symbolic.inc \
	hard.inc /proc/self/fd/9 /dev/fd/9; do
	fails "the image as its own origin: ${where##*/}" 4 "not replaced: the origin .* is the same file" \
		create --origin "$where" only.inc
done
fails "as the second origin" 4 "not replaced" create --origin app.inc --origin only.inc only.inc
if loop=$(losetup --find --show --read-only only.inc 2>/dev/null); then
	fails "a loop device on it" 4 "not replaced" create --origin "$loop" only.inc
	losetup -d "$loop"
fi
exec 9<&-
ok "the file is unchanged" cmp app.inc only.inc
ok "a copy may be the origin" create --origin app.inc only.inc

fails "an origin that does not exist" 4 "cannot open origin" create --origin nothere.inc x.inc
fails "a directory" 4 "neither a file nor a block device" create --origin "$work" x.inc
mkfifo fifo
fails "a FIFO does not hang" 4 "neither a file nor" timeout 10 incrementalsetup create --origin fifo x.inc
fails "an unknown scheme" 4 'kind "ftp:" are not supported' create --origin ftp://127.0.0.1/x x.inc
fails "an empty name" 4 "name is empty" create --origin "" x.inc
fails "a malformed URL" 4 "malformed" create --origin "http://" x.inc
fails "a malformed escape" 4 "not file:/PATH" create --origin "file:/a%zz" x.inc
fails "a relative file URL" 4 "not file:/PATH" create --origin "file:app.inc" x.inc
: >empty.inc
fails "an empty origin" 4 "ends before" create --origin empty.inc x.inc
head -c 100000 /dev/urandom >noise.inc
fails "an origin that is no image" 4 "wrong magic" create --origin noise.inc x.inc
head -c 8192 app.inc >short.inc
"$top/tests/loader/bigheads.py" app.inc 30 heads.inc
fails "an origin whose heads would fill the disk" 4 "the heads of 30 generations take 270.0 MiB, over the limit of 256.0 MiB \(see --max-heads\)" create --origin heads.inc heads.local
is "no file is made" "$(echo heads.local*)" "heads.local*"
ok "--max-heads allows as much" create --max-heads 270M --origin heads.inc heads.local
rm heads.*
fails "a truncated origin" 4 "truncated" create --origin short.inc x.inc
fails "a directory that cannot be written to" 4 "cannot create" create --origin app.inc nothere/x.inc

# ---- nginx ----
http=$(free_port "$port")
https=$(free_port $((http + 1)))
weak=$(free_port $((https + 1)))
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 \
	-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 2>/dev/null
openssl req -x509 -newkey rsa:1024 -nodes -keyout ca1024.key -out ca1024.pem -days 2 -subj /CN=ca1024 2>/dev/null
openssl req -new -key key.pem -subj /CN=localhost 2>/dev/null |
	openssl x509 -req -CA ca1024.pem -CAkey ca1024.key -CAcreateserial -out weak.pem -days 2 \
		-extfile <(echo subjectAltName=IP:127.0.0.1) 2>/dev/null
cat >weak.conf <<-END
	openssl_conf = all
	[all]
	ssl_conf = ssl
	[ssl]
	system_default = weak
	[weak]
	CipherString = DEFAULT@SECLEVEL=0
END
gzip -k app.inc
serve web "
	server {
		listen 127.0.0.1:$http;
		root $work;
		location /moved/ { return 302 /; }
		location = /moved.inc { return 302 /app.inc; }
		location = /loop.inc { return 302 /loop.inc; }
		location = /elsewhere.inc { return 302 ftp://127.0.0.1/app.inc; }
		location = /file.inc { return 302 file://$work/app.inc; }
		location /secret/ { alias $work/; auth_basic x; auth_basic_user_file $work/users; }
		location /forbidden/ { return 403; }
		location /broken/ { return 503; }
		location /norange/ { alias $work/; max_ranges 0; limit_rate 400k; }
		location /lying/ { alias $work/; add_header Content-Encoding gzip; }
		location /badrange/ { return 206 'some bytes'; }
		location /other/ { add_header Content-Range 'bytes 4096-8191/100000' always; return 206 'some bytes'; }
	}
	server {
		listen 127.0.0.1:$https ssl;
		ssl_certificate $work/cert.pem;
		ssl_certificate_key $work/key.pem;
		root $work;
		location = /down.inc { return 302 http://127.0.0.1:$http/app.inc; }
	}
	server {
		listen 127.0.0.1:$weak ssl;
		ssl_certificate $work/weak.pem;
		ssl_certificate_key $work/key.pem;
		root $work;
	}" || { echo "Bail out! nginx does not start"; exit 1; }
printf 'user:%s\n' "$(openssl passwd -apr1 word)" >users
web=http://127.0.0.1:$http

ok "create over HTTP" create --origin "$web/app.inc" web.inc
ok "the local image holds its head only" holds_head_only web.inc app.inc
# The heads come in one round trip after that of the connection, which takes several.
is "two requests are enough" "$(wc -l <web.access)" 2
is "each on a connection of its own" "$(awk '{ print $NF }' web.access | sort -u | wc -l)" 2
is "every request is a range" "$(grep -vc '^206 "bytes=' web.access)" 0
below "little was sent" "$(awk '{ n += $(NF - 1) } END { print n }' web.access)" 100000
create --origin app.inc local.inc >/dev/null
ok "a file and a server make the same image" cmp web.inc local.inc

ok "a redirect is followed" create --origin "$web/moved.inc" x.inc
fails "but not for ever" 4 "redirects" create --origin "$web/loop.inc" x.inc
fails "nor to another protocol" 4 "ftp" create --origin "$web/elsewhere.inc" x.inc
fails "nor to a file" 4 "file" create --origin "$web/file.inc" x.inc
fails "404" 4 "nothere.inc: HTTP status 404" create --origin "$web/nothere.inc" x.inc
fails "401" 2 "HTTP status 401" create --origin "$web/secret/app.inc" x.inc
ok "a password in the URL" create --origin "http://user:word@127.0.0.1:$http/secret/app.inc" x.inc
fails "is not shown" 4 "incrementalsetup: http://127.0.0.1:$http/nothere\?\.\.\.: " \
	create --origin "http://user:word@127.0.0.1:$http/nothere?key=word" x.inc
is "no word of it" "$(grep -c word .errors)" 0
# The number keeps apart what another test shows at this moment.
"$top/tests/kernel/tools/origin.py" app.inc port "grep -ls 'w[0]rd$$' /proc/[0-9]*/cmdline /proc/[0-9]*/environ >shown || true" &
within 20 test -s port
ok "nor is it shown to other users, by the list of processes" create --origin "http://user:w0rd$$@127.0.0.1:$(<port)/app.inc?key=w0rd$$" x.inc
is "while create talks to the server" "$(cat shown)" ""
kill $!
printf '# ours\n\nhttp://user:word@127.0.0.1:%s/secret/app.inc\n' "$http" >list
ok "a list of origins" create --origins list x.inc
fails "that is not there" 4 "nothere: No such file" create --origins nothere x.inc
yes app.inc | head -17 >list
fails "or does not end" 4 "/dev/zero: a list of origins has 1048576 bytes at most" \
	timeout 20 incrementalsetup create --force --origins /dev/zero x.inc
head -c 5000 app.inc >start
fails "or is no text" 4 "it has a zero byte" create --origins start x.inc
fails "or too long" 4 "may be 16 origins at most" create --origins list x.inc
fails "403" 2 "HTTP status 403" create --origin "$web/forbidden/app.inc" x.inc
fails "503, after some attempts" 4 "HTTP status 503" create --origin "$web/broken/app.inc" x.inc
is "three times, first by two requests at a time" "$(grep -c '^503' web.access)" 4
fails "a server without ranges" 4 "does not serve byte ranges|no valid Content-Range" create --origin "$web/norange/app.inc" x.inc
below "the whole file is not fetched from it" "$(grep '^200' web.access | awk '{ n += $(NF - 1) } END { print n + 0 }')" 1500000
fails "encoded content" 4 "encoded" create --origin "$web/lying/app.inc" x.inc
fails "206 without a range" 4 "no valid Content-Range" create --origin "$web/badrange/app.inc" x.inc
fails "206 with another range" 4 "another range" create --origin "$web/other/app.inc" x.inc
fails "a truncated file on a server" 4 "truncated" create --origin "$web/short.inc" x.inc
fails "an empty one" 4 "416|HTTP status|holds 0 bytes" create --origin "$web/empty.inc" x.inc
free=$(free_port $((weak + 1)))
fails "no server listens" 4 "onnect" create --origin "http://127.0.0.1:$free/app.inc" x.inc
ok "the next origin is tried" create --origin "$web/nothere.inc" --origin noise.inc --origin "$web/app.inc" x.inc
ok "and makes the same image" cmp x.inc local.inc

echo "# --force replaces files only"
mkfifo pipe.inc
ln -s local.inc link.inc
for what in /dev/null pipe.inc link.inc .; do
	fails "create --force over $what" 5 "not a regular file" create --origin app.inc $what
done
ok "they are still there" test -c /dev/null -a -p pipe.inc -a -L link.inc
ln -s nothere dangling.inc
fails "a dangling link exists already" 5 "exists already" incrementalsetup create --origin app.inc dangling.inc

fails "https with an unknown certificate" 4 "certificate" create --origin "https://127.0.0.1:$https/app.inc" x.inc
ok "https with a known one" create --ca-certificates cert.pem --origin "https://127.0.0.1:$https/app.inc" x.inc
ok "which may be piped in" sh -c "incrementalsetup create --force --ca-certificates /dev/stdin --origin https://127.0.0.1:$https/app.inc x.inc <cert.pem"
openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 2 -subj /CN=other 2>/dev/null
fails "https with another one only" 4 "certificate" create --ca-certificates other.pem --origin "https://127.0.0.1:$https/app.inc" x.inc
fails "https with a key that can be factored, whatever the system allows" 4 "certificate" env OPENSSL_CONF=weak.conf \
	"$bin/incrementalsetup" create --force --ca-certificates ca1024.pem --origin "https://127.0.0.1:$weak/app.inc" x.inc
fails "certificates that are not there" 4 "cannot read nothere.pem" create --ca-certificates nothere.pem --origin "https://127.0.0.1:$https/app.inc" x.inc
fails "a file without certificates" 4 "no certificates" create --ca-certificates app.root --origin "https://127.0.0.1:$https/app.inc" x.inc
fails "https is not left for http" 4 "http" create --ca-certificates cert.pem --origin "https://127.0.0.1:$https/down.inc" x.inc

# ---- servers that misbehave, byte by byte ----
liar=$free
# Its heads are too far from each other to be in memory at a time.
mkdir more
noise 100000 2 >more/file
mkimage extend --output layer app.inc more >/dev/null
cat app.inc layer >layered.inc
python3 - "$liar" "$work/liar.pid" <<'END' &
import glob, gzip, os, socket, sys
image = open("app.inc", "rb").read()
layered = open("layered.inc", "rb").read()
head, size = image[:12288], len(image)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
with open(sys.argv[2], "w") as f:
    f.write(str(os.getpid()))
ok = b"HTTP/1.1 206 Partial Content\r\nConnection: close\r\n"
replies = {
    "short": ok + b"Content-Range: bytes 0-12287/99999\r\nContent-Length: 12288\r\n\r\nabc",
    "long": ok + b"Content-Range: bytes 0-12287/99999\r\n\r\n" + b"x" * 13000,
    "total": ok + b"Content-Range: bytes 0-12287/100\r\n\r\n" + b"x" * 12288,
    "unknown": ok + b"Content-Range: bytes 0-12287/*\r\n\r\n" + b"x" * 12288,
    "huge": ok + b"Content-Range: bytes 0-12287/99999999999999999999999999\r\n\r\n" + b"x" * 12288,
    "unit": ok + b"Content-Range: lines 0-12287/99999\r\n\r\n" + b"x" * 12288,
    "junk": ok + b"Content-Range: bytes 0-12287/99999 or so\r\n\r\n" + b"x" * 12288,
    "garbage": b"\x00\xff not HTTP at all\r\n\r\n",
    "control": b"HTTP/1.1 404 \x1b[31mred\r\nConnection: close\r\n\r\n",
    "header": ok + b"X: " + b"x" * 3000000 + b"\r\n\r\n",
    "headers": ok + (b"X: " + b"x" * 1000 + b"\r\n") * 3000 + b"\r\n",
    "nothing": b"",
}

def status(line, body=b"", **headers):
    headers.setdefault("Content_Length", len(body))
    lines = [f"{name.replace('_', '-')}: {value}" for name, values in headers.items()
             for value in (values if isinstance(values, list) else [values]) if value is not None]
    return "\r\n".join(["HTTP/1.1 " + line, "Connection: close"] + lines + ["", ""]).encode() + body

part, whole = f"bytes 0-12287/{size}", f"bytes 0-{size - 1}/{size}"
multipart = (b"--X\r\nContent-Range: " + part.encode() + b"\r\n\r\n" + head + b"\r\n--X--\r\n")
chunked = b"3000\r\n" + head + b"\r\n0\r\n"
replies.update({
    "200-part": status("200 OK", head, Content_Range=part),
    "200-whole": status("200 OK", image, Content_Range=whole),
    "200-junk": status("200 OK", head, Content_Range="bytes"),
    "200-chunked-part": status("200 OK", chunked + b"\r\n", Content_Range=part, Content_Length=None,
                               Transfer_Encoding="chunked"),
    "200-file": status("200 OK", image),
    "200-endless": status("200 OK", image, Content_Length=None),
    "200-short": status("200 OK", head[:100]),
    "200-nothing": status("200 OK"),
    "200-gzip": status("200 OK", gzip.compress(head), Content_Encoding="gzip"),
    "206-none": status("206 Partial Content", head),
    "206-empty": status("206 Partial Content", b""),
    "206-twice": status("206 Partial Content", head, Content_Range=[part, "bytes 4096-8191/99999"]),
    "206-multipart": status("206 Partial Content", multipart, Content_Type="multipart/byteranges; boundary=X"),
    "206-elsewhere": status("206 Partial Content", head, Content_Range="bytes 4096-8191/99999"),
    "206-more": status("206 Partial Content", image[:16384], Content_Range="bytes 0-16383/99999"),
    "206-less": status("206 Partial Content", head[:1000], Content_Range="bytes 0-999/99999"),
    "206-end": status("206 Partial Content", head[:1000], Content_Range="bytes 0-999/1000"),
    "206-star": status("206 Partial Content", head, Content_Range="bytes */99999"),
    "206-long-body": status("206 Partial Content", image[:13000], Content_Range=part),
    "206-short-body": status("206 Partial Content", head[:1000], Content_Range=part),
    "206-gzip": status("206 Partial Content", gzip.compress(head), Content_Range=part, Content_Encoding="gzip"),
    "206-transfer": status("206 Partial Content", gzip.compress(head), Content_Range=part, Content_Length=None,
                           Transfer_Encoding="gzip"),
    "204": status("204 No Content", Content_Length=None),
    "202": status("202 Accepted", b"wait"),
    "304": status("304 Not Modified", Content_Length=None),
    "302": status("302 Found"),
    "416": status("416 Range Not Satisfiable", Content_Range="bytes */1234"),
    "416-part": status("416 Range Not Satisfiable", Content_Range=part),
    "299": status("299 Whatever", head, Content_Range=part),
})
# These replies are right, though unusual.
ends = {"hangs": {}, "identity": dict(Content_Encoding="identity"), "upper": dict(CONTENT_TYPE="x"),
        "chunked": dict(Transfer_Encoding="chunked"),
        "trailer": dict(Transfer_Encoding="chunked", Trailer="Content-Range")}

def right(kind, request):
    first, last = map(int, request.split("ange: bytes=")[1].split("\r")[0].split("-"))
    file = layered if kind == "hangs" else image
    last = min(last, len(file) - 1)
    body, headers = file[first:last + 1], dict(ends[kind], Content_Range=f"BYTES {first}-{last}/{len(file)}")
    if "Transfer_Encoding" in headers:
        body = b"%x\r\n%s\r\n0\r\n%s\r\n" % (
            len(body), body, b"Content-Range: bytes 7-8/9\r\n" if kind == "trailer" else b"")
        headers["Content_Length"] = None
    return status("206 Partial Content", body, **headers)
while True:
    connection, _ = listener.accept()
    request = connection.recv(65536).decode("latin-1")
    if request:
        try:
            kind = request.split()[1].strip("/")
            if kind == "hangs" and glob.glob("x.inc.*"):
                connection.recv(1)      # until the client is gone
            connection.sendall(right(kind, request) if kind in ends else replies[kind])
        except OSError:
            pass
    connection.close()
END
within 10 test -s liar.pid
liar=http://127.0.0.1:$liar
fails "a reply that is cut short" 4 "cut short|closed|remaining" create --origin "$liar/short" x.inc
fails "a reply that is too long" 4 "longer than it said" create --origin "$liar/long" x.inc
fails "a total below the range" 4 "no valid Content-Range" create --origin "$liar/total" x.inc
fails "an unknown total" 4 "does not say how long" create --origin "$liar/unknown" x.inc
fails "a total of 26 digits" 4 "no valid Content-Range" create --origin "$liar/huge" x.inc
fails "a range of lines" 4 "no valid Content-Range" create --origin "$liar/unit" x.inc
fails "a range with junk after it" 4 "no valid Content-Range" create --origin "$liar/junk" x.inc
fails "garbage" 4 "HTTP" create --origin "$liar/garbage" x.inc
fails "control codes" 4 "404" create --origin "$liar/control" x.inc
is "do not reach the terminal" "$(LC_ALL=C grep -c "$(printf '\033')" .errors)" 0
fails "a header of 3 MB" 4 "header is too long" create --origin "$liar/header" x.inc
fails "3000 headers" 4 "header" create --origin "$liar/headers" x.inc
fails "no reply" 4 "[Ee]mpty reply|closed|reset" create --origin "$liar/nothing" x.inc

echo "# ended by a signal"
for signal in TERM INT HUP; do
	rm -f x.inc
	# A shell's background commands ignore SIGINT, and those of nohup SIGHUP.
	python3 - "$liar/hangs" <<-'END' &
		import os, signal, sys
		for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
		    signal.signal(number, signal.SIG_DFL)
		os.execvp("incrementalsetup", ["incrementalsetup", "create", "--origin", sys.argv[1], "x.inc"])
	END
	setup=$!
	ok "create has begun" within 20 sh -c 'ls x.inc.* 2>/dev/null'
	kill -$signal $setup
	wait $setup 2>/dev/null
	is "it dies of SIG$signal" "$(kill -l $?)" $signal
	ok "and leaves nothing" sh -c '! ls x.inc* 2>/dev/null'
done

# Each kind of status, Content-Range, length and encoding: the message names the fault.
while read -r kind why; do
	fails "$kind" 4 "$liar/$kind: $why$" create --origin "$liar/$kind" x.inc
done <<END
200-part HTTP status 200 with a Content-Range \("bytes 0-12287/[0-9]+"\), which only status 206 may have
200-whole HTTP status 200 with a Content-Range \("bytes 0-[0-9]+/[0-9]+"\), which only status 206 may have
200-junk HTTP status 200 with a Content-Range \("bytes"\), which only status 206 may have
200-chunked-part HTTP status 200 with a Content-Range \("bytes 0-12287/[0-9]+"\), which only status 206 may have
200-file the server does not serve byte ranges
200-endless the server does not serve byte ranges
200-short it holds 100 bytes only
200-nothing it holds 0 bytes only
200-gzip the server sends encoded content, which was not asked for
206-none the reply has no valid Content-Range: HTTP status 206 without the header
206-empty the reply has no valid Content-Range: HTTP status 206 without the header
206-twice the reply has no valid Content-Range: 2 of them
206-multipart the reply is in parts \(multipart/byteranges\), but one range was asked for
206-elsewhere the reply is of another range: bytes 4096 to 8191, not 0 to 12287
206-more the reply is of another range: bytes 0 to 16383, not 0 to 12287
206-less the reply is of another range: bytes 0 to 999, not 0 to 12287
206-end it holds 1000 bytes only
206-star the reply has no valid Content-Range: "bytes \*/99999"
206-long-body the reply is longer than it said: 13000 bytes for a Content-Range of 12288
206-short-body the reply was cut short: 1000 bytes for a Content-Range of 12288
206-gzip the server sends encoded content, which was not asked for
206-transfer the server sends a transfer encoding that was not asked for
204 HTTP status 204, which does not carry the range asked for
202 HTTP status 202, which does not carry the range asked for
299 HTTP status 299, which does not carry the range asked for
304 HTTP status 304, which names no place to get the bytes
302 HTTP status 302, which names no place to get the bytes
416 HTTP status 416: it holds 1234 bytes only
416-part HTTP status 416
END
for kind in identity upper chunked trailer; do
	ok "an unusual reply that is right: $kind" create --origin "$liar/$kind" x.inc
	ok "and makes the same image" cmp x.inc local.inc
done
ok "no temporary file is left" sh -c '! ls *.inc.* 2>/dev/null | grep -v gz'

finish
