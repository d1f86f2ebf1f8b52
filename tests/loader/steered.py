#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An HTTP server of one file's ranges that does what a file of rules says.

usage: steered.py FILE RULES LOG PORTFILE

RULES is JSON and may change at any time: it is read for each request. It says
for a path (without its query)

  status    reply with that, and no range
  times     only so often, and then as if there were no rule
  every     of so many requests only the last
  share     only so much of the requests, 0 to 1, chosen at random (the same each time)
  headers   these, too (also of ranges)
  need      without these request headers: 401
  query     with another query: 403
  file      serve this one
  tags      one of these as ETag, in turn
  whole     all of it with status 200, whatever is asked for
  cut       end the connection after so many bytes of the body
  reset     the same with a TCP reset, after so much of the body, 0 to 1
  rate      bytes a second

A path without a rule is served. If-Range is compared with the rule's ETag and
Last-Modified. LOG gets a line for each request: path?query, status, range, and
the headers Host, If-Range, Authorization, X-Key, each "-" if there is none. The
port is written to PORTFILE when the server listens.
"""
import itertools
import json
import os
import random
import re
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

path, rules_path, log_path, port_path = sys.argv[1:]
lock = threading.Lock()
taken = {}
turns = itertools.count()
chances = random.Random(1)


def rule_of(name):
    """The rule of a path, unless it was used as often as it may be."""
    with lock:
        try:
            with open(rules_path, encoding="utf-8") as file:
                rule = json.load(file).get(name, {})
        except FileNotFoundError:
            rule = {}
        key = json.dumps([name, rule])
        taken[key] = taken.get(key, 0) + 1
        if taken[key] % rule.get("every", 1) or \
                taken[key] > rule.get("times", taken[key]) or \
                chances.random() >= rule.get("share", 1):
            return {}
        return rule


class Steered(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, status):
        names = ["Range", "Host", "If-Range", "Authorization", "X-Key"]
        words = [self.path, str(status)] + [
            self.headers.get(name, "-").replace(" ", "_") for name in names]
        with lock, open(log_path, "a", encoding="utf-8") as log:
            log.write(" ".join(words) + "\n")

    def reply(self, status, body, rule, **headers):
        self.note(status)
        self.send_response_only(status)
        given = dict(headers, **rule.get("headers", {}))
        given.setdefault("Date", self.date_time_string())
        for name, value in given.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if "cut" in rule:
            body = body[:rule["cut"]]
            self.close_connection = True
        if "reset" in rule:
            body = body[:int(len(body) * rule["reset"])]
            self.close_connection = True
        step = rule.get("rate", len(body) * 10 or 10) // 10 + 1
        for at in range(0, len(body), step):
            if at:
                time.sleep(0.1)
            self.wfile.write(body[at:at + step])
        if "reset" in rule:
            # Close without lingering: with a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
            self.connection.close()

    def do_GET(self):
        name, _, query = self.path.partition("?")
        rule = rule_of(name)
        headers = rule.setdefault("headers", {})
        if "tags" in rule:
            headers["ETag"] = rule["tags"][next(turns) % len(rule["tags"])]
        if any(self.headers.get(k) != v
               for k, v in rule.get("need", {}).items()):
            return self.reply(401, b"", rule)
        if rule.get("query", query) != query:
            return self.reply(403, b"", rule)
        if "status" in rule:
            return self.reply(rule["status"], b"no\n", rule)
        with open(rule.get("file", path), "rb") as file:
            data = file.read()
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)",
                             self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if not asked or rule.get("whole") or condition not in (
                None, headers.get("ETag"), headers.get("Last-Modified")):
            return self.reply(200, data, rule)
        first, last = map(int, asked.groups())
        body = data[first:last + 1]
        if not body:
            return self.reply(416, b"", rule,
                              Content_Range=f"bytes */{len(data)}")
        return self.reply(206, body, rule, Content_Range=
                          f"bytes {first}-{first + len(body) - 1}/{len(data)}")

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


server = Server(("127.0.0.1", 0), Steered)
with open(port_path + ".tmp", "w", encoding="ascii") as port_file:
    port_file.write(f"{server.server_port}\n")
os.rename(port_path + ".tmp", port_path)
server.serve_forever()
