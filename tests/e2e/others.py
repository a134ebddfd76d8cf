#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Datagrams whose hop-by-hop header holds options of others beside ours.

    others.py server PORT COUNT			prints how many came, each told the context that its payload names
    others.py client DEV MAC SOURCE DESTINATION PORT COUNT

Seeded: each run sends the same headers. Options of others are at places that they ask for, 8n + y.
"""
import random
import socket
import struct
import sys

SOL_HOPSPAN, RECEIVED = 0x6873, 2
NAMESPACE, OTHER_NAMESPACE, SCHEMA = 0x6873, 0x7B, 0x687370
TRACE_TYPE, NODE_WORDS = 0xDA0002, 5
ETHERTYPE_IPV6, UDP = 0x86DD, 17


def context(serial):
    return struct.pack("!QQ8sBBBB", 0x6F746865, serial, b"a span.." , 1, 1, 0, 0)


def trace(namespace, block):
    data = bytes(20) + (struct.pack("!I", 7 << 24 | SCHEMA) + block if block else struct.pack("!I", 0xFFFFFF))
    header = struct.pack("!HHI", namespace, NODE_WORDS << 11, TRACE_TYPE << 8)
    return bytes([0x31, 10 + len(data), 0, 0]) + header + data


def identifier(block):
    return bytes([0x1E, 4 + len(block)]) + struct.pack("!HH", 0xFFF0, 0) + block


def others(dice):
    """Of others: option, and the 8n + y that it asks for."""
    length = dice.randrange(24)
    unknown = bytes([dice.randrange(0x0B, 0x0F), length]) + dice.randbytes(length)
    return dice.choice([(b"\x05\x02\0\0", dice.randrange(4) * 2), (trace(OTHER_NAMESPACE, b""), 4 * dice.randrange(2)),
                        (unknown, dice.randrange(8))])


def padding(length):
    return b"" if not length else b"\0" if length == 1 else bytes([1, length - 2]) + bytes(length - 2)


def header(options):
    octets = bytes(2)
    for option, place in options:
        octets += padding((place - len(octets)) % 8) + option
    octets += padding(-len(octets) % 8)
    return bytes([UDP, len(octets) // 8 - 1]) + octets[2:]


def ours(serial, dice):
    kind = dice.randrange(3)
    if kind == 0:
        return [(trace(NAMESPACE, context(serial)), 4 * dice.randrange(2))]
    options = [(identifier(context(serial)), dice.randrange(8))]
    if kind == 2:
        options.append((trace(NAMESPACE, b""), 4 * dice.randrange(2)))
    return options


def checksum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets + b""))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF


def packet(source, destination, port, serial, dice):
    options = [others(dice) for _ in range(dice.randrange(1, 5))]
    for option in ours(serial, dice):
        options.insert(dice.randrange(len(options) + 1), option)
    payload = context(serial)[:16]
    addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination)
    udp = struct.pack("!HHHH", 7301, port, 8 + len(payload), 0)
    udp = udp[:6] + struct.pack("!H", checksum(addresses + struct.pack("!II", len(udp + payload), UDP) + udp + payload))
    rest = header(options) + udp + payload
    return struct.pack("!IHBB", 6 << 28, len(rest), 0, 64) + addresses + rest


def client(dev, mac, source, destination, port, count):
    dice = random.Random(68)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.bind((dev, ETHERTYPE_IPV6))
        link = bytes.fromhex(mac.replace(":", "")) + out.getsockname()[4] + struct.pack("!H", ETHERTYPE_IPV6)
        for serial in range(int(count)):
            out.send(link + packet(source, destination, int(port), serial, dice))


def server(port, count):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
        sock.bind(("::", int(port)))
        print("listens", flush=True)
        for serial in range(int(count)):
            payload = sock.recv(100)
            if payload != context(serial)[:16]:
                sys.exit(f"datagram {serial} is {payload.hex()}")
        told = sock.getsockopt(SOL_HOPSPAN, RECEIVED, 32)
        print("told of the last" if told[8:24] == payload else told.hex(), flush=True)


if __name__ == "__main__":
    {"client": client, "server": server}[sys.argv[1]](*sys.argv[2:])
