# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The service "cart": answers GET /cart/ID with the cart's items as JSON, over HTTP/1.1 on IPv6.

Knows nothing of hopspan: where the network put a request's way into its trace, this side has no part in it. Head and
body of an answer leave in one write, so a small one is one segment.
"""

import argparse
import http.server
import json
import socket
import socketserver
import sqlite3
import sys
import threading
import urllib.parse

from opentelemetry import trace
from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind

import telemetry

CARTS = 1000
ITEMS_PER_CART = 5
QUERY = "SELECT name, price FROM items WHERE cart = ? ORDER BY price"
ANSWER_MAX = 1_000_000

tracer = trace.get_tracer("cart")


class Carts:
    """Without an index, so that each query is some real work."""

    def __init__(self):
        self.lock = threading.Lock()
        self.database = sqlite3.connect(":memory:", check_same_thread=False)
        self.database.execute("CREATE TABLE items (cart INTEGER, name TEXT, price INTEGER)")
        rows = ((i % CARTS, f"item {i}", i * 7919 % 10000) for i in range(CARTS * ITEMS_PER_CART))
        self.database.executemany("INSERT INTO items VALUES (?, ?, ?)", rows)

    def select(self, cart):
        attributes = {"db.system.name": "sqlite", "db.operation.name": "SELECT", "db.query.text": QUERY}
        with tracer.start_as_current_span("SELECT cart", attributes=attributes), self.lock:
            return [{"name": name, "price": price} for name, price in self.database.execute(QUERY, (cart,))]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "cart"
    disable_nagle_algorithm = True
    wbufsize = ANSWER_MAX + (1 << 16)  # head and body leave together

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        attributes = {"http.request.method": "GET", "url.path": url.path, "url.scheme": "http"}
        context = extract({name.lower(): value for name, value in self.headers.items()})
        known = url.path.startswith("/cart/")
        if known:
            attributes["http.route"] = "/cart/{id}"
        name = "GET /cart/{id}" if known else "GET"
        with tracer.start_as_current_span(name, context, SpanKind.SERVER, attributes) as span:
            status, answer = self.cart(url) if known else (404, {"error": "no such path"})
            span.set_attribute("http.response.status_code", status)
            self.answer(status, json.dumps(answer).encode())
        # After the span: between network namespaces the packet's whole way is part of this call.
        self.wfile.flush()

    def cart(self, url):
        try:
            cart = int(url.path.removeprefix("/cart/"))
            size = int(urllib.parse.parse_qs(url.query).get("size", ["0"])[0])
        except ValueError:
            return 400, {"error": "a number is expected: /cart/ID?size=OCTETS"}
        if not 0 <= cart < CARTS or not 0 <= size <= ANSWER_MAX:
            return 404, {"error": f"carts are 0 to {CARTS - 1}, sizes 0 to {ANSWER_MAX}"}
        answer = {"cart": cart, "items": self.server.carts.select(cart)}
        missing = size - len(json.dumps(answer | {"padding": ""}))
        return 200, answer | {"padding": "." * missing} if missing > 0 else answer

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address):
        super().__init__(address, Handler)
        self.carts = Carts()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description='The service "cart": GET /cart/ID?size=OCTETS.')
    parser.add_argument("address", help="IPv6 address to listen on, :: for all")
    parser.add_argument("port", type=int, help="0: any free one")
    arguments = parser.parse_args()
    provider = telemetry.start("cart")
    try:
        server = Server((arguments.address, arguments.port))
    except (OSError, OverflowError) as error:
        sys.exit(f"server.py: [{arguments.address}]:{arguments.port}: {getattr(error, 'strerror', None) or error}")
    try:
        print(f"cart listens on [{arguments.address}]:{server.server_address[1]}", flush=True)
        server.serve_forever()
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        server.server_close()
        provider.shutdown()


if __name__ == "__main__":
    main()
