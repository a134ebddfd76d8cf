#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""An OTLP/HTTP backend of the test's own: decodes by OpenTelemetry's protobuf, and answers as told.

    receiver.py LOG [--tls CERT KEY CA] [--wait FILE] [ANSWER...]

Prints "listens PORT" and appends a JSON object per request to LOG. One ANSWER for each request, then 200 for ever:
    NNN            that status                  NNN:S   with Retry-After: S seconds
    NNN:date:S     the same as a date           text:NNN  with a body that is text, as a proxy's
    partial:N      200, N spans rejected        cut     read, and closed without an answer
    half           an answer that ends midway
What comes to .../metrics is taken as metrics.
--wait: connections are refused until FILE is there.
"""

import base64
import email.utils
import gzip
import json
import os
import socket
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service


def hex_to_base64(node):
    """OTLP's JSON has ids in hex where protobuf's has base64."""
    if isinstance(node, list):
        return [hex_to_base64(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: base64.b64encode(bytes.fromhex(value)).decode() if key in ("traceId", "spanId", "parentSpanId") else hex_to_base64(value)
        for key, value in node.items()
    }


def decode(kind, body, request):
    if kind == "application/json":
        return json_format.ParseDict(hex_to_base64(json.loads(body)), request)
    assert kind == "application/x-protobuf", kind
    request.ParseFromString(body)
    return request


def spans_of(request):
    return [
        span.span_id.hex() for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
    ]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def take(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        encoding = self.headers.get("Content-Encoding", "")
        plain = gzip.decompress(body) if encoding == "gzip" else body
        kind = self.headers["Content-Type"]
        return {
            "time": time.monotonic(),
            "path": self.path,
            "type": kind,
            "encoding": encoding,
            "agent": self.headers["User-Agent"],
            "token": self.headers.get("X-Token", ""),
            **self.content(kind, plain),
        }

    def content(self, kind, plain):
        if self.path.endswith("/metrics"):
            request = decode(kind, plain, metrics_service.ExportMetricsServiceRequest())
            return {"metrics": json_format.MessageToDict(request), "spans": []}
        return {"spans": spans_of(decode(kind, plain, service.ExportTraceServiceRequest()))}

    def body(self, kind, word, argument):
        if word == "partial":
            answer = service.ExportTraceServiceResponse()
            answer.partial_success.rejected_spans = int(argument)
            answer.partial_success.error_message = "some are too old"
            if kind == "application/json":
                return json_format.MessageToJson(answer).encode()
            return answer.SerializeToString()
        return b"{}" if kind == "application/json" else b""

    def do_POST(self):
        seen = self.take()
        answers = self.server.answers
        seen["answer"] = answer = answers.pop(0) if answers else "200"
        word, _, argument = answer.partition(":")
        body, kind = self.body(seen["type"], word, argument), seen["type"]
        if word == "text":
            word, argument, body, kind = argument, "", b"<html>go away</html>", "text/html"
        with open(self.server.log, "a", encoding="utf-8") as log:
            log.write(json.dumps(seen) + "\n")
        if word in ("cut", "half"):
            if word == "half":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(200 if word == "partial" else int(word))
        if argument and word != "partial":
            form, _, seconds = argument.rpartition(":")
            self.send_header(
                "Retry-After", email.utils.formatdate(time.time() + int(seconds), usegmt=True) if form else seconds
            )
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(log, *words):
    words, tls, wait = list(words), None, None
    if words and words[0] == "--tls":
        tls, words = words[1:4], words[4:]
    if words and words[0] == "--wait":
        wait, words = words[1], words[2:]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
    server.server_bind()
    server.log, server.answers = log, words
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls[0], tls[1])
        context.load_verify_locations(tls[2])
        context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print("listens", server.server_address[1], flush=True)
    while wait and not os.path.exists(wait):
        time.sleep(0.05)
    server.server_activate()
    server.serve_forever()


main(*sys.argv[1:])
