# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# TAP, and waiting, for every test that is a shell script. A test sources it with
# $work set to a directory of its own. A COMMAND's output goes to $work/.output;
# fails() puts its stderr into $work/.errors.
#
#   $prefix     goes before each name
#   $TIMES      in the environment: each test prints its time
#   $SLOW       the factor by which this machine is slower than usual
#   show_more   a function that prints more after a failure

tests=0
started=$EPOCHREALTIME
SLOW=${SLOW:-1}

# What failed, and why, goes to stderr: prove shows that, and keeps the rest to itself.
result() {	# result ok|'not ok' WHAT
	local end=$EPOCHREALTIME
	tests=$((tests + 1))
	echo "$1 $tests - ${prefix-}$2"
	[ "$1" = ok ] || echo "# failed: ${prefix-}$2" >&2
	[ -z "${TIMES-}" ] || echo "# +$(((${end/./} - ${started/./}) / 1000)) ms"
	started=$end
}

note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

failed() {	# failed WHAT [REASON...]: the test has failed; each reason is a line
	result 'not ok' "$1"
	[ $# -eq 1 ] || printf '# %s\n' "${@:2}" >&2
	show_more >&2
	return 1
}

show_more() {
	:
}

show() {	# show FILE: the start of a command's output
	head -c 4000 "$1" | head -n 40 | cut -c 1-300 | sed 's/^/# /' >&2
}

# ok WHAT COMMAND...: COMMAND succeeds; its output is shown if not.
ok() {
	local what=$1 status=0
	shift
	"$@" >"$work/.output" 2>&1 || status=$?
	if [ $status = 0 ]; then
		result ok "$what"
		return
	fi
	failed "$what" "exit status $status: $*"
	show "$work/.output"
	return $status
}

# fails WHAT STATUS TEXT COMMAND...: COMMAND exits with STATUS, and TEXT, an
# extended regular expression, matches a line of its stderr. A STATUS of "-" is any
# but that of success, of a timeout and of a signal; a TEXT of "" is any, or none.
fails() {
	local what=$1 status=$2 text=$3 got=0 right
	shift 3
	"$@" >"$work/.output" 2>"$work/.errors" || got=$?
	if [ "$status" = - ]; then
		[ $got -gt 0 ] && [ $got -lt 124 ]
	else
		[ $got = "$status" ]
	fi
	right=$?
	if [ $right = 0 ] && { [ -z "$text" ] || grep -Eq -- "$text" "$work/.errors"; }; then
		result ok "$what"
		return
	fi
	failed "$what" "exit status $got, wanted: $status; wanted on stderr: $text" "$*"
	show "$work/.errors"
	return 1
}

is() {		# is WHAT GOT WANTED
	if [ "$2" = "$3" ]; then
		result ok "$1"
	else
		failed "$1" "got:    $2" "wanted: $3"
	fi
}

like() {	# like WHAT GOT REGEX
	if [[ $2 =~ $3 ]]; then
		result ok "$1"
	else
		failed "$1" "got:         $2" "no match of: $3"
	fi
}

between() {	# between WHAT VALUE LEAST MOST
	if [ -n "$2" ] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then
		result ok "$1"
	else
		failed "$1" "$2 is not between $3 and $4"
	fi
}

below() {	# below WHAT VALUE LIMIT
	if [ "$2" -lt "$3" ]; then
		result ok "$1"
	else
		failed "$1" "$2 is not below $3"
	fi
}

finish() {	# print the last line of TAP, the plan
	echo "1..$tests"
}

# within SECONDS COMMAND...: COMMAND, tried ten times a second, succeeds in time.
# The limit is several times SECONDS, for busy machines; a COMMAND that succeeds
# does not wait for it.
within() {
	local end=$((SECONDS + $1 * 5 * SLOW))
	shift
	until "$@"; do
		[ $SECONDS -le $end ] || return 1
		sleep 0.1
	done
}
