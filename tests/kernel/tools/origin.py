#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An HTTP server of one file's ranges that does something when it is first asked.

usage: origin.py FILE PORTFILE HOOK

HOOK, a line of shell, is run before the first reply. The port is written to
PORTFILE when the server listens.
"""
import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

path, port_file, hook = sys.argv[1:]
with open(path, "rb") as file:
    data = file.read()


class Origin(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked = False

    def log_message(self, *_):
        pass

    def do_GET(self):
        if not Origin.asked:
            Origin.asked = True
            subprocess.run(hook, shell=True, check=True)
        first, last = map(int, re.fullmatch(
            r"bytes=(\d+)-(\d+)", self.headers["Range"]).groups())
        body = data[first:last + 1]
        self.send_response(206 if body else 416)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Range", f"bytes {first}-{first + len(body) - 1}/{len(data)}"
                         if body else f"bytes */{len(data)}")
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
with open(port_file + ".tmp", "w", encoding="ascii") as file:
    file.write(f"{server.server_port}\n")
os.rename(port_file + ".tmp", port_file)
server.serve_forever()
