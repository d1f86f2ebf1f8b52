# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# Functions of the cases of the filesystem matrix. Each filesystem is read again and
# again, each time from a local file that holds nothing but heads, by readers of
# all kinds. No read may fail, and each byte must be the right one.

# shellcheck source=tests/lib/vm.sh
. "${BASH_SOURCE[0]%/*}/../lib/vm.sh"
# shellcheck source=tests/kernel/lib/cold.sh
. "${BASH_SOURCE[0]%/*}/../kernel/lib/cold.sh"
images=$top/build/tests/filesystems

# The ways of reading, and the numbers of readers at a time.
kinds=("buffered 1" "buffered 8" "random 8" "mmap 4" "mmap-random 8" "willneed 4"
	"readahead 4" "nowait 4" "direct 4" "mixed 16")

all_kinds() {	# all_kinds NAME TYPE MOUNT-OPTIONS TABLE-OPTIONS
	local kind
	for kind in "${kinds[@]}"; do
		# shellcheck disable=SC2086	# a mode and a number
		cold "$@" "$images/tree" $kind 0 || { echo "with $kind"; return 1; }
	done
	# A fault between readahead and a single reader shows in each pass.
	cold "$@" "$images/tree" buffered 1 100 && cold "$@" "$images/tree" mixed 16 200
}

# matrix NAME...: with the tools' default, and with the other option if it is allowed
matrix() {
	local wanted name type options features
	for wanted; do
		read -r name type options features < <(grep "^$wanted " "$images/list")
		[ -n "$name" ] || continue	# mkfs did not have it
		modprobe -q "$type"
		if ! cold "$name" "$type" "$options" "" >/dev/null 2>&1; then
			case $name in
			erofs-lzma | erofs-deflate | erofs-zstd) result ok "$name # SKIP $(uname -r) cannot mount it" ;;
			*) result 'not ok' "$name: can be mounted"; show_log ;;
			esac
			continue
		fi
		ok "$name: no read fails" all_kinds "$name" "$type" "$options" ""
		[ "$features" != rereads ] ||
			ok "$name: nor where readahead does" all_kinds "$name" "$type" "$options" "absent_readahead hint"
	done
}
