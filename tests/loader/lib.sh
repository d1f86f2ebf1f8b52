# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the tests of incrementald and incrementalsetup: TAP, a web server, images.

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${TOOLS:-$top/build}
work=$(mktemp -d "${TMPDIR:-/tmp}/loader-test.XXXXXX")
cd "$work" || exit 1
PATH=$bin:$PATH:/usr/sbin:/sbin
# A proxy would stand between the tools and the server.
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy
tests=0

cleanup() {
	local pid
	cd /
	for pid in "$work"/*.pid; do
		[ ! -s "$pid" ] || kill "$(cat "$pid")" 2>/dev/null
	done
	rm -rf "$work"
}
trap cleanup EXIT

result() {	# result ok|'not ok' NAME
	local end=$EPOCHREALTIME
	tests=$((tests + 1))
	echo "$1 $tests - $2"
	[ -z "${TIMES-}" ] || echo "# +$(((${end/./} - ${started/./}) / 1000)) ms"
	started=$end
}
started=$EPOCHREALTIME

# ok WHAT COMMAND...: COMMAND succeeds; what it printed is shown if not.
ok() {
	local what=$1 status=0
	shift
	"$@" >"$work/.output" 2>&1 || status=$?
	if [ $status = 0 ]; then
		result ok "$what"
	else
		result 'not ok' "$what"
		echo "# exited with $status: $*"
		head -40 "$work/.output" | sed 's/^/# /'
	fi
}

is() {		# is WHAT GOT WANTED
	if [ "$2" = "$3" ]; then
		result ok "$1"
	else
		result 'not ok' "$1"
		printf '# got:    %s\n# wanted: %s\n' "$2" "$3"
	fi
}

like() {	# like WHAT GOT REGEX
	if [[ $2 =~ $3 ]]; then
		result ok "$1"
	else
		result 'not ok' "$1"
		printf '# got:         %s\n# no match of: %s\n' "$2" "$3"
	fi
}

below() {	# below WHAT VALUE LIMIT
	if [ "$2" -lt "$3" ]; then
		result ok "$1"
	else
		result 'not ok' "$1"
		echo "# $2 is not below $3"
	fi
}

# fails WHAT STATUS TEXT COMMAND...: COMMAND exits with STATUS, says TEXT (an
# extended regular expression) on stderr, and only one line of it.
fails() {
	local what=$1 status=$2 text=$3 got=0
	shift 3
	"$@" >"$work/.output" 2>"$work/.errors" || got=$?
	if [ $got = "$status" ] && grep -Eq -- "$text" "$work/.errors"; then
		result ok "$what"
	else
		result 'not ok' "$what"
		echo "# exit status $got, wanted $status; wanted: $text"
		head -20 "$work/.errors" | sed 's/^/# /'
	fi
}

finish() {
	echo "1..$tests"
}

# within SECONDS COMMAND...: it succeeds in time; tried ten times a second.  A
# busy machine may need several times as long: who succeeds does not wait for
# the end.
within() {
	local end=$((SECONDS + $1 * 5))
	shift
	until "$@"; do
		[ $SECONDS -le $end ] || return 1
		sleep 0.1
	done
}

# ---- a web server ----

# free_port FROM: a port that nobody listens on now, from there upwards
# shellcheck disable=SC2034	# for tests: differs from test to test
port=$((20000 + $$ % 20000))
free_port() {
	local free=$1
	while (exec 3<>"/dev/tcp/127.0.0.1/$free") 2>/dev/null; do
		free=$((free + 1))
	done
	echo "$free"
}

# serve NAME CONFIG: nginx with these http directives; logs in NAME.access
serve() {
	local name=$1 user=
	[ "$(id -u)" != 0 ] || user="user $(id -un);"
	mkdir -p "$work/$name.d"
	cat >"$work/$name.conf" <<-END
		$user
		worker_processes 1;
		pid $work/$name.pid;
		error_log $work/$name.error;
		events { worker_connections 256; }
		http {
			log_format range '\$status "\$http_range" \$body_bytes_sent \$connection';
			access_log $work/$name.access range;
			default_type application/octet-stream;
			client_body_temp_path $work/$name.d/1;
			proxy_temp_path $work/$name.d/2;
			fastcgi_temp_path $work/$name.d/3;
			uwsgi_temp_path $work/$name.d/4;
			scgi_temp_path $work/$name.d/5;
			$2
		}
	END
	nginx -p "$work" -c "$work/$name.conf" -e "$work/$name.error"
}

stop_server() {	# stop_server NAME
	kill "$(cat "$work/$1.pid")"
	within 5 test ! -e "$work/$1.pid"
}

# ---- images ----

# An image of BYTES bytes of text and noise, with sums of its files.
make_image() {	# make_image NAME BYTES
	mkdir -p "$1.src"
	seq 1 $(($2 / 7)) >"$1.src/text"
	openssl enc -aes-128-ctr -nosalt -K 00000000000000000000000000000001 \
		-iv 00000000000000000000000000000000 </dev/zero 2>/dev/null |
		head -c $(($2 / 2)) >"$1.src/noise"
	mkimage create --force "$1.src" "$1.inc" >"$1.made" 2>&1 || {
		cat "$1.made" >&2
		echo "Bail out! mkimage failed"
		exit 1
	}
	(cd "$1.src" && sha256sum -- *) >"$1.sums"
	sed -n 's/^root hash: *//p' "$1.made" >"$1.root"
}
