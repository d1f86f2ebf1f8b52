#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each allocation and each I/O of a system call fails once, one at a time: the call
# fails with a clean error, leaves nothing behind, and succeeds when it is repeated.

# shellcheck source=tests/debug/lib.sh
. "$(dirname "$0")/../lib.sh"

# each OPERATION LEAST ALLOWED...: with at least that many faults, and no
# outcome but these (a regular expression).
each() {
	local said count
	ok "$1: only a clean error, and nothing left" \
		sh -c "'$faulttool' $1 '$NODE' '$IMAGE' '$RAW' '$TABLE' >said"
	said=$(cat said)
	note "$said"
	count=${said#"$1: "}
	count=${count%% *}
	between "$1: there were at least $2 faults" "${count:-0}" "$2" 20000
	is "$1: and no other outcomes than expected" \
		"$(printf '%s\n' "${said#*faults:}" | sed -E "s/ [0-9]+ ($3)\>//g")" ""
}

local_copy() {	# local_copy NAME: a local file of image NAME, and the device's table
	choose "$1"
	LOCAL=$work/$1.inc
	"$tool" sparse "$IMAGE" "$LOCAL" && attach "$LOCAL" && table && may_fail
}

local_copy small || exit 1
each load 300 'ENOMEM|EIO|harmless'
each resume 1 'ENOMEM|EIO|harmless'
each read 1 'ENOMEM|EIO|EAGAIN|harmless'
each open 1 'ENOMEM|harmless'
each info 1 'ENOMEM|harmless'
each get 2 'ENOMEM|EIO|harmless'
each close 0 harmless
each unavailable 0 harmless
each take 0 harmless
ok "the device is there when no call fails" activate
dmsetup remove t
detach

local_copy large
each fill 10 'ENOMEM|EIO|harmless'
eval "$("$tool" layout "$IMAGE")"
# shellcheck disable=SC2154	# data_offset: from layout
ok "the filled bytes are the image's" cmp -n 262144 -i "$data_offset" "$LOCAL" "$IMAGE"
each fsync 2 'ENOMEM|EIO|harmless'
each suspend 2 'ENOMEM|EIO|harmless'
each remove 10 'ENOMEM|EIO|harmless'
DEV=/dev/mapper/t
activate
serve
ok "everything can be read in the end" "$tool" compare "$DEV" "$RAW" direct 65536
is "nothing was corrupt" "$(field failures)" 0
stop
close_image

the_end
