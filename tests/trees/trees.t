#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A few random trees and layers, as the kernel reads them; make check-trees tries more.
exec "$(dirname "$0")/run" --kernel 6.12 --seed 1 --count 5
