#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sizes around those that fill a page of the tree or the map, clusters and chunks of
# every size, clusters of several sizes in one image, nothing but zeros, nothing that
# compresses, 256 GiB: all read as the raw image does.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# Cold in one way, warm in the others, and again from the file alone.
mode=(direct buffered mmap)
read_size=(4096 16384 65536 131072 1048576)
n=0
for name in size{1,2,127,128,129,511,512,513} cluster{4,8,16,32,64,128,256}K ordered{8,64,256}K chunk16K chunk64K zeros stored nosalt longsalt; do
	open_image "$name" || { result 'not ok' "$name: open"; continue; }
	serve
	cold=${mode[n % 3]}
	size=${read_size[n % 5]}
	n=$((n + 1))
	ok "$name: cold, $cold, by $size" "$tool" compare "$DEV" "$RAW" "$cold" "$size"
	stop
	"$tool" forget "$DEV"
	wrong=
	for warm in "${mode[@]}"; do
		"$tool" compare "$DEV" "$RAW" "$warm" 262144 || wrong="$wrong $warm"
	done
	is "$name: then in every way, without a loader" "$wrong" ""
	close_image
done

# At random, by several threads, while the loader fills.
for name in small cluster32K ordered64K chunk16K; do
	open_image $name
	serve delay=2
	ok "$name: threads at random, cold" "$tool" random "$DEV" "$RAW" 8 80 1
	ok "$name: and warm" "$tool" random "$DEV" "$RAW" 8 150 2
	stop
	close_image
done

# 256 GiB with 32 MiB of data: the holes take next to nothing.
open_image huge
eval "$("$tool" layout "$IMAGE")"
is "256 GiB" $((blocks * 4096)) $((256 << 30))
between "its metadata is in proportion to its data" "$meta_size" 1 $((2 << 20))
between "its head is small" "$head_size" 1 65536
between "a local file of it takes little" "$(du -k "$LOCAL" | cut -f 1)" 0 100
present0=$(field present)
serve nohints log=log
reader a $((100 << 30)) 4096
is "a read of zeros, far out" "$(outcome a)" 4096
between "fetches a map page and four tree pages" $(($(field present) - present0)) 1 6
# Each megabyte of data, with those before and after it.
wrong=
mib=$((256 * 1024))
for ((i = 0; i < 32; i += 3)); do
	at=$((i * (mib - 1) / 31))
	from=$((at > 0 ? at - 1 : 0))
	to=$((at + 2 < mib ? at + 2 : mib))
	"$tool" compare "$DEV" "$RAW" "${mode[i % 2]}" 1048576 $((from << 20)) $(((to - from) << 20)) || wrong="$wrong $i"
done
is "data here and there, and the zeros around" "$wrong" ""
present1=$(field present)
wrong=
for gib in 1 33 77 127 128 200 255; do
	"$tool" compare "$DEV" "$RAW" direct 1048576 $(((gib << 30) + (7 << 20))) 2097152 || wrong="$wrong $gib"
done
is "zeros everywhere" "$wrong" ""
between "share their metadata" $(($(field present) - present1)) 0 64
between "the local file takes the space of the fetched chunks" "$(du -k "$LOCAL" | cut -f 1)" 0 \
	$(($(field present) * 4 + 200))
the_end
