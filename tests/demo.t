#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The demo, with what it shows asserted.
cd "$(dirname "$0")/.." && exec demo/run --tap
