# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2120
#
# Functions that all cases in the VM share, those of tests/kernel, debug, damage,
# ipe and filesystems; each sources it first.  A case's last line is the_end.  Then
# everything that the case has made is removed; its last test is that this succeeds.
#
# Names that cases use:
#   $tool            build/tests/loadertool
#   $images          the directory of prepare's NAME.raw and NAME.inc
#   $work            a fresh directory in memory
#   $SLOW            the factor by which this machine is slower than usual
#   open_image sets  IMAGE RAW LOCAL LOOP NODE DEV TABLE

set -u
shopt -s nullglob

top=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
tool=$top/build/tests/loadertool
images=$top/build/tests/kernel
module=$top/build/kernel-$VM_KERNEL/dm-incremental.ko
case_name=${0##*/}
case_name=${case_name%.sh}
work=/tmp/$case_name
PATH=$top/build:$PATH

mkdir -p "$work"
cd "$work" || exit 1

# Starting a program takes long in an emulated machine, one with shared
# libraries five times as long: busybox has none.
if ! [ -d /tmp/bin ]; then
	mkdir /tmp/bin
	for applet in awk cat chmod cut dd dmesg grep head mkdir rm sed seq sleep sort tail tr truncate uniq wc; do
		ln -s "$(command -v busybox)" /tmp/bin/$applet
	done
fi
PATH=/tmp/bin:$PATH

# ---- TAP; tests/kernel/run numbers all of a run ----

prefix="$case_name: "
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"

show_more() {
	show_log
}

# ---- the kernel's log ----

marks=0
mark() {	# log() prints the messages from now on
	marks=$((marks + 1))
	echo "case $case_name, mark $marks" >/dev/kmsg
}

log() {
	dmesg | sed "1,/case $case_name, mark $marks\$/d"
}

show_log() {
	log | tail -n 6 | sed 's/^/# [kernel] /'
}

said() {	# said REGEX
	log | grep -qE "$1"
}

# ---- waiting ----

milliseconds() {
	local now=$EPOCHREALTIME
	echo "${now%.*}${now#*.}" | sed 's/...$//'
}

# ---- devices ----

# with_options [OPTION...]: the end of a table line, their number before them
with_options() {
	[ $# -eq 0 ] || echo "$# $*"
}

attach() {	# attach FILE [LOSETUP OPTION...]: sets LOOP and NODE
	if [ $# -gt 1 ]; then
		LOOP=$(losetup --show -f "${@:2}" "$1")
	else
		LOOP=$(busybox losetup -f) && busybox losetup "$LOOP" "$1"
	fi || {
		result 'not ok' "a loop device on $1"
		return 1
	}
	NODE=/dev/incremental/${LOOP##*/}
	loops+=("$LOOP")
}

loop_of() {	# loop_of NAME: sets LOOP and NODE to those of the open device
	LOOP=/dev/$(dmsetup deps -o blkdevname "$1" | sed 's/.*(\(.*\))/\1/')
	NODE=/dev/incremental/${LOOP##*/}
}

detach() {	# detach [LOOP]
	busybox losetup -d "${1:-$LOOP}"
	within 10 not_attached "${1:-$LOOP}"
}

not_attached() {
	[ ! -e "/sys/block/${1#/dev/}/loop/backing_file" ]
}

# activate [NAME [TABLE]]: make a device
activate() {
	dmsetup create --readonly "${1:-t}" --table "${2:-$TABLE}"
}

choose() {	# choose NAME: IMAGE and RAW
	IMAGE_NAME=$1
	IMAGE=$images/$1.inc
	RAW=$images/$1.raw
}

table() {	# table [OPTION VALUE]...: sets TABLE for IMAGE on LOOP
	TABLE=$("$tool" table "$IMAGE" "$LOOP") || return
	[ $# -eq 0 ] || TABLE="$TABLE $# $*"
}

# open_image NAME [OPTION VALUE]...: a local file with nothing but the image's
# head, a loop device on it, and device t.  $loop_options go to losetup, and the
# file goes to the directory $local_dir.
open_image() {
	choose "$1"
	shift
	LOCAL=${local_dir:-$work}/$IMAGE_NAME.inc
	DEV=/dev/mapper/t
	"$tool" sparse "$IMAGE" "$LOCAL" || return
	# shellcheck disable=SC2086	# a list of words
	attach "$LOCAL" ${loop_options-} || return
	table "$@" || return
	activate
}

# open_full NAME [OPTION VALUE]...: the same with a copy of the whole image
open_full() {
	choose "$1"
	shift
	LOCAL=${local_dir:-$work}/$IMAGE_NAME.inc
	DEV=/dev/mapper/t
	cp "$IMAGE" "$LOCAL" || return
	chmod u+w "$LOCAL"
	# shellcheck disable=SC2086	# a list of words
	attach "$LOCAL" ${loop_options-} || return
	table "$@" || return
	activate
}

close_image() {	# device, loop device and local file
	local r=0
	dmsetup remove t || r=1
	detach || r=1
	rm -f "$LOCAL"
	return $r
}

field() {	# field NAME [DEVICE]: one field of its status line
	"$tool" status "${2:-t}" "$1"
}

field_is() {	# field_is NAME VALUE [DEVICE]
	[ "$(field "$1" "${3:-t}")" = "$2" ]
}

some_wait() {	# some_wait [NUMBER]: at least that many reads, or one, are waiting
	local waiting
	waiting=$(field waiting)
	[ "${waiting:-0}" -ge "${1:-1}" ]
}

event_number() {
	"$tool" status "${1:-t}" events
}

forget() {	# forget PATH...: drop the files below them from the page cache
	find "$@" -type f -exec "$tool" forget {} +
}

# ---- loaders and readers in the background ----

# loader COMMAND...: start it and wait until it has opened the node; sets LOADER
# to its process.
loader() {
	"$@" >>"$work/loader.out" 2>&1 </dev/null &
	LOADER=$!
	loaders+=("$LOADER")
	within 10 at_work "$LOADER"
}

at_work() {	# at_work PROCESS: the process has the node open, or has ended
	local fd
	for fd in /proc/"$1"/fd/*; do
		[ "$fd" -ef "$NODE" ] && return
	done
	! kill -0 "$1" 2>/dev/null
}

serve() {	# serve [OPTION...]: start loadertool's crude loader
	loader "$tool" serve "$NODE" "$IMAGE" "$@"
}

stop() {	# stop [PROCESS [SIGNAL]]
	kill "-${2:-TERM}" "${1:-$LOADER}" 2>/dev/null
	wait "${1:-$LOADER}" 2>/dev/null
}

# comes_and_goes OFFSET LENGTH: the loader that serve started brings these bytes again and
# again, while the device is read
comes_and_goes() {
	for _ in $(seq 1 15); do
		"$tool" node "$NODE" discard "$1" "$2"
	done >discards 2>&1 &
	ok "reads are right while it comes and goes" "$tool" random "$DEV" "$RAW" 6 40 2
	wait $!
	is "all discards were done" "$(grep -c 'discard: 0' discards)" 15
	is "nothing was taken for damage" "$(field failures)" 0
}

# reader NAME OFFSET LENGTH [MODE]: a read in the background; its outcome will
# be in $work/NAME.
reader() {
	rm -f "$work/$1"
	"$tool" dread "$DEV" "$2" "$3" "${4:-direct}" >"$work/$1" 2>&1 &
	readers+=("$!")
}

outcome() {	# outcome NAME [SECONDS]: wait for a reader and print its result
	within "${2:-20}" test -s "$work/$1" || { echo hangs; return; }
	cut -d ' ' -f 1 "$work/$1"
}

# blocked PROCESS...: each of them waits for I/O, or has ended (the caller has to
# find that out)
blocked() {
	local process stat
	for process; do
		stat=$(cat "/proc/$process/stat" 2>/dev/null) || continue
		[[ $stat == *") D "* ]] || return
	done
}

duration() {	# duration NAME: the milliseconds that a reader took
	cut -d ' ' -f 2 "$work/$1"
}

# ---- the end ----

loops=() loaders=() readers=() mounts=()

mounted() {	# mounted DEVICE DIRECTORY [OPTION...]
	mkdir -p "$2"
	mount "${@:3}" "$1" "$2" || return
	mounts=("$2" ${mounts[@]+"${mounts[@]}"})
}

unmounted() {	# unmounted DIRECTORY
	local m left=()
	umount "$1" || return
	for m in "${mounts[@]}"; do
		[ "$m" = "$1" ] || left+=("$m")
	done
	mounts=(${left[@]+"${left[@]}"})
}

no_node() {
	local nodes=(/dev/incremental/*)
	[ ${#nodes[@]} -eq 0 ]
}

unused() {
	[ "$(cat /sys/module/dm_incremental/refcnt)" = 0 ]
}

# The module's memory, from slabs or mapped. Without a device there must be none
# but what it has allocated when it was loaded, which is left out.  (Also left out:
# names of merged slab caches, which the kernel itself keeps after any use of
# dm-bufio, records of memory cgroups, which stay as long as their slab, and the
# sheaves in which newer kernels keep a CPU's free objects.)  The debug kernel shows
# mapped memory only; kmemleak looks for the rest at the end.
allocations() {
	local traces
	# All of these files are long; few name the module at all.
	mapfile -t traces < <(grep -l dm_incremental /sys/kernel/debug/slab/kmalloc-*/alloc_traces </dev/null 2>/dev/null)
	[ ${#traces[@]} -eq 0 ] || awk '
		function tell() { if (block ~ /dm_incremental/ && block !~ /_init\+|do_init_module|__kmem_cache_(create|alias)|alloc_slab_(obj_exts|cgroups)|__pcs_|_sheaf\+/) printf "%s", block }
		/^ *[0-9]+ / { tell(); block = "" }
		{ block = block $0 "\n" }
		END { tell() }' "${traces[@]}"
	grep -E 'dm_incremental|dm_bufio' /proc/vmallocinfo
}

nothing_allocated() {
	[ -z "$(allocations)" ]
}

remove_all() {
	local process directory name r=0
	for process in ${loaders[@]+"${loaders[@]}"} ${readers[@]+"${readers[@]}"}; do
		kill -KILL "$process" 2>/dev/null
		wait "$process" 2>/dev/null
	done
	for directory in ${mounts[@]+"${mounts[@]}"}; do
		within 10 umount "$directory" || { echo "cannot unmount $directory"; r=1; }
	done
	# In the reverse order: a later device may lie on an earlier one.
	for name in $(dmsetup info -c --noheadings -o name --sort -minor 2>/dev/null); do
		[ "$name" != No ] || break	# "No devices found"
		dmsetup remove --retry "$name" || { echo "cannot remove $name"; r=1; }
	done
	for name in ${loops[@]+"${loops[@]}"}; do
		not_attached "$name" || busybox losetup -d "$name"
		within 10 not_attached "$name" || { echo "cannot detach $name"; r=1; }
	done
	wait
	no_node || { echo "left:" /dev/incremental/*; r=1; }
	if [ -e /sys/module/dm_incremental ]; then
		within 5 unused || { echo "the module is in use"; r=1; }
		within 5 nothing_allocated || { echo "leaked:"; allocations; r=1; }
	fi
	return $r
}

# shellcheck disable=SC2317	# reached through the trap
end_case() {
	[ -n "$at_end" ] || result 'not ok' "it runs to its end"
	ok "nothing is left" remove_all
	cd / && rm -rf "$work"
	exit 0
}
the_end() {	# each case's last line
	at_end=1
}
at_end=
trap end_case EXIT
mark
