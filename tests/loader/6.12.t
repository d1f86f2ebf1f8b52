#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# incrementald and incrementalsetup for real, under kernel 6.12; see guest.
exec "$(dirname "$0")/vm" 6.12
