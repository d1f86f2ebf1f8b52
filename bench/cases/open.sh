# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/run open: what is fetched, and how long it takes, from nothing local to the first ls of the
# mounted root, for devices of 100 MiB to 100 GiB (make_sparse() in bench/frame/inputs.sh). The origin is nginx
# on the loopback device.

# shellcheck disable=SC2034	# bench/run and in-root use these
about_open="bytes fetched and time until the first ls"
peers_open=(ours-100M ours-1G ours-10G ours-100G)
size_open=1
local=/local.inc

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
