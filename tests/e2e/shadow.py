# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Requests of chosen sizes, pipelined, each with a context of its own; or the server that reads them all.

    shadow.py server PORT SHA256_FILE
    shadow.py client ADDRESS PORT PLAN_FILE SIZE...     sizes of requests, a comma-joined group is one write;
                                                        "acked" waits until the server's kernel has all before it

Writes to PLAN_FILE a line per request, as shadow_judge.py reads it: span id, first byte, size, "always".
"""

import array
import fcntl
import hashlib
import os
import socket
import struct
import sys
import termios
import time

LEVEL, CONTEXT = 0x6873, 1


def server(port, result):
    listener = socket.create_server(("::", int(port)), family=socket.AF_INET6)
    print("listens", flush=True)
    connection, _ = listener.accept()
    digest = hashlib.sha256()
    while chunk := connection.recv(1 << 16):
        digest.update(chunk)
    with open(result, "w", encoding="ascii") as file:
        file.write(digest.hexdigest())


def set_context(connection, span):
    value = struct.pack("!BB6x16s8s", 1, 1, bytes.fromhex("7c0de2a4f19b3305d1a2b7e90c4f6618"), struct.pack("!Q", span))
    connection.setsockopt(LEVEL, CONTEXT, value)


def wait_acked(connection):
    waiting = array.array("i", [1])
    while waiting[0]:
        fcntl.ioctl(connection, termios.TIOCOUTQ, waiting)
        time.sleep(0.001)


def client(address, port, plan, groups):
    """A group's requests leave together: they are written while TCP_CORK holds them."""
    connection = socket.create_connection((address, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    digest, at, span = hashlib.sha256(), 0, 0
    with open(plan, "w", encoding="ascii") as file:
        for group in groups:
            if group == "acked":
                wait_acked(connection)
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            for size in map(int, group.split(",")):
                span += 1
                data = os.urandom(size)
                set_context(connection, span)
                connection.sendall(data)
                digest.update(data)
                print(f"{span:016x} {at} {size} always", file=file)
                at += size
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
    connection.shutdown(socket.SHUT_WR)
    connection.recv(1)
    print(digest.hexdigest())


if __name__ == "__main__":
    {"server": server, "client": lambda a, p, f, *g: client(a, p, f, g)}[sys.argv[1]](*sys.argv[2:])
