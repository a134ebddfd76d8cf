#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A proxy between an exporter and its backend that loses answers: dropper.py PORT HOST PORT EVERY. Of each EVERY requests
the backend's answer to one is thrown away and the connection closed. Prints "listens PORT", and "dropped" for each."""

import http.client
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        backend = http.client.HTTPConnection(*self.server.backend, timeout=30)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        backend.request("POST", self.path, body, dict(self.headers))
        answer = backend.getresponse()
        content = answer.read()
        self.server.count += 1
        if self.server.count % self.server.every == 0:
            print("dropped", flush=True)
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"] or "text/plain")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.backend, server.every, server.count = (sys.argv[2], int(sys.argv[3])), int(sys.argv[4]), 0
print("listens", server.server_address[1], flush=True)
server.serve_forever()
