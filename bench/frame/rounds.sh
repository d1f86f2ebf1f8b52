# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced where bench/run measures: the clock, samples, and rounds in an alternating order. A
# sample is a line "sample MEASURE|UNIT|PEER|VALUE" on stdout, which bench/frame/report reads.

# Of a user-mode kernel: the nanoseconds that its process has had of the host.
cpu_time=/sys/module/bench/parameters/cpu_ns
[ -e "$cpu_time" ] || cpu_time=

die() {
	echo "bench/run: $*" >&2
	[ ! -s "${log:-}" ] || tail -n 20 "$log" >&2
	exit 1
}

# clock: in $now, the nanoseconds of work so far. It starts no program.
clock() {
	if [ -n "$cpu_time" ]; then
		read -r now <"$cpu_time"
	else
		now=$((${EPOCHREALTIME/./} * 1000))
	fi
}

sample() {	# sample MEASURE UNIT PEER VALUE
	printf 'sample %s|%s|%s|%s\n' "$@"
}

# quotient A B: A / B, with six digits behind the point
quotient() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.6f", a / b }'
}

cold() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
}

# work COMMAND...: in $work, the nanoseconds that it takes with cold caches; its output is lost.
work() {
	local start
	cold
	clock
	start=$now
	"$@" >/dev/null 2>>"$log" || die "this failed: $*"
	clock
	work=$((now - start))
}

# rounds N FUNCTION PEER...: call FUNCTION with each PEER, N times; every other time from the last to
# the first, so that what changes slowly is nobody's gain. A user-mode kernel gets its memory from
# the host when it is first used, so there a round comes before them that does not count.
rounds() {
	local round count=$1 function=$2 peer order reversed=() first=1
	[ -z "$cpu_time" ] || first=0
	shift 2
	for peer; do reversed=("$peer" "${reversed[@]}"); done
	for ((round = first; round <= count; round++)); do
		order=("$@")
		((round % 2)) || order=("${reversed[@]}")
		for peer in "${order[@]}"; do
			echo "bench/run: round $round of $count, $peer" >&2
			if [ "$round" = 0 ]; then
				"$function" "$peer" >/dev/null || die "$peer fails"
			else
				"$function" "$peer" || die "$peer fails"
			fi
		done
	done
}
