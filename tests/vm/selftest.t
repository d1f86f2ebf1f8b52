#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/vm/run keeps every promise that the other tests rely on.  Each machine takes
# a boot; those that show the same again are booted only with CHECK_LONG in the
# environment.

# shellcheck disable=SC2016	# the guest's shell expands these, not ours
set -u
top=$(readlink -f "$(dirname "$0")/../..")
cd "$top" || exit 1

# Files that the VM leaves behind would be in here.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/tmp" "$scratch/share dir, with a comma"
export TMPDIR=$scratch/tmp

work=$scratch
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

show_more() {
	tail -n 60 "$scratch/err" 2>/dev/null | sed 's/^/# /'
}

status=
slowest=0	# the most seconds that a machine has taken in this run
vm() {	# run one command in the VM, without the module
	local start=$SECONDS
	status=0
	tests/vm/run --no-module "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
	[ $((SECONDS - start)) -le $slowest ] || slowest=$((SECONDS - start))
}

said() {
	grep -qE "$1" "$scratch/err"
}

not_said() {
	! said "$1"
}

wait_for_up() {	# until a command in the background has printed "up"
	for _ in $(seq 3000); do
		! grep -qsx up "$scratch/out" || break
		sleep 0.1
	done
}

no_process() {	# a process that was told to end may take a moment
	for _ in $(seq 600); do
		pgrep -f "$TMPDIR" >/dev/null || return 0
		sleep 0.1
	done
	return 1
}

nothing_left() {
	[ -z "$(ls -A "$TMPDIR")" ]
}

long=${CHECK_LONG-}
signals=(INT)
if [ -n "$long" ]; then
	signals=(INT TERM)
else
	echo "left to make check-long: a warning and a crash of 6.12 (6 tests), SIGTERM (4 tests)" >&2
fi
head -c 1048576 /dev/urandom >"$scratch/share dir, with a comma/random"
rate=$(tests/vm/tsc-rate)
for kernel in 6.1 6.12; do
	vm --kernel $kernel --quiet --disk 64 --memory 512 --cpus 2 --share "$scratch/share dir, with a comma" \
		--env "GREETING=it's a \"test\"" --env "RATE=$rate" -- bash -c '
		uname -r
		echo "$1|$2|$GREETING"
		echo "on stderr" >&2
		pwd
		id -u
		nproc
		echo data >/scratch/file && findmnt -no FSTYPE /scratch
		echo from the guest >"$3/file"
		touch /etc/new /usr/new /tmp/new && echo writable
		awk -v rate="$RATE" '\''/^cpu MHz/ {
			print "clock", rate == "" || ($4 * 1000 > rate * 0.99 && $4 * 1000 < rate * 1.01) ? "right" : $4
			exit
		}'\'' /proc/cpuinfo
		cat "$3/random"
		cat "$3/random" >&2
		cat
		exit 7' arg0 "one  word" '$HOME' "$scratch/share dir, with a comma"
	ok "$kernel: exit status is handed back" [ "$status" = 7 ]
	ok "$kernel: standard output is handed back, with 1 MiB that is not text" cmp "$scratch/out" <(
		cat - "$scratch/share dir, with a comma/random" <<END
$(scripts/kernel-release $kernel)
one  word|\$HOME|it's a "test"
$PWD
0
2
ext4
writable
clock right
END
	)
	ok "$kernel: standard error is handed back, and nothing else" cmp "$scratch/err" <(
		echo "on stderr"
		cat "$scratch/share dir, with a comma/random"
	)
	ok "$kernel: a shared directory can be written to" \
		grep -qx 'from the guest' "$scratch/share dir, with a comma/file"
	ok "$kernel: the host's root is not" [ ! -e /etc/new ]

	[ $kernel = 6.1 ] || [ -n "$long" ] || continue
	vm --kernel $kernel -- sh -c 'echo "<4>WARNING: CPU: 0 PID: 1 at nowhere.c:1" >/dev/kmsg; echo done'
	ok "$kernel: a warning of the kernel fails the run" [ "$status" = 125 ]
	ok "$kernel: and is shown" said 'in trouble: .*nowhere.c'
	ok "$kernel: and the command was run to its end" grep -qx 'done' "$scratch/out"

	vm --kernel $kernel -- sh -c 'echo before
		until grep -q before /run/vm/stdout; do sleep 0.1; done
		echo c >/proc/sysrq-trigger'
	ok "$kernel: a crash of the kernel fails the run" [ "$status" = 125 ]
	ok "$kernel: the kernel's log is printed" said 'Kernel panic'
	ok "$kernel: output from before the crash is there" grep -qx 'before' "$scratch/out"
done

limit=$((2 * slowest + 5))
vm --timeout $limit -- sh -c 'echo waiting; sleep 1000'
ok "a hang ends at --timeout, with status 124" [ "$status" = 124 ]
ok "and is reported" said "time was up after $limit s"
ok "output from before the hang is there" grep -qx 'waiting' "$scratch/out"

vm --disk 64 --hung-task 2 -- sh -c 'fsfreeze -f /scratch; touch /scratch/file &
	for i in $(seq 300); do
		sleep 1
		! dmesg | grep -q "blocked for more than" || break
	done; echo slept'
ok "a hung task fails the run" [ "$status" = 125 ]
ok "and is reported" said 'blocked for more than'
ok "and cannot hold up the end" grep -qx 'slept' "$scratch/out"

vm -- sh -c 'sleep 1000 & kill -9 $$'
ok "death by a signal is 128 + its number" [ "$status" = 137 ]
ok "and a process left behind does not hold up the end" not_said 'time was up'

vm -- /no/such/command
ok "a command that does not exist is 127" [ "$status" = 127 ]

# Two at once, of different kernels; one in a directory below /tmp, of which a part
# is shared.
mkdir -p "$scratch/elsewhere/shared"
echo beside it >"$scratch/elsewhere/beside"
tests/vm/run --no-module --kernel 6.12 -- uname -r >"$scratch/other" 2>&1 &
pid=$!
cd "$scratch/elsewhere" || exit 1
status=0
"$top/tests/vm/run" --no-module --share shared -- sh -c 'pwd
	uname -r
	cp beside shared/copy
	python3 -m http.server 8000 --bind 127.0.0.1 >/dev/null 2>&1 &
	for i in $(seq 100); do
		python3 -c "import urllib.request; urllib.request.urlopen(\"http://127.0.0.1:8000\")" 2>/dev/null && exit
		sleep 0.1
	done; exit 1' >"$scratch/out" 2>"$scratch/err" || status=$?
cd "$top" || exit 1
wait $pid
ok "loopback works" [ "$status" = 0 ]
ok "a working directory below /tmp is there" grep -qx "$scratch/elsewhere" "$scratch/out"
ok "a file beside a shared directory below /tmp is there, too" \
	cmp "$scratch/elsewhere/beside" "$scratch/elsewhere/shared/copy"
ok "two machines can run at the same time" \
	[ "$(grep -ho '^6\.[0-9]*' "$scratch/out" "$scratch/other" | xargs)" = '6.1 6.12' ]

tests/vm/run --no-module -- sh -c 'echo up; sleep 1000' >"$scratch/out" 2>"$scratch/err" &
pid=$!
wait_for_up
pkill -KILL -f "^qemu-system-x86_64 .*$TMPDIR"
status=0
wait $pid || status=$?
ok "qemu's death is status 125" [ "$status" = 125 ]
ok "and is reported" said 'the machine ended before the command did'

# Interrupted as by ^C: the signal goes to the whole process group.
for signal in "${signals[@]}"; do
	env --default-signal=INT setsid tests/vm/run --no-module -- sh -c 'echo up; sleep 1000' \
		>"$scratch/out" 2>"$scratch/err" &
	pid=$!
	wait_for_up
	qemu=$(pgrep -f "$TMPDIR" | wc -l)
	ok "SIG$signal: the machine was running" [ "$qemu" -gt 0 ]
	kill -$signal -- -$pid
	status=0
	wait $pid || status=$?
	ok "SIG$signal: reported" [ "$status" = $((128 + $(kill -l $signal))) ]
	ok "SIG$signal: no process is left" no_process
	ok "SIG$signal: no file is left" nothing_left
done

for arguments in '--kernel 5.x' '--memory lots' '--no-such-option 1' '--kernel'; do
	# shellcheck disable=SC2086	# words
	vm $arguments -- true
	ok "refused in one sentence: $arguments" [ "$status:$(wc -l <"$scratch/err")" = 125:1 ]
done

ok "no run has left a file" nothing_left

finish
