# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# TAP for the tests of debian/tests, which run on a machine with the packages
# installed: autopkgtest wants an exit status as well. Sourced with tests/packages/..
# two levels below the source tree.

work=$(mktemp -d /tmp/dm-incremental-installed.XXXXXX)
trap 'cd / && rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

broken=0
show_more() {
	broken=1
}

finish_tests() {
	finish
	exit $broken
}
