#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Random traffic with contexts, over TCP and UDP, of which the receiver tells the SHA-256.

    identity.py receive PORT...                 both protocols at each port; says "listens"
    identity.py send ADDRESS PORT SEED [gso]    with gso, some datagrams leave as the segments of one write

The same seed gives the same octets, lengths and headers. Lengths are spread over the orders of magnitude, from one
octet to 64 kB, and lie at the edges of what fits a packet; each connection and datagram has an own traffic class and
hop limit.
"""
import hashlib
import random
import socket
import struct
import sys
import threading

SOL_HOPSPAN, CONTEXT = 0x6873, 1
UDP_SEGMENT = 103
TCP_MAX, UDP_MAX = 65536, 65527
WRITES, DATAGRAMS, SEGMENTS = 30, 40, 9
EDGES = (1, 1428, 1452, 1453, 8928, 8952, 8953)


def tcp_receive(listener):
    while True:
        connection, _ = listener.accept()
        digest = hashlib.sha256()
        with connection:
            while octets := connection.recv(1 << 18):
                digest.update(octets)
            connection.sendall(digest.digest())


def udp_receive(sock):
    while True:
        octets, peer = sock.recvfrom(1 << 16)
        sock.sendto(hashlib.sha256(octets).digest(), peer)


def receive(*ports):
    for port in map(int, ports):
        listener = socket.create_server(("::", port), family=socket.AF_INET6)
        datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        datagrams.bind(("::", port))
        threading.Thread(target=tcp_receive, args=(listener,), daemon=True).start()
        threading.Thread(target=udp_receive, args=(datagrams,), daemon=True).start()
    print("listens", flush=True)
    threading.Event().wait()


def lengths(chance, count, longest):
    """In any order; the edges and the longest are among them."""
    spread = [int(longest ** chance.random()) for _ in range(count)]
    return chance.sample([*EDGES, longest, *spread], len(EDGES) + 1 + count)


def context_set(chance, sock):
    """A context most times, none, or the one before stays."""
    what = chance.random()
    if what < 0.7:
        ids = chance.randbytes(24)
    elif what < 0.8:
        ids = bytes(24)
    else:
        return
    sock.setsockopt(SOL_HOPSPAN, CONTEXT, struct.pack("BB6x", 1, 1) + ids)


def header_set(chance, sock):
    """The lowest two bits of a traffic class are TCP's own."""
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, chance.randrange(64) << 2)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, chance.randrange(2, 256))


def same(what, sent, told):
    if hashlib.sha256(sent).digest() != told:
        sys.exit(f"the receiver has another SHA-256 of {what}")


def tcp_send(chance, address):
    with socket.socket(socket.AF_INET6) as sock:
        header_set(chance, sock)
        sock.settimeout(30)
        sock.connect(address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = b""
        for length in lengths(chance, WRITES, TCP_MAX):
            context_set(chance, sock)
            octets = chance.randbytes(length)
            sock.sendall(octets)
            stream += octets
        sock.shutdown(socket.SHUT_WR)
        same(f"{len(stream)} octets", stream, sock.recv(32, socket.MSG_WAITALL))


def udp_send(chance, address, gso):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.settimeout(30)
        sock.connect(address)
        for length in lengths(chance, DATAGRAMS, UDP_MAX):
            header_set(chance, sock)
            context_set(chance, sock)
            octets = chance.randbytes(length)
            sock.send(octets)
            same(f"a datagram of {length} octets", octets, sock.recv(32))
        if gso:
            context_set(chance, sock)
            segmented_send(chance, sock)


def segmented_send(chance, sock):
    length = chance.randrange(2, 1400)
    datagrams = [chance.randbytes(length) for _ in range(SEGMENTS)]
    sock.sendmsg([b"".join(datagrams)], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", length))])
    for octets in datagrams:
        same(f"a segment of {length} octets", octets, sock.recv(32))


def send(address, port, seed, gso=""):
    chance = random.Random(seed)
    tcp_send(chance, (address, int(port)))
    udp_send(chance, (address, int(port)), gso)


if __name__ == "__main__":
    {"receive": receive, "send": send}[sys.argv[1]](*sys.argv[2:])
