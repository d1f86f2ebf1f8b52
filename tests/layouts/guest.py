#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
In the test VM: read each raw filesystem in a directory, by the kernel.

    guest.py DIRECTORY

NAME.TYPE.raw is mounted as TYPE; its contents go to NAME.TYPE.tree, in the lines of
tree.py, or the reason why it cannot be read.
"""
import glob
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../mkimage"))
import tree

subprocess.run(["modprobe", "-a", "loop", "ext4", "erofs"], check=True)
os.makedirs("/tmp/mounted")
for raw in sorted(glob.glob(sys.argv[1] + "/*.raw")):
    kind = raw.split(".")[-2]
    done = subprocess.run(["mount", "-t", kind, "-o", "ro,loop" + (",noload" if kind == "ext4" else ""), raw,
                           "/tmp/mounted"], capture_output=True)
    if done.returncode:
        text = "cannot be mounted: %s" % done.stderr.decode()
    else:
        try:
            text = "\n".join(line for _, line in sorted(tree.of_directory("/tmp/mounted")))
        except OSError as error:
            text = "cannot be read: %s" % error
        subprocess.run(["umount", "/tmp/mounted"], check=True)
    with open(raw[:-4] + ".tree", "w") as out:
        out.write(text)
