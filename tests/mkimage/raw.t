#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Raw filesystem images: there and back, and the root hash that veritysetup
# computes.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"

# verity_root RAW SALT: the root hash that veritysetup prints
verity_root() {
	rm -f hash
	veritysetup format --salt "$2" "$1" hash |
		sed -n 's/^Root hash:[[:space:]]*//p'
}

for blocks in 1 2 127 128 129 511 512 513; do
	raw raw $blocks
	for salt in - 00112233445566778899aabbccddeeff; do
		what="$blocks blocks, salt $salt"
		ok "$what: create" "$mkimage" create --raw --force --salt $salt \
			raw image
		is "$what: root hash is veritysetup's" \
			"$(value image root_hash)" "$(verity_root raw $salt)"
		ok "$what: verify" "$mkimage" verify image
		ok "$what: extract" "$mkimage" extract --force \
			--hash-tree tree image back
		ok "$what: same bytes" cmp raw back
		ok "$what: veritysetup takes the hash tree" \
			veritysetup verify back tree "$(value image root_hash)"
		ok "$what: its own is the same" \
			cmp -i 4096 tree hash
	done
done

# Enough blocks for a third level; most are zeros, so that it is quick.
for blocks in 16383 16384 16385; do
	raw some 600
	rm -f raw
	truncate -s $((blocks * 4096)) raw
	dd if=some of=raw bs=4096 conv=notrunc status=none
	dd if=some of=raw bs=4096 seek=$((blocks - 300)) count=300 \
		conv=notrunc status=none
	ok "$blocks blocks: create" "$mkimage" create --raw --force --salt 5a raw image
	is "$blocks blocks: root hash is veritysetup's" \
		"$(value image root_hash)" "$(verity_root raw 5a)"
	ok "$blocks blocks: verify" "$mkimage" verify image
done

raw raw 1000
root=
for cluster in 4K 8K 16K 32K 64K 128K 256K; do
	ok "clusters of $cluster: create" "$mkimage" create --raw --force \
		--cluster $cluster --threads 1 raw image
	ok "clusters of $cluster: verify" "$mkimage" verify image
	ok "clusters of $cluster: extract" "$mkimage" extract --force image back
	ok "clusters of $cluster: same bytes" cmp raw back
	[ -n "$root" ] || root=$(value image root_hash)
	is "clusters of $cluster: root hash" "$(value image root_hash)" "$root"
	ok "clusters of $cluster: create with four threads" \
		"$mkimage" create --raw --force --cluster $cluster --threads 4 raw image4
	ok "clusters of $cluster: same image" cmp image image4
done

for chunk in 4K 8K 16K 32K 64K; do
	ok "chunks of $chunk: create" "$mkimage" create --raw --force --chunk $chunk \
		raw image
	ok "chunks of $chunk: verify" "$mkimage" verify image
	is "chunks of $chunk: root hash" "$(value image root_hash)" "$root"
done

# The clusters of the map.
{
	noise 40960 1
	head -c 40960 /dev/zero
	noise 40960 1
	seq 1 100000 | head -c 40960
} >raw
"$mkimage" create --raw --force raw image >/dev/null
is "incompressible clusters are stored" "$(value image clusters.stored.blocks)" 20
is "zero clusters are not" "$(value image clusters.zero.blocks)" 10
is "others are compressed" "$(value image clusters.lz4.blocks)" 10
is "equal clusters are stored once" "$(value image compression.shared_bytes)" 40960

truncate -s 256K zeros
"$mkimage" create --raw zeros image-z >/dev/null
is "a device of zeros has no data" "$(value image-z segment.data.bytes)" 0
ok "a device of zeros: verify" "$mkimage" verify image-z

# JSON
ok "inspect --json is JSON with the same root hash" python3 -c '
import json, subprocess, sys
print(subprocess.check_output([sys.argv[1], "inspect", "--json", "image"]))
j = json.loads(subprocess.check_output([sys.argv[1], "inspect", "--json", "image"]))
assert j["root_hash"] == sys.argv[2]
assert j["clusters"]["stored"]["blocks"] == 20
assert j["present_bytes"] == j["image_bytes"]' "$mkimage" "$(value image root_hash)"
ok "create --json is JSON" python3 -c '
import json, subprocess, sys
j = json.loads(subprocess.check_output([sys.argv[1], "create", "--raw", "--json", "raw", "image-j"]))
assert j["root_hash"] == sys.argv[2] and j["shared_bytes"] == 40960' \
	"$mkimage" "$(value image root_hash)"
ok "the same image" cmp image image-j

# Mistakes
fails "no command" 2 'command is missing' "$mkimage"
fails "unknown command" 2 "no command 'frob'" "$mkimage" frob
fails "unknown option" 2 'mkimage create --help' "$mkimage" create --frob raw x
fails "IMAGE missing" 2 'IMAGE is missing' "$mkimage" create --raw raw
fails "one operand too many" 2 "'z' is one operand too many" \
	"$mkimage" create x y z
fails "odd cluster size" 2 "power of two from 4.0 KiB to 256.0 KiB, not '5K'" \
	"$mkimage" create --raw --cluster 5K raw x
fails "bad salt" 2 "not 'abc'" "$mkimage" create --raw --salt abc raw x
fails "bad filesystem" 2 'erofs or ext4' "$mkimage" create --raw --fs xfs raw x
fails "bad root hash" 2 'hexadecimal' "$mkimage" verify --root-hash xyz image
fails "missing source" 1 'absent: cannot open' "$mkimage" create absent x
printf x >odd
fails "odd size" 1 'not a multiple of 4096; pad it' "$mkimage" create --raw odd x
: >empty
fails "empty source" 1 'not a multiple of 4096' "$mkimage" create --raw empty x
fails "existing image" 1 'not overwritten without --force' \
	"$mkimage" create --raw raw image
fails "existing raw file" 1 'not overwritten without --force' \
	"$mkimage" extract image raw
ln -s /dev/null link
fails "a link is not replaced" 1 'not a regular file' \
	"$mkimage" create --raw --force raw link
cp raw same
cp image same-image
ln same same-link
fails "an image does not replace its source" 1 'it is made of same' \
	"$mkimage" create --raw --force same ./same
fails "nor by another name" 1 'the same file' \
	"$mkimage" create --raw --force same same-link
ok "the source is as it was" cmp raw same
fails "extract does not replace the image" 1 'the same file' \
	"$mkimage" extract --force same-image same-image
fails "nor does its hash tree" 1 'the same file' \
	"$mkimage" extract --force --hash-tree same-image same-image x
ok "the image is as it was" cmp image same-image
fails "two outputs of one name" 1 'two files cannot have that name' \
	"$mkimage" extract --hash-tree x image x
fails "of one name, written in another way" 1 \
	'two files cannot have that name' \
	"$mkimage" extract --force --hash-tree "$PWD/x" image ./x

# A filesystem that cannot rename without replacing, and a file that appears.
cat >late.c <<'END'
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
int renameat2(int a, const char *from, int b, const char *to, unsigned int f);
int renameat2(int a, const char *from, int b, const char *to, unsigned int f)
{
	int fd = getenv("LATE") ? open(to, O_WRONLY | O_CREAT, 0644) : -1;

	(void)a, (void)b, (void)from, (void)f;
	if (fd >= 0 && (write(fd, "late", 4) != 4 || close(fd)))
		abort();
	errno = EINVAL;
	return -1;
}
END
ok "build a filesystem of that kind" "${CC:-cc}" -shared -fPIC -o late.so late.c
export ASAN_OPTIONS=verify_asan_link_order=0
ok "files get their names there" \
	env LD_PRELOAD="$PWD/late.so" "$mkimage" create --raw raw linked
ok "the image is complete" "$mkimage" verify linked
fails "a file that appeared meanwhile is not replaced" 1 'File exists' \
	env LATE=1 LD_PRELOAD="$PWD/late.so" "$mkimage" create --raw raw meanwhile
is "and keeps its contents" "$(cat meanwhile)" late
unset ASAN_OPTIONS

fails "missing directory" 1 'no/where/x' "$mkimage" create --raw raw no/where/x
fails "not an image" 1 'wrong magic' "$mkimage" inspect raw
fails "no such generation" 1 'no generation 3' \
	"$mkimage" extract --generation 3 image x
fails "another root hash" 1 'not the trusted one' \
	"$mkimage" verify --root-hash "${root//0/1}" image
ok "the right root hash" "$mkimage" verify \
	--root-hash "$(value image root_hash)" image
ok "help" grep -q 'Usage: mkimage create' <("$mkimage" create --help)
ok "version" grep -q dm-incremental <("$mkimage" --version)
is "nothing is left of failures" \
	"$(find . -name '.*.??????' -o -name x -o -name '.mkimage*')" ""

finish
