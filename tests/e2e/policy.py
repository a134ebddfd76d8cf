# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Requests to several places in turn, each with a context of its own, until a file appears.

    policy.py STOP_FILE SPANS_FILE ADDRESS,PORT...      writes, as JSON, the span ids sent to each address
"""

import json
import os
import socket
import struct
import sys
import time

from shadow import set_context


def main(stop, spans, *places):
    connections, sent, span = {}, {}, 0
    for place in places:
        address, port = place.split(",")
        connections[address] = socket.create_connection((address, int(port)))
        connections[address].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sent[address] = []
    while not os.path.exists(stop):
        for address, connection in connections.items():
            span += 1
            set_context(connection, span)
            connection.sendall(struct.pack("!Q", span))
            sent[address].append(f"{span:016x}")
        time.sleep(0.002)
    for connection in connections.values():
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
    with open(spans + ".new", "w", encoding="ascii") as file:
        json.dump(sent, file)
    os.rename(spans + ".new", spans)


if __name__ == "__main__":
    main(*sys.argv[1:])
