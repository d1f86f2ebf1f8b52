# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/run open: what is fetched, and how long it takes, from nothing local to the first ls of the
# mounted root, for images of 100 MiB, 1 GiB and 10 GiB. The origin is nginx on the loopback device.
# The data is sparse: of each MiB of the large file 4 KiB are no hole, so that the tree and the map of
# the image are as large as those of any image, and its data is not.

# shellcheck disable=SC2034	# bench/run and in-root use these
about_open="bytes fetched and time until the first ls"
peers_open=(ours-100M ours-1G ours-10G)
size_open=1
local=/local.inc

make_sparse() {	# make_sparse SIZE IMAGE
	rm -rf "$images/sparse"
	mkdir "$images/sparse"
	cp -a "$images/source/tree" "$images/sparse/"
	python3 - "$1" "$images/sparse/large" <<-'EOF' || return
		import os, random, sys
		size = int(sys.argv[1][:-1]) << {"M": 20, "G": 30}[sys.argv[1][-1]]
		source = random.Random(1)
		with open(sys.argv[2], "wb") as file:
		    for at in range(0, size, 1 << 20):
		        file.seek(at)
		        file.write(source.randbytes(4096))
		    file.truncate(size)
	EOF
	build/mkimage create --no-check "$images/sparse" "$2" && rm -rf "$images/sparse"
}

make_open() { made "$images/$1.inc" make_sparse "${1#ours-}" "$images/$1.inc.new"; }
files_open() { echo "$1.inc"; }

first_ls() {
	local origin=http://127.0.0.1/$1.inc
	incrementalsetup create --origin "$origin" $local && incrementalsetup open --origin "$origin" --no-prefetch \
		$local bench && mount -t erofs -o ro /dev/mapper/bench /mnt && ls /mnt
}

measure_open() {
	local peer=$1 work
	serve_images "log_format bytes '\$bytes_sent'; access_log /run/nginx/access.log bytes;" || die "nginx does not start"
	: >/run/nginx/access.log
	work first_ls "$peer"
	sample time "ms until ls" "$peer" "$(quotient "$work" 1000000)"
	# What is still on its way counts, too.
	umount /mnt && incrementalsetup close bench && wait_for test ! -e /dev/mapper/bench || die "$peer cannot be closed"
	sample fetched "KiB until ls" "$peer" "$(awk '{ sum += $1 } END { printf "%.3f", sum / 1024 }' /run/nginx/access.log)"
	sample requests "requests until ls" "$peer" "$(wc -l </run/nginx/access.log)"
	rm -f $local
}
