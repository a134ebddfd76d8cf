# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Requests and answers on one connection, one at a time.

    side.py server PORT
    side.py client ADDRESS PORT COUNT      prints for each request the span id set, and the one that its answer brought
"""

import socket
import struct
import sys

from shadow import LEVEL, set_context

RECEIVED = 2


def server(port):
    listener = socket.create_server(("::", int(port)), family=socket.AF_INET6)
    print("listens", flush=True)
    connection, _ = listener.accept()
    while request := connection.recv(1000):
        connection.sendall(request)


def client(address, port, count):
    connection = socket.create_connection((address, int(port)))
    for span in range(1, int(count) + 1):
        set_context(connection, span)
        connection.sendall(b"x" * span)
        got = b""
        while len(got) < span:
            got += connection.recv(1000)
        answer = connection.getsockopt(LEVEL, RECEIVED, 32)
        print(f"{span} {struct.unpack_from('!Q', answer, 24)[0]}")


if __name__ == "__main__":
    {"server": server, "client": client}[sys.argv[1]](*sys.argv[2:])
