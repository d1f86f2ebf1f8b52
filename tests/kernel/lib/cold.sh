# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# Read a filesystem of which only heads are present. Sourced after vm.sh.

# cold NAME TYPE MOUNT-OPTIONS TABLE-OPTIONS [TREE MODE READERS SEED]: image NAME with
# a loader, mounted, and all of it read: each byte must be that of TREE. Failures are
# printed. Returns 2 if it cannot be mounted.
cold() {
	local status=0
	# shellcheck disable=SC2086	# a list of words
	open_image "$1" $4 && serve || return
	if ! mounted "$DEV" "$work/mnt" -t "$2" -o "$3"; then
		status=2
	else
		[ $# = 4 ] || "$tool" tree "$work/mnt" "${@:5}" || status=1
		unmounted "$work/mnt" || status=1
	fi
	stop
	close_image || status=1
	return $status
}
