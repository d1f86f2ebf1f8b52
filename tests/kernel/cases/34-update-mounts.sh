#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# update and rollback of an ext4, and of a device that is mounted more than once: at
# several places, below a shared mount as systemd makes them all, in other mount
# namespaces.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
live=$top/build/tests/livetool

LOCAL=$work/live.inc

# Starting dmsetup takes a while.  All devices with their generations: "app: 0".
devices_are() {
	[ "$(dmsetup table | cut -d ' ' -f 1,7 | sort | tr '\n' ' ' | sed 's/ $//')" = "$*" ]
}

# The version that is mounted at each directory, if every file of it is right.
versions() {	# versions DIRECTORY...
	local directory
	for directory; do
		"$live" read "$directory" 1 | cut -d ' ' -f 1
	done | tr '\n' ' '
}

# in_namespace NAME FLAG: start a reader in a mount namespace of its own; it runs until
# end_namespace.
declare -A pids
in_namespace() {
	unshare --mount --propagation "$2" "$live" read "$place" >"$1" 2>&1 &
	pids[$1]=$!
	readers+=($!)
	within 20 other_namespace "${pids[$1]}"
}
other_namespace() {
	[ "$(readlink "/proc/$1/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ] &&
		[ "$(readlink "/proc/$1/exe")" = "$(readlink -f "$live")" ]
}
end_namespace() {	# end_namespace NAME VERSION WHAT: its reader has come to VERSION
	kill "${pids[$1]}" 2>/dev/null
	wait "${pids[$1]}"
	is "$3" "$(cut -d ' ' -f 1 "$1")" "$2" || note "$(cat "$1")"
}

# ---- a parent that is shared, as systemd makes it ----

place=/mnt/app
mkdir -p $place bound
cp "$images/live.inc" "$LOCAL"
chmod u+w "$LOCAL"
mount --make-shared /
ok "the directory has a peer" mounted /mnt bound --bind
ok "generation 0" incrementalsetup open "$LOCAL" app
loop_of app
ok "mounted where all is shared" mounted /dev/mapper/app $place -o ro
mounts_of() {	# the number of mounts, and of shared ones among them
	echo "$(grep -c "/app ro" /proc/self/mountinfo) $(grep "/app ro" /proc/self/mountinfo | grep -c shared:)"
}
is "so it is there twice, and shared, too" "$(mounts_of)" "2 2"
in_namespace peer unchanged
in_namespace slave slave
in_namespace alone private
for n in 1 2; do
	ok "update $n" incrementalsetup update --layer "$images/live.$n.layer" app
	is "both have its files" "$(versions $place bound/app)" "$n $n "
	is "shared as before, and nothing is left beneath" "$(mounts_of)" "2 2"
done
ok "where nothing is shared the old generation stays" within 60 devices_are "app-gen0: 0 app: 2"
end_namespace alone 0 "and is right"
end_namespace peer 2 "a peer goes along, and sees no error"
end_namespace slave 2 "so does a slave"
ok "then the old devices are gone" within 60 devices_are "app: 2"
ok "back" incrementalsetup rollback app
is "both have its files" "$(versions $place bound/app)" "1 1 "
is "shared as before" "$(mounts_of)" "2 2"
ok "unmounted" unmounted $place
is "both" "$(mounts_of)" "0 0"
unmounted bound
mount --make-private /

# ---- two mounts, one of which changes ----

mounted /dev/mapper/app one -o ro
mounted /dev/mapper/app "the other" -o ro
ok "only one is updated" incrementalsetup update --mountpoint one app
is "and the other is not" "$(versions one "the other")" "2 1 "
ok "nor by the next one" incrementalsetup update --layer "$images/live.3.layer" app
is "as it is not NAME's any more" "$(versions one "the other")" "3 1 "
ok "its device stays for it" within 60 devices_are "app-gen1: 1 app: 3"
unmounted "the other"
ok "until it is unmounted" within 60 devices_are "app: 3"
mounted /dev/mapper/app "the other" -o ro
"$live" killat 2 rename incrementalsetup update --layer "$images/live.4.layer" --mountpoint "$work/the other" app >killed 2>&1
is "killed between names" "$?" 137
ok "the next one finishes, for the mount that it is given" incrementalsetup update --mountpoint "the other" app
is "and the other is not changed" "$(versions one "the other")" "3 4 "
unmounted one
within 60 devices_are "app: 4"
mounted /dev/mapper/app one -o ro
ok "both" incrementalsetup rollback --json --generation 0 app
like "in JSON" "$(cat .output)" '"generation": ?0,.*"previous_generation": ?4,.*"changed": ?true,.*"mounts": ?\[[^]]*/(one|the other)",[^]]*/(one|the other)"'
is "are changed" "$(versions one "the other")" "0 0 "
unmounted one
unmounted "the other"
ok "close" incrementalsetup close app
within 10 no_node

# ---- ext4, with a journal; its root hash is vouched for ----

cat "$images/live-ext4.inc" "$images"/live-ext4.[1-2].layer >all
for n in 0 1 2; do
	roots[n]=$(mkimage inspect --root-hash --generation $n all)
done
update_ext4() {	# update_ext4 N [OPTION...]
	incrementalsetup update --layer "$images/live-ext4.$1.layer" "${@:2}" app
}
options() {	# of the mount and of the filesystem
	sed -n "s| - ext4 [^ ]*||; s| shared:[0-9]*||; s|.* $work/ext4 \\(.*\\)|\\1|p" /proc/self/mountinfo
}
LOCAL=$work/live-ext4.inc
cp "$images/live-ext4.inc" "$LOCAL"
chmod u+w "$LOCAL"
ok "an ext4" incrementalsetup open --root-hash "${roots[0]}" "$LOCAL" app
mounted /dev/mapper/app ext4 -o ro,nodev,noload
before=$(options)
like "mounted with options" "$before" "nodev.*norecovery"
"$live" read ext4 >opened 2>&1 &
reader=$!
"$live" hold ext4/gone >held 2>&1 &
holder=$!
readers+=("$reader" "$holder")
ok "a file of it is open" within 20 test -s held
fails "nothing vouches for generation 1" - "" update_ext4 1
like "with the reason" "$(cat .errors)" "generation 1 needs --root-hash, --certificate or"
ok "update 1" update_ext4 1 --root-hash "${roots[1]}"
is "has the same options" "$(options)" "$before"
is "and its size is to be proved" "$(dmsetup table app | cut -d ' ' -f 10-)" "3 absent_readahead hint prove_size"
ok "and the file that is to go" test -e ext4/gone
ok "update 2" update_ext4 2 --root-hash "${roots[2]}"
is "its files are read" "$(versions ext4)" "2 "
fails "the removed file is gone" - "" test -e ext4/gone
kill $reader
wait $reader
is "no open failed meanwhile, no byte was wrong" "$?" 0 || note "$(cat opened)"
like "and all is new" "$(cat opened)" "^2 [0-9]+$"
ok "generation 0, which is still in use, vouches for itself" incrementalsetup rollback --generation 0 app
kill $holder
wait $holder
is "the open file is unchanged" "$?" 0 || note "$(cat held)"
ok "then the old device goes" within 60 devices_are "app: 0"
ok "the removed file is there again" test -e ext4/gone
unmounted ext4
mounted /dev/mapper/app ext4 -o ro
ok "to the newest, with its journal" incrementalsetup update --layer "$images/live-ext4.2.layer" --root-hash "${roots[2]}" app
is "its files are read" "$(versions ext4)" "2 "
fails "nothing vouches for generation 0 any more" - "" incrementalsetup rollback --generation 0 app
unmounted ext4
ok "close" incrementalsetup close app
within 10 no_node
the_end
