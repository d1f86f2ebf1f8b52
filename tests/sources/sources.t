#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Some kinds of sources, as the kernel shows their images; make check-sources has them all.
exec "$(dirname "$0")/run" --kernel 6.12 tar deb oci
