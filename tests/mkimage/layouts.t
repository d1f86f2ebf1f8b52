#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkimage extends or refuses a few layouts of other tools; make check-layouts tries all,
# with the kernel.
exec "$(dirname "$0")/../layouts/run" --few
