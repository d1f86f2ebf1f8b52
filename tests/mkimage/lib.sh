# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the tests of mkimage: a directory for files, and the functions of tests/lib.

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mkimage=${MKIMAGE:-$top/build/mkimage}
work=$(mktemp -d "${TMPDIR:-/tmp}/mkimage-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
PATH=$PATH:/usr/sbin:/sbin
unset SOURCE_DATE_EPOCH
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"
# shellcheck source=tests/lib/image.sh
. "$top/tests/lib/image.sh"

# locked FILE KIND COMMAND...: run COMMAND while another program holds a shared or
# exclusive lock of FILE
locked() {
	local file=$1 kind=$2 status=0 locker word
	shift 2
	coproc locker { exec "$top/tests/lockfile.py" fcntl "$kind" "$file"; }
	read -r word <&"${locker[0]}" && [ "$word" = locked ] || return 99
	"$@" || status=$?
	eval "exec ${locker[1]}>&-"
	wait
	return $status
}
