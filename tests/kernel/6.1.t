#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel tests on Debian's kernel 6.1.
exec "$(dirname "$0")/run" --kernel 6.1 --check
