# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the tests of incrementald and incrementalsetup: a web server, and the
# functions of tests/lib.

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${TOOLS:-$top/build}
work=$(mktemp -d "${TMPDIR:-/tmp}/loader-test.XXXXXX")
cd "$work" || exit 1
PATH=$bin:$PATH:/usr/sbin:/sbin
# A proxy would stand between the tools and the server.
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy

cleanup() {
	local pid
	cd /
	for pid in "$work"/*.pid; do
		[ ! -s "$pid" ] || kill "$(cat "$pid")" 2>/dev/null
	done
	rm -rf "$work"
}
trap cleanup EXIT

# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"
# shellcheck source=tests/lib/image.sh
. "$top/tests/lib/image.sh"

# ---- a web server ----

# The first of 50 ports that no other test uses: the lock lasts as long as this test and its
# servers do. They lie below those that the kernel gives to connections (32768 and up).
for ((port = 20000; port < 32000; port += 50)); do
	{ exec {ports}>"${TMPDIR:-/tmp}/dm-incremental-ports.$port"; } 2>/dev/null || continue
	flock -n "$ports" && break
	exec {ports}>&-
done

# free_port FROM: the first port from FROM on that has no listener now
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

# steer NAME [IMAGE]: tests/loader/steered.py of app.inc, or of IMAGE, with the rules in
# NAME.rules and its requests in NAME.log; $NAME is its address
steer() {
	rm -f "$1.port"
	: >"$1.log"
	[ -e "$1.rules" ] || echo '{}' >"$1.rules"
	"$top/tests/loader/steered.py" "${2-app.inc}" "$1.rules" "$1.log" "$1.port" &
	echo $! >"$1.pid"
	within 20 test -s "$1.port" || { echo "Bail out! $1 does not start"; exit 1; }
	declare -g "$1=127.0.0.1:$(<"$1.port")"
}

# rules NAME JSON: from now on
rules() {
	echo "$2" >"$1.rules.new"
	mv "$1.rules.new" "$1.rules"
}
