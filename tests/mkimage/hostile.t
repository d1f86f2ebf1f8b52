#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Small filesystems whose parts are shared so often that a walk along them would not
# end, or take all memory: mkimage ends on each, with a sentence. (hostile.py makes
# them; they are seeds of the fuzz target "files", too.)

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"

declare -A wanted=(
	[ext4_linked_directories]='directory [0-9]+ of its ext4 is in two places'
	[ext4_large_directory]='block [0-9]+ of its ext4 is in two places'
	[ext4_file_map]='block [0-9]+ of its ext4 is in two places'
	[ext4_extents]='block [0-9]+ of its ext4 is in two places'
	[ext4_names]='block [0-9]+ of its ext4 is in two places'
	[ext4_paths]='paths of a generation are too long'
	[erofs_holes]=""
	[erofs_shared]='has attribute 0 twice'
	[erofs_shared_overlap]='has the same extended attribute twice'
)

# limited COMMAND...: within limits of memory and time that suffice for all of them
# (the time is for a busy machine; a walk without a check would take hours)
limited() {
	(
		ulimit -v 1500000
		exec timeout 120 "$@"
	)
}

mkdir more
echo text >more/file
for case in $(python3 "$top/tests/mkimage/hostile.py"); do
	ok "$case: create" python3 "$top/tests/mkimage/hostile.py" "$case" raw
	"$mkimage" create --force raw image >/dev/null
	if [ -n "${wanted[$case]}" ]; then
		fails "$case: inspect --files" 1 "${wanted[$case]}" limited "$mkimage" inspect --files image
	else
		ok "$case: inspect --files" limited "$mkimage" inspect --files image
	fi
	# Parts that mkimage does not look at do no harm, so it may succeed.
	limited "$mkimage" ls -lR image >out 2>&1
	is "$case: ls -R ends" "$(($? < 2))" 1
	limited "$mkimage" extend --force --output layer image more >out 2>&1
	is "$case: extend ends" "$(($? < 2))" 1
	limited "$mkimage" extend --force --output layer --remove top image >out 2>&1
	is "$case: removing it ends" "$(($? < 2))" 1
done
finish
