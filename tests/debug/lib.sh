# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
#
# Fault injection, for the cases of tests/debug, which source this first. It sources
# tests/lib/vm.sh.

# shellcheck source=tests/lib/vm.sh
. "${BASH_SOURCE[0]%/*}/../lib/vm.sh"

faulttool=$top/build/tests/faulttool
kinds="failslab fail_page_alloc fail_make_request"

# fault KIND FILE VALUE
fault() {
	printf '%s\n' "$3" >"/sys/kernel/debug/$1/$2"
}

# Every allocation counts, also those that may wait; nothing is logged of each.
for kind in $kinds; do
	fault "$kind" probability 0
	fault "$kind" verbose 0
done
fault failslab ignore-gfp-wait N
fault fail_page_alloc ignore-gfp-wait N
fault fail_page_alloc min-order 0

may_fail() {	# the I/O of LOOP may
	echo 1 >"/sys/block/${LOOP##*/}/make-it-fail"
}

# faults KIND PERCENT: from now on that share of the module's allocations or I/Os
# fails, in any task: its functions must be among the callers.
faults() {
	local start size
	read -r _ size _ _ _ start _ </proc/modules
	[ "$(head -n 1 /proc/modules | cut -d ' ' -f 1)" = dm_incremental ] || return
	fault "$1" require-start "$start"
	fault "$1" require-end "$(printf '0x%x' $((start + size)))"
	fault "$1" stacktrace-depth 32
	fault "$1" times 1000000
	fault "$1" probability "$2"
}

# no_faults KIND: end that; sets INJECTED to the number of faults.
no_faults() {
	fault "$1" probability 0
	INJECTED=$((1000000 - $(cat "/sys/kernel/debug/$1/times")))
}

# devtmpfs needs memory to remove a node: without it the node stays, with no device
# behind it.
sweep() {
	local node
	for node in /dev/incremental/*; do
		if (: <"$node") 2>&1 | grep -q "No such device or address"; then
			rm "$node"
		fi
	done
}
