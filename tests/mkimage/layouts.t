#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A few of the filesystems that others make are extended or refused; make check-layouts
# tries all, with the kernel.
exec "$(dirname "$0")/../layouts/run" --few
