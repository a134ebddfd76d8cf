#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Datagrams with options of every kind that a border knows, and what it must make of them.

    border.py send DEV MAC SOURCE DESTINATION PORT COUNT [PAUSE]   in turn, one kind after the other, a pause after all
    border.py judge ACTION PORT BEFORE.pcap BEHIND.pcap            Ethernet captures, a router between them

judge says which packets had to be counted as what: "stripped 60 active_ended 30 ...".
"""
import collections
import itertools
import socket
import struct
import sys
import time

from others import NAMESPACE, OTHER_NAMESPACE, checksum, context, header, identifier, trace
from sink import IPV6_LEN, HOP_BY_HOP, packets

ETHERTYPE_IPV6, UDP, UDP_LEN = 0x86DD, 17, 8
ACTIVE, SHADOW = 0x0100, 0x40
IDENTIFIER, IOAM = 0x1E, (0x31, 0x11)


def active(option):
    return option[:6] + struct.pack("!H", struct.unpack("!H", option[6:8])[0] | ACTIVE) + option[8:]


def shadow(block):
    return block[:26] + bytes([SHADOW, 0])


def export(namespace):
    """RFC 9326: direct export."""
    return bytes([0x11, 10, 0, 4]) + struct.pack("!HBBI", namespace, 0, 0, 0xDA000000)


UNKNOWN = bytes([0x0B, 6]) + b"theirs"
KINDS = [
    lambda serial: [],
    lambda serial: [(UNKNOWN, 5)],
    lambda serial: [(trace(NAMESPACE, context(serial)), 4)],
    lambda serial: [(identifier(context(serial)), 2)],
    lambda serial: [(identifier(context(serial)), 0), (trace(NAMESPACE, b""), 4)],
    lambda serial: [(bytes([IDENTIFIER, 28]) + context(serial), 2)],
    lambda serial: [(trace(OTHER_NAMESPACE, b""), 0)],
    lambda serial: [(export(NAMESPACE), 4)],
    lambda serial: [(export(OTHER_NAMESPACE), 4), (UNKNOWN, 3)],
    lambda serial: [(UNKNOWN, 2), (trace(NAMESPACE, context(serial)), 4), (trace(OTHER_NAMESPACE, b""), 4),
                    (identifier(context(serial)), 1), (UNKNOWN, 7)],
    lambda serial: [(trace(NAMESPACE, context(serial)), 4), (trace(NAMESPACE, context(serial + 1)), 4)],
    lambda serial: [(active(trace(NAMESPACE, context(serial))), 4)],
    lambda serial: [(identifier(shadow(context(serial))), 2), (UNKNOWN, 1)],
    lambda serial: [(bytes([IDENTIFIER, 28]) + shadow(context(serial)), 2)],
    lambda serial: [(active(trace(OTHER_NAMESPACE, b"")), 4)],
]


def packet(source, destination, port, serial):
    options = KINDS[serial % len(KINDS)](serial)
    payload = struct.pack("!I", serial) * (1 + serial % 40)
    addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination)
    udp = struct.pack("!HHHH", port, port, UDP_LEN + len(payload), 0) + payload
    udp = udp[:6] + struct.pack("!H", checksum(addresses + struct.pack("!II", len(udp), UDP) + udp)) + payload
    rest = (header(options) if options else b"") + udp
    return struct.pack("!IHBB", 6 << 28, len(rest), HOP_BY_HOP if options else UDP, 64) + addresses + rest


def send(dev, mac, source, destination, port, count, pause=0):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.bind((dev, ETHERTYPE_IPV6))
        link = bytes.fromhex(mac.replace(":", "")) + out.getsockname()[4] + struct.pack("!H", ETHERTYPE_IPV6)
        for serial in range(int(count)):
            out.send(link + packet(source, destination, int(port), serial))
            if serial % len(KINDS) == 0:
                time.sleep(float(pause))


def options_of(octets):
    """Options but padding, and the UDP datagram behind them."""
    if octets[6] != HOP_BY_HOP:
        return octets[6], [], octets[IPV6_LEN:]
    stop, at, options = IPV6_LEN + (octets[IPV6_LEN + 1] + 1) * 8, IPV6_LEN + 2, []
    while at < stop:
        length = 2 + octets[at + 1] if octets[at] else 1
        if octets[at] > 1:
            options.append(octets[at : at + length])
        at += length
    return octets[IPV6_LEN], options, octets[stop:]


def datagrams(path, port):
    """By serial number: hop limit, options, datagram."""
    found = {}
    for octets in packets(path):
        kind, options, rest = options_of(octets)
        if kind == UDP and rest[2:4] == struct.pack("!H", port):
            found[struct.unpack("!I", rest[UDP_LEN : UDP_LEN + 4])[0]] = octets[7], options, rest
    return found


def is_active(option):
    if option[0] == 0x31:
        return struct.unpack("!H", option[6:8])[0] & ACTIVE != 0
    return option[0] == IDENTIFIER and option[-2] & SHADOW != 0


def is_ours(option):
    return option[0] == IDENTIFIER or (option[0] in IOAM and option[4:6] == struct.pack("!H", NAMESPACE))


def fate(action, options):
    """What is counted, and the options that are left; None: the packet ends."""
    if not options:
        return "pass", []
    if any(map(is_active, options)):
        return "active_ended", None
    left = [o for o in options if not is_ours(o) and (action == "strip" or o[0] not in IOAM)]
    if left == options:
        return "other_options", left
    if action == "allow":
        return "allowed", options
    return ("drop_options", None) if action == "drop" else ("stripped", left)


def judge(action, port, before_path, behind_path):
    before, behind = (datagrams(path, int(port)) for path in (before_path, behind_path))
    counts = collections.Counter()
    for serial, (hop_limit, options, rest) in before.items():
        outcome, left = fate(action, options)
        counts[outcome] += 1
        wanted = None if left is None else (hop_limit - 1, left, rest)
        saw = behind.pop(serial, None)
        if saw != wanted:
            sys.exit(f"datagram {serial}, {outcome}, with {[o.hex() for o in options]}: wanted {wanted}, saw {saw}")
    if behind or len(counts) < 4:
        sys.exit(f"{len(behind)} datagrams that were not sent, {counts}")
    print(*itertools.chain.from_iterable(sorted(counts.items())))


if __name__ == "__main__":
    {"send": send, "judge": judge}[sys.argv[1]](*sys.argv[2:])
