# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/run miss: from a read of 4 KiB that nothing is there for until it returns; the origin is a
# file in memory. "bare" is the tests' loader, which answers what it is asked for and verifies nothing:
# what the kernel takes. incrementald's largest size is told, too. nbdkit and FUSE fetch the same, verify nothing and keep nothing; nbd-SIZE and ublk-SIZE
# do both.

# shellcheck disable=SC2034	# bench/run and in-root use these
about_miss="time and work of reads of what is absent"
peers_miss=(ours-4K ours-64K ours-4K-bare ours-64K-bare nbdkit fuse nbd-4K nbd-64K ublk-4K ublk-64K squashfuse-128K)
size_miss=64
programs_miss=(fio)
local=/local.inc

make_miss() { make_peer "${1%-bare}"; }
files_miss() { peer_files "${1%-bare}"; }

up_miss() {	# up_miss PEER: $target can be read, and has nothing
	local image
	loader=''
	case $1 in
	ours-*)
		image=$images/${1%-bare}.inc
		/bench/loadertool sparse "$image" $local && device=$(losetup --show --find $local) &&
			dmsetup create bench --readonly --table "$(incrementalsetup table $local "$device")" || return
		target=/dev/mapper/bench
		if [ "${1%-bare}" = "$1" ]; then
			incrementald --origin "$image" --no-prefetch --no-startup "/dev/incremental/${device##*/}" \
				>>"$log" 2>&1 &
		else
			/bench/loadertool serve "/dev/incremental/${device##*/}" "$image" >>"$log" 2>&1 &
		fi
		loader=$!
		;;
	nbd-*)
		image=$images/ours-${1#*-}.inc loops=() mounted=''
		/bench/loadertool sparse "$image" $local &&
			serve_nbd /bench/nbdkit-incremental-plugin.so local=$local origin="$image" prefetch=no || return
		target=/dev/nbd0
		;;
	ublk-*)
		image=$images/ours-${1#*-}.inc loops=() mounted='' daemon=''
		/bench/loadertool sparse "$image" $local &&
			serve_ublk --origin "$image" --no-prefetch $local || return
		target=$served
		;;
	*)
		peer_up "$1" || return
		[ "$1" != nbdkit ] || target=/dev/nbd0
		;;
	esac
}

down_miss() {
	case $1 in
	ours-*)
		wait_for dmsetup remove bench || return
		kill $loader 2>/dev/null || :
		wait $loader 2>/dev/null || :
		losetup -d "$device" && rm $local
		;;
	*) peer_down "$1" && rm -f $local ;;
	esac
}

# some JOBS READS FIO-OPTION...: each of JOBS reads so many at random
some() {
	local fields jobs=$1 reads=$2
	shift 2
	cold
	IFS=';' read -r -a fields < <(fio --name=bench --filename="$target" --readonly --thread --numjobs="$jobs" \
		--rw=randread --bs=4k --size=$((size << 20)) --number_ios="$reads" --group_reporting \
		--percentile_list=50:99 --output-format=terse --terse-version=3 "$@" 2>>"$log")
	[ "${fields[4]-}" = 0 ] || die "fio reads with errors: ${fields[*]}"
	p50=${fields[17]#*=} p99=${fields[18]#*=} milliseconds=${fields[8]}
}

measure_miss() {
	local peer=$1 p50 p99 milliseconds direct=(--direct=1)
	[[ $peer != squashfuse-* ]] || direct=(--fadvise_hint=random)
	up_miss "$peer" || die "$peer cannot be set up"
	some 1 20 --randseed=7 "${direct[@]}"	# the tree, the loader's own start
	some 1 200 --randseed=1 "${direct[@]}"
	sample p50 us "$peer" "$p50"
	sample p99 us "$peer" "$p99"
	some 64 8 --randseed=3 "${direct[@]}"
	sample 64-readers us "$peer" "$(quotient "$milliseconds" 0.512)"
	# All that incrementald ever had; the tests' loader keeps nothing.
	[ -z "${loader-}" ] || [[ $peer == *-bare ]] ||
		sample loader "MiB of memory" "$peer" "$(awk '/^VmHWM:/ { printf "%.1f", $2 / 1024 }' "/proc/$loader/status")"
	down_miss "$peer" || die "$peer cannot be taken down"
}
