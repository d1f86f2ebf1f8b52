# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the tests of mkimage extend: the size of layers, and random changes.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"

export SOURCE_DATE_EPOCH=1700000000

# layer_size WHAT MOST OPTION...: a layer has at most MOST bytes
layer_size() {
	local what=$1 most=$2
	shift 2
	ok "$what" "$mkimage" extend --force --output layer "$@"
	ok "$what: $(stat -c %s layer) bytes, at most $most" \
		[ "$(stat -c %s layer)" -le "$most" ]
}

# new_file_costs FS: a layer with 1 MiB takes 64 KiB more at most, wherever the file
# falls among the pages of map and tree. (bench/layers tries an image of 1 GiB, too.)
new_file_costs() {
	local i
	mkdir -p grown one
	noise 1000000 5 >part
	for i in $(seq 80); do cat part; done >grown/large
	noise 1048576 3 >one/new
	for i in 0 120 190 254 380; do
		truncate -s $((80000000 + i * 4096)) grown/large
		"$mkimage" create --force --level 2 --fs "$1" grown image >/dev/null
		layer_size "1 MiB more, $i blocks" $((1048576 + 65536)) image one
	done
	rm -r grown one part image layer
}

# cost_base: base/lib/large of 100 MiB, and the same in renamed/other-name
cost_base() {
	mkdir -p base/lib renamed
	noise 104857601 1 >base/lib/large
	noise 1048576 2 >base/lib/medium
	touch -d @1600000000 base/lib/large
	cp -p base/lib/large renamed/other-name
}

# random_base SEED: a directory "plain" of two steps
random_base() {
	local i
	rm -rf plain source image
	for i in 1 2; do
		python3 "$top/tests/mkimage/steps.py" "$1-base-$i" plain \
			source removed || return 1
		rm -r source
	done
}

# random_steps SEED STEPS CHECK READER OPTION...: extend "image" by that many layers,
# and change "plain" likewise. After each, READER (tree.py or ext4.py, with OPTIONs)
# must print the same of the device as tree.py of "plain", and CHECK, a command,
# must find no fault in the device.
random_steps() {
	local seed=$1 count=$2 check=$3 reader=$4 i ret
	local -a options
	shift 4
	for i in $(seq "$count"); do
		python3 "$top/tests/mkimage/steps.py" "$seed-$i" plain source \
			removed || return 1
		mapfile -t options < <(sed 's/^/--remove=/' removed)
		rm -f layer
		"$mkimage" extend --output layer "${options[@]}" image source
		ret=$?
		rm -r source
		# The only error allowed is that nothing would change.
		[ $ret = 0 ] || { [ $ret = 1 ] && [ ! -e layer ]; } || return 1
		[ ! -e layer ] || cat layer >>image
		"$mkimage" extract --force image out || return 1
		python3 "$top/tests/mkimage/$reader" "$@" out >got || return 1
		python3 "$top/tests/mkimage/tree.py" plain >wanted
		diff got wanted || return 1
		$check out || return 1
	done
	"$mkimage" verify image
}
