#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What the Python API tells a UDP server: told.py PORT. A line per datagram, whose first 16 octets are its trace id."""
import socket
import sys
import time

import hopspan

with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
    server.bind(("::", int(sys.argv[1])))
    print("nothing" if hopspan.received(server) is None else "something", flush=True)
    before_ns = time.monotonic_ns()
    while True:
        datagram, peer = server.recvfrom(100)
        context, time_ns = hopspan.received(server)
        same = context.trace_id.to_bytes(16, "big") == datagram[:16]
        in_time = before_ns <= time_ns <= time.monotonic_ns()
        print("told" if same and in_time and context.is_remote else f"{context} {time_ns}", flush=True)
        server.sendto(datagram[:16] * 2, peer)  # as datagrams.py told expects
