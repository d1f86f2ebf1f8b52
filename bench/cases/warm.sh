# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/run warm: reads of what is present, with fio and of a tree.

# shellcheck disable=SC2034	# bench/run and in-root use these
about_warm="processor time of reads, everything present"
peers_warm=(loop erofs erofs-lz4hc-4K erofs-lz4hc-16K erofs-lz4hc-64K ext4 squashfs-4K squashfs-128K
	verity-erofs verity-erofs-lz4hc-4K verity-erofs-lz4hc-16K verity-erofs-lz4hc-64K
	ours-4K ours-4K-dictionary ours-16K ours-64K ours-lz4hc-4K ours-lz4hc-16K ours-lz4hc-64K squashfuse-128K nbdkit nbd-4K nbd-64K ublk-4K ublk-64K)
# In a user-mode kernel programs are other processes, whose time is not in the kernel's.
peers_warm_uml=(loop erofs erofs-lz4hc-4K erofs-lz4hc-16K erofs-lz4hc-64K ext4 squashfs-4K squashfs-128K
	verity-erofs verity-erofs-lz4hc-4K verity-erofs-lz4hc-16K verity-erofs-lz4hc-64K
	ours-4K ours-4K-dictionary ours-16K ours-64K ours-lz4hc-4K ours-lz4hc-16K ours-lz4hc-64K)
size_warm=4 size_warm_uml=64
programs_warm=(fio)

# fio_time COUNT FIO-OPTION...: in $time, the nanoseconds of COUNT operations; in $p50 and $p99 the
# microseconds of one. fio's mean counts what is between a call and its return.
fio_time() {
	local count=$1 fields
	shift
	IFS=';' read -r -a fields < <(fio --name=bench --filename="$target" --readonly --randseed=1 --thread \
		--percentile_list=50:99 --output-format=terse --terse-version=3 --group_reporting \
		"$@" 2>>"$log")
	[ "${fields[4]-}" = 0 ] || die "fio reads with errors: ${fields[*]}"
	p50=${fields[17]#*=} p99=${fields[18]#*=}
	time=$(awk -v mean="${fields[39]}" -v count="$count" 'BEGIN { printf "%.0f", mean * count * 1000 }')
	[ "$time" -gt 0 ] || die "fio's output cannot be understood: ${fields[*]}"
}

# reads MEASURE BYTES BLOCK FIO-OPTION...: a sample, microseconds for 4 KiB
reads() {
	local measure=$1 bytes=$2 block=$3 time p50 p99 order direct
	shift 3
	if [ -n "$cpu_time" ]; then
		# fio's own start costs as much there as what is to be measured.
		order=sequential direct=''
		[[ " $* " != *" --rw=randread "* ]] || order=random
		[[ " $* " != *" --direct=1 "* ]] || direct=direct
		cold
		time=$(/bench/reads $cpu_time "$target" $order "$block" $((bytes / block)) \
			$((size_bytes / block)) $direct) || die "reads fails"
	else
		cold
		fio_time $((bytes / block)) --bs="$block" --size="$size_bytes" --io_size="$bytes" "$@"
	fi
	sample "$measure" "us a 4 KiB" "$peer" "$(quotient "$time" $((bytes / 4096 * 1000)))"
	case $measure in random-4K | random-4K-direct)
		[ -z "${p50-}" ] || { sample "$measure-p50" us "$peer" "$p50"; sample "$measure-p99" us "$peer" "$p99"; }
	esac
}

# The same by more than one job, or more than one read at a time: all the work until the end.
parallel() {	# parallel MEASURE BYTES FIO-OPTION...
	local measure=$1 bytes=$2 fields
	shift 2
	cold
	IFS=';' read -r -a fields < <(fio --name=bench --filename="$target" --readonly --randseed=1 --thread \
		--size="$size_bytes" --output-format=terse --terse-version=3 --group_reporting "$@" 2>>"$log")
	[ "${fields[4]-}" = 0 ] || die "fio reads with errors: ${fields[*]}"
	sample "$measure" "us a 4 KiB" "$peer" "$(quotient "${fields[8]}" "$(quotient $((bytes / 4096)) 1000)")"
}

read_tree() { find "$tree" -type f -exec cat {} +; }
stat_tree() { find "$tree" -printf '%s %T@ %m\n'; }

measure_warm() {
	local peer=$1 size_bytes=$((size << 20)) random=$((1 << 20)) direct time work
	[ -z "$cpu_time" ] || random=$((8 << 20))
	peer_up "$peer" || die "$peer cannot be set up"
	reads sequential "$size_bytes" 131072 --rw=read
	reads random-4K "$random" 4096 --rw=randread
	# Squashfs and compressed files of erofs cannot be read so.
	case $peer in *lz4hc* | squashfs-* | squashfuse-*) direct='' ;; *) direct=1 ;; esac
	[ -z "$direct" ] || reads direct-1M "$size_bytes" 1048576 --rw=read --direct=1
	if [ -z "$cpu_time" ]; then
		reads sequential-1M "$size_bytes" 1048576 --rw=read
		reads random-4K-mmap "$random" 4096 --rw=randread --ioengine=mmap
		if [ -n "$direct" ]; then
			reads random-4K-direct "$random" 4096 --rw=randread --direct=1
			parallel random-4K-depth-32 "$random" --rw=randread --bs=4k --direct=1 --ioengine=libaio \
				--iodepth=32 --io_size="$random"
		fi
		parallel random-4K-jobs-4 "$random" --rw=randread --bs=4k --numjobs=4 --io_size=$((random / 4))
	fi
	# In a user-mode kernel the start of cat and find costs more than all that they read.
	if [ -n "$tree" ] && [ -z "$cpu_time" ]; then
		work read_tree
		sample tree "us a file" "$peer" "$(quotient "$work" "$(($(find "$tree" -type f | wc -l) * 1000))")"
		work stat_tree
		sample find-stat "us a file" "$peer" "$(quotient "$work" "$(($(find "$tree" | wc -l) * 1000))")"
	fi
	peer_down "$peer" || die "$peer cannot be taken down"
}
