# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Trees that images and archives are made of. Without root they have no owners, devices or
# attributes that only root can give.

# full_tree DIRECTORY: with all that a filesystem holds
full_tree() {
	mkdir -p "$1"/dir/deep "$1"/empty
	echo text >"$1"/file
	ln "$1"/file "$1"/dir/hard
	ln -s ../file "$1"/dir/link
	ln -s "$(printf 'x/%.0s' {1..400})y" "$1"/long
	noise 300000 1 >"$1"/dir/noise
	: >"$1"/none
	mkfifo "$1"/fifo
	truncate -s 3M "$1"/sparse
	echo end >>"$1"/sparse
	chmod 4751 "$1"/file
	chmod 1777 "$1"/empty
	touch -d '2031-02-03 04:05:06.123456789' "$1"/dir/noise
	touch -d '1969-12-31 23:59:58.25Z' "$1"/none
	touch -h -d '2001-02-03 04:05:06.5' "$1"/dir/link
	printf 'bytes' >"$1/$(printf '\377\376 e\314\201 \303\251')"
	printf 'name' >"$1/$(printf 'n%.0s' {1..255})"
	setfattr -n user.one -v 1 "$1"/dir/noise
	setfattr -n user.empty "$1"/dir
	setfacl -m u:1234:rw,g:4321:r "$1"/none
	setfacl -d -m u:77:rx "$1"/dir
	if [ "$(id -u)" = 0 ]; then
		chown -h 1000:2000 "$1"/dir/link
		chown 4000000000:12 "$1"/dir/deep
		mknod "$1"/null c 1 3
		mknod "$1"/block b 259 70000
		setfattr -n trusted.two -v "$(printf '\\000\\377')" "$1"/dir/noise
		setfattr -n security.capability \
			-v 0x0100000200200000000000000000000000000000 "$1"/file
	fi
}

# plain TREE DIRECTORY: the same without attributes and fractions of seconds
plain() {
	rm -rf "$2"
	cp -a --no-preserve=xattr "$1" "$2"
	setfacl -b -R "$2"
	find "$2" -exec touch -h -d '2020-01-02 03:04:06Z' {} +
}

# oci_layout LAYOUT BUNDLE: an image of three layers, made by umoci of what is in BUNDLE
oci_layout() {
	local layout=$1 bundle=$2
	# What umoci makes itself has the present time: it is set.
	layer() {	# layer: the changes of the bundle become a layer
		find "$bundle"/rootfs -newermt '2026-01-01' -exec touch -h -d '2020-02-02 02:02:02Z' {} +
		umoci repack --image "$layout:x" "$bundle" >/dev/null 2>&1
	}
	umoci init --layout "$layout"
	umoci new --image "$layout:x"
	umoci unpack --image "$layout:x" "$bundle" >/dev/null 2>&1
	(
		cd "$bundle/rootfs" || exit
		mkdir -p usr/bin etc var/lib/old/deep tmp
		ln -s usr/bin bin
		cp /bin/true usr/bin/tool
		chmod 4755 usr/bin/tool
		ln usr/bin/tool usr/bin/again
		echo one >etc/one
		echo two >etc/two
		echo deep >var/lib/old/deep/file
		mknod null c 1 3
		chmod 1777 tmp
		setfattr -n user.x -v y etc/one
		setfattr -n security.capability \
			-v 0x0100000200200000000000000000000000000000 usr/bin/tool
		chown 100:200 etc/two
	)
	layer
	rm "$bundle"/rootfs/etc/two "$bundle"/rootfs/null
	rm -r "$bundle"/rootfs/var/lib/old
	mkdir "$bundle"/rootfs/var/lib/old
	echo new >"$bundle"/rootfs/var/lib/old/new
	echo changed >"$bundle"/rootfs/etc/one
	layer
	rm -r "$bundle"/rootfs/etc
	echo "a file where a directory was" >"$bundle"/rootfs/etc
	noise 200000 7 >"$bundle"/rootfs/usr/noise
	layer
}
