# SPDX-License-Identifier: GPL-2.0-or-later
"""
Layouts that the options of mke2fs (e2fsprogs 1.47) and mkfs.erofs (erofs-utils 1.5) can
make. Each is a name, the options, and the words with which "mkimage extend" refuses
it; None if it extends it.
"""

CANNOT = "features that cannot be changed here"

# With -q -F, on a file of 16 MiB.
EXT = [
    ("ext2", "-t ext2", None),
    ("ext2-1k", "-t ext2 -b 1024", None),
    ("ext2-2k", "-t ext2 -b 2048", None),
    ("ext2-small-inodes", "-t ext2 -I 128", None),
    ("ext2-large-inodes", "-t ext2 -b 1024 -I 1024", None),
    ("ext2-no-filetype", "-t ext2 -O ^filetype,^dir_index", None),
    ("ext2-bare", "-t ext2 -I 128 -O none", "lacks the feature ext_attr"),
    ("ext3", "-t ext3", None),
    ("ext3-1k", "-t ext3 -b 1024 -J size=2", None),
    ("ext3-no-resize", "-t ext3 -O ^resize_inode", None),
    ("ext4", "-t ext4", None),
    ("ext4-1k", "-t ext4 -b 1024", None),
    ("ext4-2k", "-t ext4 -b 2048", None),
    ("ext4-1k-no-resize", "-t ext4 -b 1024 -O ^resize_inode", None),
    ("ext4-no-journal", "-t ext4 -O ^has_journal", None),
    ("ext4-32bit", "-t ext4 -O ^64bit", None),
    ("ext4-no-extents", "-t ext4 -O ^extent,^64bit", None),
    ("ext4-no-csum", "-t ext4 -O ^metadata_csum", None),
    ("ext4-uninit", "-t ext4 -O ^metadata_csum,uninit_bg", None),
    ("ext4-1k-uninit", "-t ext4 -b 1024 -O ^metadata_csum,uninit_bg", None),
    ("ext4-no-flex", "-t ext4 -b 1024 -O ^flex_bg", None),
    ("ext4-flex-4", "-t ext4 -b 1024 -G 4", None),
    ("ext4-meta-bg", "-t ext4 -b 1024 -O meta_bg,^resize_inode", None),
    ("ext4-sparse2", "-t ext4 -b 1024 -O sparse_super2,^resize_inode", None),
    ("ext4-not-sparse", "-t ext4 -b 1024 -O ^sparse_super,^resize_inode", None),
    ("ext4-small-groups", "-t ext4 -g 1024", None),
    ("ext4-small-groups-no-resize", "-t ext4 -g 1024 -O ^resize_inode", None),
    ("ext4-inodes-128", "-t ext4 -I 128", None),
    ("ext4-inodes-512", "-t ext4 -I 512", None),
    ("ext4-inodes-1024", "-t ext4 -I 1024", None),
    ("ext4-few-inodes", "-t ext4 -b 1024 -N 400", None),
    ("ext4-no-dir-index", "-t ext4 -O ^dir_index", None),
    ("ext4-no-dir-nlink", "-t ext4 -O ^dir_nlink", None),
    ("ext4-no-extra-isize", "-t ext4 -O ^extra_isize,^metadata_csum", None),
    ("ext4-no-huge-file", "-t ext4 -O ^huge_file,^large_file", None),
    ("ext4-large-dir", "-t ext4 -O large_dir", None),
    ("ext4-csum-seed", "-t ext4 -O metadata_csum_seed", None),
    ("ext4-mmp", "-t ext4 -O mmp", None),
    ("ext4-fast-commit", "-t ext4 -O fast_commit -J size=4", None),
    ("ext4-orphan-file", "-t ext4 -O orphan_file -J size=4", None),
    ("ext4-stable-inodes", "-t ext4 -O stable_inodes", None),
    ("ext4-packed", "-t ext4 -E packed_meta_blocks=1", None),
    ("ext4-stride", "-t ext4 -b 1024 -E stride=16,stripe_width=64", None),
    ("ext4-reserved", "-t ext4 -m 50", None),
    ("ext4-no-ext-attr", "-t ext4 -O ^ext_attr", "lacks the feature ext_attr"),
    ("ext4-bigalloc", "-t ext4 -O bigalloc -C 16384", CANNOT + r" \(bigalloc\)"),
    ("ext4-inline", "-t ext4 -O inline_data", CANNOT + r" \(inline_data\)"),
    ("ext4-ea-inode", "-t ext4 -O ea_inode", CANNOT + r" \(ea_inode\)"),
    ("ext4-encrypt", "-t ext4 -O encrypt", CANNOT + r" \(encrypt\)"),
    ("ext4-casefold", "-t ext4 -O casefold", CANNOT + r" \(casefold\)"),
    ("ext4-quota", "-t ext4 -O quota", CANNOT + r" \(quota\)"),
    ("ext4-project", "-t ext4 -O project,quota", CANNOT + r" \((quota|project)\)"),
    ("ext4-verity", "-t ext4 -O verity", CANNOT + r" \(verity\)"),
]

COMPRESSED = "features that are not known here|is compressed"

EROFS = [
    ("plain", "", None),
    ("time", "-T1000000000", None),
    ("compact", "-T1000000000 --all-root -Eforce-inode-compact", None),
    ("extended", "-Eforce-inode-extended", None),
    ("not-inline", "-Enoinline_data", None),
    ("no-checksum", "-Enosbcrc", None),
    ("not-inline-compact", "-T1000000000 --all-root -Enoinline_data,force-inode-compact", None),
    ("xattrs-inline", "-x1000", None),
    ("xattrs-shared", "-x0", None),
    ("no-xattrs", "-x-1", None),
    ("all-root", "--all-root", None),
    ("force-ids", "--force-uid=70000 --force-gid=3", None),
    ("ignore-mtime", "--ignore-mtime -T1000000000", None),
    ("uuid", "-U01234567-89ab-cdef-0123-456789abcdef", None),
    ("chunks-4k", "--chunksize=4096", None),
    ("chunks-64k", "--chunksize=65536", None),
    ("chunks-1m", "--chunksize=1048576", None),
    ("chunks-extended", "--chunksize=4096 -Eforce-inode-extended,nosbcrc", None),
    ("excluded", "--exclude-regex=link", None),
    ("lz4", "-zlz4", COMPRESSED),
    ("lz4hc", "-zlz4hc,12", COMPRESSED),
    ("lz4-16k", "-zlz4 -C16384", COMPRESSED),
    ("lz4-legacy", "-zlz4 -Elegacy-compress", COMPRESSED),
    ("ztailpacking", "-zlz4hc -Eztailpacking", COMPRESSED),
    ("fragments", "-zlz4hc -Efragments", COMPRESSED),
    ("all-fragments", "-zlz4hc -Eall-fragments", COMPRESSED),
    ("dedupe", "-zlz4hc -Ededupe", COMPRESSED),
    ("blobdev", "--chunksize=4096 --blobdev=BLOB", "not known here|on another device"),
]

# The layouts that make check tries.
FEW = ["ext4-no-dir-index", "ext4-1k-no-resize", "ext4-ea-inode", "not-inline", "chunks-4k", "lz4"]
