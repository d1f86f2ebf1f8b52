# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by bench/run on the host: what is measured with. Images stay in build/bench/run, and are
# made again when mkimage has changed.

salt=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
# How large the part of the Java runtime's largest file is, in MiB.
large=64

# made FILE COMMAND...: FILE, by a command that writes FILE.new
made() {
	local file=$1
	shift
	[ ! -e "$file" ] || return 0
	rm -f "$file.new"
	say "making ${file##*/}"
	"$@" >"$images/log" 2>&1 || { cat "$images/log" >&2; die "cannot make $file"; }
	mv "$file.new" "$file"
}

# The source of all images: a large file, and a tree of small ones.
make_source() {
	local directory
	[ ! -d "$images/source" ] || return 0
	rm -rf "$images/source.new"
	mkdir -p "$images/source.new/tree"
	head -c $((large << 20)) "$(scripts/fetch-jre)/lib/modules" >"$images/source.new/large"
	for directory in email http importlib json; do
		cp -a "/usr/lib/python3.11/$directory" "$images/source.new/tree/"
	done
	find "$images/source.new" -name __pycache__ -prune -exec rm -rf {} +
	mv "$images/source.new" "$images/source"
}

make_verity() {	# make_verity IMAGE: IMAGE.hash and IMAGE.root
	[ ! -e "$images/$1.root" ] || return 0
	rm -f "$images/$1.hash"
	veritysetup format --salt $salt "$images/$1" "$images/$1.hash" |
		sed -n 's/^Root hash:[[:space:]]*//p' >"$images/$1.root.new"
	mv "$images/$1.root.new" "$images/$1.root"
}

# make_ext4 FILE: as small as its contents allow, with some room to spare
make_ext4() {
	local kib
	kib=$(du -sk --apparent-size "$images/source" | cut -f 1)
	mke2fs -q -F -t ext4 -O ^has_journal -m 0 -d "$images/source" "$1" $((kib + kib / 10 + 4096))k
}

# make_sparse SIZE IMAGE: of a device of that size, 100M for example. It is an erofs with a tree of
# small files, and behind it a block of data in each 512 KiB: so each page of the map and of the tree has
# something in it, and these are as large as those of any image, and its data is small.
make_sparse() {
	rm -f "$images/sparse"
	mkfs.erofs "$images/sparse" "$images/source/tree" || return
	python3 - "$1" "$images/sparse" <<-'EOF' || return
		import random, sys
		size = int(sys.argv[1][:-1]) << {"M": 20, "G": 30}[sys.argv[1][-1]]
		source = random.Random(1)
		with open(sys.argv[2], "r+b") as file:
		    end = file.seek(0, 2)
		    for at in range((end | 0x7ffff) + 1, size, 512 << 10):
		        file.seek(at)
		        file.write(source.randbytes(64).ljust(4096, b"."))
		    file.truncate(size)
	EOF
	build/mkimage create --raw --no-check "$images/sparse" "$2" && rm -f "$images/sparse"
}

# make_peer PEER: its files in $images
make_peer() {
	local kind=${1#*-} tool=build/mkimage raw
	case $1 in
	loop | nbdkit | fuse | erofs) made "$images/erofs" mkfs.erofs "$images/erofs.new" "$images/source" ;;
	erofs-lz4hc-*K)
		kind=${1##*-}
		made "$images/$1" mkfs.erofs -zlz4hc -C $((${kind%K} << 10)) "$images/$1.new" "$images/source"
		;;
	ext4) made "$images/ext4" make_ext4 "$images/ext4.new" ;;
	squashfs-* | squashfuse-*)
		made "$images/squashfs-$kind" mksquashfs "$images/source" "$images/squashfs-$kind.new" \
			-comp lz4 -Xhc -b "$kind" -no-progress -noappend
		;;
	verity-*)
		make_peer "$kind"
		make_verity "$kind"
		;;
	nbd-* | ublk-*) make_peer "ours-$kind" ;;
	ours-*[MG]) made "$images/$1.inc" make_sparse "$kind" "$images/$1.inc.new" ;;
	ours-lz4hc-*)
		made "$images/$1.inc" "$tool" create --salt $salt --fs-compression "lz4hc,${1##*-}" \
			"$images/source" "$images/$1.inc.new"
		;;
	ours-* | before-*)
		make_peer erofs
		[[ $1 != before-* ]] || tool=$before/build/mkimage
		# An old mkimage has no option for what it does anyway.
		raw=$("$tool" create --help | sed -n 's/^ *\(--raw\) .*/\1/p' | head -n 1)
		set -- "$1" --salt $salt --cluster "${kind%-dictionary}"
		[[ $kind != *-dictionary ]] || set -- "$@" --dictionary
		made "$images/$1.inc" "$tool" create ${raw:+"$raw"} "${@:2}" "$images/erofs" "$images/$1.inc.new"
		;;
	*) die "there is no peer $1" ;;
	esac
}

# make_before COMMIT: this project as it was, built, in $before
make_before() {
	before=$PWD/build/bench/before/$1
	if ! [ -e "$before/built-$kernel" ]; then
		mkdir -p "$before"
		git archive "$1" | tar -x -C "$before"
		make -s -C "$before" -j"$(nproc)" tools "module-$kernel" >&2
		touch "$before/built-$kernel"
	fi
}
