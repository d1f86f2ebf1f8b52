# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by a benchmark: a signal that ends it ends what it runs, and removes what is half made.

job=
half_made=()	# files and directories that are being made

# as_job COMMAND...: wait for it; all its processes are one group
as_job() {
	local status=0
	set -m
	"$@" &
	job=$!
	set +m
	wait "$job" || status=$?
	job=
	return $status
}

# end_by NUMBER: by that signal
end_by() {
	local i
	trap '' INT TERM HUP
	if [ -n "$job" ] && kill -- "-$job" 2>/dev/null; then
		# A machine is given the time to clean up.
		for ((i = 0; i < 300; i++)); do
			kill -0 -- "-$job" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL -- "-$job" 2>/dev/null || :
	fi
	[ ${#half_made[@]} -eq 0 ] || rm -rf "${half_made[@]}"
	exit $((128 + $1))
}
trap 'end_by 2' INT
trap 'end_by 15' TERM
trap 'end_by 1' HUP
