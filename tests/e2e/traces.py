#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Datagrams with empty traces in several IOAM namespaces, as an application's socket option makes them.

    traces.py receive PORT                              prints "listens", and at SIGTERM how many came, each once
    traces.py send ADDRESS PORT TYPE WORDS RATE NAMESPACE...   until SIGTERM; prints how many left
    traces.py big ADDRESS PORT TYPE WORDS LENGTH COUNT         of that many octets
    traces.py inject DEV MAC SOURCE DESTINATION PORT TYPE WORDS TAGS...   one frame each, TAGS as 802.1ad+802.1q

Each datagram is its number in decimal; namespaces take turns. TYPE is the trace type in hex, WORDS the room.
"""
import signal
import socket
import struct
import sys
import time

NAMESPACE = 0x6873
stopped = False


def stop(*_):
    global stopped
    stopped = True


def node_words(trace_type):
    return bin(trace_type & 0xFF1FFC).count("1") + 2 * bin(trace_type & 0x00E000).count("1")


def hop_by_hop(namespace, trace_type, words):
    trace = struct.pack("!HHI", namespace, node_words(trace_type) << 11 | words, trace_type << 8) + bytes(4 * words)
    option = struct.pack("!BBBB", 0x31, 2 + len(trace), 0, 0) + trace
    header = struct.pack("!BBBB", 0, 0, 1, 0) + option  # PadN of 2 in front
    if len(header) % 8:
        header += struct.pack("!BBH", 1, 2, 0)
    return header[:1] + bytes([len(header) // 8 - 1]) + header[2:]


def receive(port):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.bind(("::", int(port)))
    sock.settimeout(0.1)
    numbers = []
    print("listens", flush=True)
    while not stopped:
        try:
            numbers.append(int(sock.recv(64)))
        except TimeoutError:
            pass
    print(f"{len(numbers)} datagrams, {len(set(numbers))} different, last {max(numbers, default=-1)}", flush=True)


def send(address, port, trace_type, words, rate, *namespaces):
    socks = []
    for namespace in namespaces:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        header = hop_by_hop(int(namespace, 0), int(trace_type, 16), int(words))
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, header)
        sock.connect((address, int(port)))
        socks.append(sock)
    begin, number = time.monotonic(), 0
    print("sends", flush=True)
    while not stopped:
        socks[number % len(socks)].send(b"%d" % number)
        number += 1
        time.sleep(max(0, begin + number / float(rate) - time.monotonic()))
    print(f"{number} datagrams", flush=True)


def big(address, port, trace_type, words, length, count):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    header = hop_by_hop(NAMESPACE, int(trace_type, 16), int(words))
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, header)
    for number in range(int(count)):
        sock.sendto((b"%d" % number).ljust(int(length)), (address, int(port)))


def inject(device, mac, source, destination, port, trace_type, words, *tags):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((device, 0))
    header = hop_by_hop(NAMESPACE, int(trace_type, 16), int(words))
    ends = socket.inet_pton(socket.AF_INET6, source), socket.inet_pton(socket.AF_INET6, destination)
    for number, names in enumerate(tags):
        datagram = struct.pack("!HHHH", int(port), int(port), 9, 0) + b"%d" % number
        packet = struct.pack("!IHBB", 6 << 28, len(header) + len(datagram), 0, 64) + b"".join(ends)
        packet += bytes([17]) + header[1:] + datagram
        link = bytes.fromhex(mac.replace(":", "")) + bytes.fromhex("020000000001")
        for name in names.split("+"):
            link += {"802.1q": struct.pack("!HH", 0x8100, 5), "802.1ad": struct.pack("!HH", 0x88A8, 7), "none": b""}[name]
        sock.send(link + struct.pack("!H", 0x86DD) + packet)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    {"receive": receive, "send": send, "big": big, "inject": inject}[sys.argv[1]](*sys.argv[2:])
