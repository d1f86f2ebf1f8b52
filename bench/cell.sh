# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced in the test VM by BENCH-cell, the part of a benchmark that runs in a root in memory.

die() {
	local name=${0##*/}
	echo "bench/${name%-cell}: $*" >&2
	tail -n 20 /out/log /run/nginx/*.log >&2
	exit 1
}

# In milliseconds, of the machine's clock.
now() { echo $((${EPOCHREALTIME/./} / 1000)); }

gone() {	# gone PID: it has ended
	local i
	for ((i = 0; i < 6000; i++)); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.01
	done
	return 1
}
