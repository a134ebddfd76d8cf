#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Traced requests over TCP, a connection each, so that each is a flow; and numbered datagrams.

    topologies.py server PORT                             answers both; says "listens", then each datagram's number
    topologies.py requests ADDRESS PORT FIRST COUNT       from the local ports FIRST ..., 10 a second at most; prints
                                                          "LOCAL_PORT TRACE_ID"
    topologies.py datagrams ADDRESS PORT COUNT EVERY      a new context for every EVERY-th (0: none)
    topologies.py within COUNT PERCENT LOST               is that what chance makes of it? five standard deviations
"""
import math
import socket
import struct
import sys
import threading
import time

LEVEL, CONTEXT = 0x6873, 1
REQUEST = bytes(200)


def set_context(sock, number):
    value = struct.pack("!BB6x16sQ", 1, 1, struct.pack("!QQ", 0x746F706F, number), number)
    sock.setsockopt(LEVEL, CONTEXT, value)
    return value[8:24].hex()


def answer(connection):
    with connection:
        while data := connection.recv(1000):
            connection.sendall(data)


def read_datagrams(sock):
    while True:
        print(struct.unpack("!Q", sock.recv(1000)[:8])[0], flush=True)


def server(port):
    listener = socket.create_server(("::", int(port)), family=socket.AF_INET6, backlog=100)
    datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    datagrams.bind(("::", int(port)))
    threading.Thread(target=read_datagrams, args=(datagrams,), daemon=True).start()
    print("listens", flush=True)
    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


def requests(address, port, first, count):
    for local in range(int(first), int(first) + int(count)):
        with socket.create_connection((address, int(port)), 20, ("::", local)) as connection:
            trace = set_context(connection, local)
            connection.sendall(REQUEST)
            if len(connection.recv(len(REQUEST), socket.MSG_WAITALL)) != len(REQUEST):
                sys.exit(f"the answer to {trace} is cut off")
            print(local, trace)
        time.sleep(0.1)


def datagrams(address, port, count, every):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.connect((address, int(port)))
    for number in range(int(count)):
        if int(every) and number % int(every) == 0:
            set_context(sock, number + 1)
        sock.send(struct.pack("!Q", number) + REQUEST)
        if number % 16 == 0:
            time.sleep(0.005)


def within(count, percent, lost):
    count, share, lost = int(count), float(percent) / 100, int(lost)
    bound = 5 * math.sqrt(count * share * (1 - share))
    print(f"lost {lost} of {count}, expected {count * share:.0f} +- {bound:.0f}")
    sys.exit(abs(lost - count * share) > bound)


{"server": server, "requests": requests, "datagrams": datagrams, "within": within}[sys.argv[1]](*sys.argv[2:])
