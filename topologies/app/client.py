# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The service "shop": GET /checkout again and again, each asking the service "cart" over one kept connection.

All it does for hopspan is to call instrument(): the connection's socket then follows the CLIENT span. A request is one
write, so one segment. The last line printed counts the requests, with the median and the worst of their times.
"""

import argparse
import http.client
import json
import pathlib
import socket
import statistics
import sys
import time

from opentelemetry import trace
from opentelemetry.propagate import inject
from opentelemetry.trace import SpanKind, format_span_id, format_trace_id

import telemetry

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "sdk/python"))
import hopspan

CARTS = 1000
TIMEOUT_S = 30

tracer = trace.get_tracer("shop")


class Connection(http.client.HTTPConnection):
    def connect(self):
        super().connect()
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def get(connection, path):
    """One request within its CLIENT span; returns its ids and time."""
    headers = {"Accept": "application/json"}
    attributes = {
        "http.request.method": "GET",
        "server.address": connection.host,
        "server.port": connection.port,
        "url.full": f"http://[{connection.host}]:{connection.port}{path}",
    }
    start_ns = time.perf_counter_ns()
    with tracer.start_as_current_span("GET", kind=SpanKind.CLIENT, attributes=attributes) as span:
        inject(headers)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        answer = response.read()
        span.set_attribute("http.response.status_code", response.status)
    context = span.get_span_context()
    if response.status != 200:
        raise http.client.HTTPException(f"{response.status} {answer.decode(errors='replace')}")
    return {
        "trace_id": format_trace_id(context.trace_id),
        "span_id": format_span_id(context.span_id),
        "ms": (time.perf_counter_ns() - start_ns) / 1e6,
    }


def checkout(connection, cart, size):
    with tracer.start_as_current_span("GET /checkout", kind=SpanKind.SERVER, attributes={"http.route": "/checkout"}):
        return get(connection, f"/cart/{cart}" + (f"?size={size}" if size else ""))


def run(arguments, ids):
    """One request after the other."""
    connection = Connection(arguments.address, arguments.port, timeout=TIMEOUT_S)
    connection.connect()
    times_ms = []
    next_s = time.monotonic()
    for i in range(arguments.count):
        time.sleep(max(0, next_s - time.monotonic()))
        next_s = time.monotonic() + arguments.interval_ms / 1e3
        request = checkout(connection, i % CARTS, arguments.size)
        times_ms.append(request["ms"])
        if ids:
            print(json.dumps(request), file=ids, flush=True)
    connection.close()
    print(f"{len(times_ms)} requests, median {statistics.median(times_ms):.3f} ms, worst {max(times_ms):.3f} ms")


def natural(text):
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def parse_arguments():
    parser = argparse.ArgumentParser(description='The service "shop": asks the service "cart", again and again.')
    parser.add_argument("address", help="IPv6 address of the service cart")
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=natural, help="requests")
    parser.add_argument("interval_ms", type=natural, help="at least, from the start of one to the start of the next")
    parser.add_argument("size", type=natural, nargs="?", default=0, help="octets of an answer's body, at least")
    parser.add_argument("--ids", metavar="FILE", help="a JSON line per request: trace_id, span_id, ms")
    arguments = parser.parse_args()
    if not 0 < arguments.port < 65536:
        parser.error("port: 1 to 65535")
    if arguments.count == 0:
        parser.error("count: at least one request")
    return arguments


def main():
    arguments = parse_arguments()
    try:
        ids = open(arguments.ids, "w", encoding="ascii") if arguments.ids else None
    except OSError as error:
        sys.exit(f"client.py: {arguments.ids}: {error.strerror}")
    provider = telemetry.start("shop")
    hopspan.instrument()
    try:
        run(arguments, ids)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"client.py: [{arguments.address}]:{arguments.port}: {reason}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        if ids:
            ids.close()
        provider.shutdown()


if __name__ == "__main__":
    main()
