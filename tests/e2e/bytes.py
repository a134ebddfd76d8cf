#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""One connection, many octets, a new context every 64 kB: bytes.py receive PORT | send ADDRESS PORT OCTETS.

Each side prints the SHA-256 of what it wrote or read, then how many octets. Every other context is set before a short
write, like a request's head before its body: that leaves as a segment of its own where the window allows, and else
joins the large segments around it. The others are set before a large write.
"""
import hashlib
import os
import socket
import struct
import sys
import time

SOL_HOPSPAN, HOPSPAN_CONTEXT, CONTEXT_VERSION, SAMPLED = 0x6873, 1, 1, 1
RANGE, HEAD = 1 << 16, 300
SOURCE = 1 << 24


def receive(port):
    with socket.create_server(("::", int(port)), family=socket.AF_INET6) as listener:
        print("listens", flush=True)
        connection, _ = listener.accept()
    digest, count = hashlib.sha256(), 0
    with connection:
        while octets := connection.recv(1 << 18):
            digest.update(octets)
            count += len(octets)
    print(digest.hexdigest(), count)


def writes(octets):
    """Lengths of the writes and whether a context is set before; each range of 64 kB in one write or two."""
    for number, at in enumerate(range(0, octets, RANGE)):
        length = min(RANGE, octets - at)
        head = min(HEAD, length) if number % 2 == 0 else 0
        if head:
            yield head, True
        if length > head:
            yield length - head, not head


def send(address, port, octets):
    digest, count = hashlib.sha256(), 0
    source = memoryview(os.urandom(SOURCE + RANGE))
    trace_id = os.urandom(16)
    start_s = time.monotonic()
    with socket.create_connection((address, int(port)), timeout=120) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for length, begins in writes(int(octets)):
            if begins:
                context = struct.pack("!BB6x16s8s", CONTEXT_VERSION, SAMPLED, trace_id, os.urandom(8))
                connection.setsockopt(SOL_HOPSPAN, HOPSPAN_CONTEXT, context)
            at = count * 7919 % SOURCE  # no part of the stream is like another
            connection.sendall(source[at : at + length])
            digest.update(source[at : at + length])
            count += length
    print(f"{count * 8 / (time.monotonic() - start_s) / 1e6:.0f} Mbit/s, checksums included", file=sys.stderr)
    print(digest.hexdigest(), count)


if __name__ == "__main__":
    {"receive": receive, "send": send}[sys.argv[1]](*sys.argv[2:])
