# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Functions of the cases about signatures; sourced after vm.sh.  Each program takes
# long to start, so loop devices are detached at the end of the case.

DEV=/dev/mapper/t
RAW=$images/signed.raw
ring=%keyring:.dm-incremental

# choose_file NAME [OPTION...]: sets TABLE for image NAME, which is never written.
# Images "lie-..." get the root digest, salt and size of the signed one.
choose_file() {
	local name=$1
	IMAGE=$images/$name.inc
	attach "$IMAGE" -r
	shift
	case $name in
	lie-*) TABLE=$("$tool" table "$images/signed-rsa2048.inc" "$LOOP") ;;
	layered*) TABLE=$(incrementalsetup table "$IMAGE" "$LOOP") ;;
	*) TABLE=$("$tool" table "$IMAGE" "$LOOP") ;;
	esac
	TABLE="$TABLE $(with_options "$@")"
}

# taken NAME FILE [OPTION...]: device t can be made of it
taken() {
	choose_file "${@:2}"
	ok "taken: $1" activate
}

# refused NAME SENTENCE FILE [OPTION...]: it cannot; all_refused looks for SENTENCE.
names=() sentences=()
refused() {
	choose_file "${@:3}"
	if dmsetup create --readonly t --table "$TABLE" >/dev/null 2>&1; then
		result 'not ok' "refused: $1"
		dmsetup remove t
		return
	fi
	names+=("$1")
	sentences+=("$2")
}

# all_refused: the log has the sentences since the last mark
all_refused() {
	local got i
	mapfile -t got < <(log | sed -n 's/.*device-mapper: table: [^ ]* incremental: \(.*\) (-[A-Z0-9]*)$/\1/p')
	is "as many sentences as refused tables" "${#got[@]}" "${#sentences[@]}"
	for i in "${!sentences[@]}"; do
		like "refused: ${names[i]}" "${got[i]-}" "^(${sentences[i]})\$"
	done
	names=() sentences=()
	mark
}

not_in="Signature's key is not in the keyring .dm-incremental, nor trusted by the kernel"
unsigned="Generation is not signed, and a signature is required"
rejected="Signature is not of this root digest"
malformed="Signature is malformed"
unknown="Signature's algorithm is not known to this kernel"
