#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An HTTP server that lies in ways that nginx cannot.

usage: liar.py FILE PORT PIDFILE

http://127.0.0.1:PORT/KIND/NAME serves byte ranges of FILE, wrongly: KIND names the
lie, NAME does not matter. The image's head is served right, so that the origin
looks good at first.
"""
import gzip
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HEAD = (0, 4095)
PAGE = b"<html><body><h1>An error has occurred</h1></body></html>\n"


class Liar(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = {}
    noting = threading.Lock()

    def log_message(self, *_):
        pass

    def head(self, status, length, **headers):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def close(self):
        self.close_connection = True

    def partial(self, first, last, body, length=None, total=None, **headers):
        """A reply with status 206 and a Content-Range of [first, last]."""
        self.head(206, len(body) if length is None else length,
                  Content_Range=f"bytes {first}-{last}/{total or len(data)}",
                  **headers)
        self.wfile.write(body)

    def status(self, status):
        self.head(status, len(PAGE), Content_Type="text/html")
        self.wfile.write(PAGE)

    def redirect(self, where):
        self.head(302, 0, Location=where)

    # ---- the lies; each gets the requested range and its bytes ----

    def lie_noise(self, first, last, body):
        self.partial(first, last, bytes(b ^ 0xA5 for b in body))

    def lie_bit(self, first, last, body):
        """One bit of each range, in its middle."""
        body = bytearray(body)
        body[len(body) // 2] ^= 4
        self.partial(first, last, body)

    def lie_zeros(self, first, last, body):
        self.partial(first, last, bytes(len(body)))

    def lie_shifted(self, first, last, body):
        self.partial(first, last, data[first + 1:last + 1] + b"\0")

    def lie_short(self, first, last, body):
        """Half of the body, with a Content-Range of the whole."""
        self.partial(first, last, body[:len(body) // 2])

    def lie_cut(self, first, last, body):
        self.partial(first, last, body[:len(body) // 2], length=len(body))
        self.close()

    def lie_reset(self, first, last, body):
        self.close()

    def lie_longer(self, first, last, body):
        self.partial(first, last, body + body, length=2 * len(body))

    def lie_endless(self, first, last, body):
        self.partial(first, last, body, length=1 << 40)
        while True:
            self.wfile.write(body)

    def lie_drip(self, first, last, body):
        self.partial(first, last, b"", length=len(body))
        for at in range(len(body)):
            self.wfile.write(body[at:at + 1])
            self.wfile.flush()
            time.sleep(0.1)

    def lie_mute(self, first, last, body):
        time.sleep(1000)

    def lie_range(self, first, last, body):
        self.partial(first + 4096, last + 4096, body)

    def lie_size(self, first, last, body):
        self.partial(first, last, body, total=last)

    def lie_html(self, first, last, body):
        self.status(200)

    def lie_whole(self, first, last, body):
        self.head(200, len(data))
        self.wfile.write(data)

    def lie_gzip(self, first, last, body):
        self.partial(first, last, gzip.compress(body, 1),
                     Content_Encoding="gzip")

    def lie_loop(self, first, last, body):
        self.redirect(self.path)

    def lie_file(self, first, last, body):
        self.redirect("file://" + os.path.abspath(sys.argv[1]))

    def lie_gopher(self, first, last, body):
        self.redirect("gopher://127.0.0.1/")

    def lie_headers(self, first, last, body):
        self.partial(first, last, body, X_Long="x" * 3000000)

    def lie_garbage(self, first, last, body):
        self.wfile.write(b"\x00\xff\x1b[31m not HTTP at all\r\n\r\n")
        self.close()

    def lie_busy(self, first, last, body):
        """503 to the first ten requests."""
        count = self.seen[self.path] = self.seen.get(self.path, 0) + 1
        self.status(503) if count <= 10 else self.partial(first, last, body)

    def lie_hole(self, first, last, body):
        """503 to ranges in the second MiB, until there is a file "mended"."""
        hole = first < 2 << 20 and last >= 1 << 20
        if hole and not os.path.exists("mended"):
            self.status(503)
        else:
            self.partial(first, last, body)

    def lie_gate(self, first, last, body):
        """No lie, but no reply before there is a file "opened". The requests
        are noted in the file "asked", in their order."""
        with self.noting, open("asked", "a") as asked:
            print(first, last, file=asked)
        while not os.path.exists("opened"):
            time.sleep(0.05)
        self.partial(first, last, body)

    def do_GET(self):
        kind = self.path.split("/")[1]
        asked = self.headers.get("Range", "")[len("bytes="):].split("-")
        first, last = int(asked[0]), min(int(asked[1]), len(data) - 1)
        body = data[first:last + 1]
        try:
            if (first, last) == HEAD:
                self.partial(first, last, body)
            elif kind.isdigit():
                self.status(int(kind))
            else:
                getattr(self, "lie_" + kind)(first, last, body)
        except OSError:
            self.close()


with open(sys.argv[1], "rb") as f:
    data = f.read()
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Liar)
server.daemon_threads = True
with open(sys.argv[3], "w") as f:
    f.write(str(os.getpid()))
server.serve_forever()
