# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the static tests share, at the top of the tree: $work is a directory for a
# while; TAP is in tests/lib.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
