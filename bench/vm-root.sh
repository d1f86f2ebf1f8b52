# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced: the root of a benchmark in the test VM, which lies in the VM's memory. It is made on the
# host, and unpacked in the VM.

# libraries FILE...: that they are linked with
libraries() { ldd "$@" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// && NF == 2 { print $1 }' | sort -u; }

# make_root WORK TREE PROGRAM...: WORK/root.tar, of what all benchmarks use and PROGRAMs with their
# libraries, and those of the programs in TREE
make_root() {
	local work=$1 root=$1/root tree=$2 name file programs=() files
	shift 2
	rm -rf "$root"
	mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root/etc" "$root"/var/{lib,log}/nginx
	for name in bin sbin lib lib64; do ln -s usr/$name "$root/$name"; done
	for name in bash sh cat cp mkdir rm mv ls sleep date stat sync tail wc mount umount losetup \
		blockdev readlink curl grep ip tc sysctl pidof nginx "$@"; do
		programs+=("$(readlink -f "$(PATH=$PATH:/usr/sbin:/sbin command -v "$name")")")
		ln -sf "${programs[-1]}" "$root/usr/bin/${name##*/}"
	done
	for name; do
		[ "$name" != nbdkit ] || programs+=(/usr/lib/*/nbdkit/plugins/nbdkit-{curl,file}-plugin.so
			/usr/lib/*/nbdkit/filters/nbdkit-{cache,readahead}-filter.so)
		[ "$name" != casync ] || programs+=(/usr/lib/casync/protocols/casync-http)
	done
	for file in "${programs[@]}"; do
		mkdir -p "$root$(dirname "$file")"
		cp --remove-destination "$file" "$root$file"
	done
	mapfile -t files < <(find "$tree" -type f \( -perm -100 -o -name '*.so*' \)
		find "$root" -type f \( -path '*bin/*' -o -path '*/protocols/*' -o -name '*.so' \))
	while read -r file; do
		[[ $file != *"$tree"* ]] || continue
		mkdir -p "$root$(dirname "$file")"
		cp -L "$file" "$root$file"
	done < <(libraries build/incrementald build/incrementalsetup build/incrementalblk "${files[@]}")
	printf 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	tar -C "$root" -cf "$work/root.tar" .
	rm -rf "$root"
}

# unpack_root WORK ROOT FILE...: WORK/root.tar, with the loader, incrementalsetup, and FILEs in /bench
unpack_root() {
	local work=$1 root=$2 directory
	shift 2
	mkdir "$root"
	mount -t tmpfs -o size=95% fast "$root"
	tar -xf "$work/root.tar" -C "$root"
	mkdir -p "$root"/{proc,sys,dev,run,tmp,var/tmp,mnt,out,srv,bench}
	cp bench/cell.sh bench/net.sh "$@" "$root/bench/"
	cp "$LOADER" "$root/usr/sbin/incrementald"
	cp build/incrementalsetup "$root/usr/sbin/"
	for directory in proc sys dev; do mount --rbind /$directory "$root/$directory"; done
	mount -t tmpfs run "$root/run"
}
