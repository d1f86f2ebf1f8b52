#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Lock a file, say so, and hold the lock until standard input ends.

usage: lockfile.py flock|fcntl shared|exclusive FILE

An exclusive fcntl lock takes the right to write FILE, all others to read it.
"""
import fcntl
import sys

call, kind, path = sys.argv[1:]
lock = {"flock": fcntl.flock, "fcntl": fcntl.lockf}[call]
how = {"shared": fcntl.LOCK_SH, "exclusive": fcntl.LOCK_EX}[kind]
with open(path, "r+b" if call == "fcntl" and kind == "exclusive" else "rb") as file:
    lock(file, how)
    print("locked", flush=True)
    sys.stdin.read()
