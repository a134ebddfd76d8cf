#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Compares TCP packets before and behind a sink: sink.py BEFORE.pcap BEHIND.pcap [ROUTERS LOST], Ethernet and nflog
captures, with as many routers between, of which so many packets may be lost.

In order and complete: each packet behind equals the one before without its hop-by-hop header. A measurement copy (Active
flag, RFC 9322) ends in the sink: there is none behind.
"""
import struct
import sys

ETHERNET, NFLOG = 1, 239
NFLOG_PAYLOAD = 9
HOP_BY_HOP, TCP = 0, 6
IPV6_LEN = 40
TRACE_OPTION, ACTIVE = 0x31, 2


def nflog_payload(frame):
    at = 4
    while at + 4 <= len(frame):
        length, kind = struct.unpack_from("=HH", frame, at)
        if kind == NFLOG_PAYLOAD:
            return frame[at + 4 : at + length]
        at += max(length + 3 & ~3, 4)
    sys.exit("an nflog record without a packet")


def packets(path):
    """IPv6 packets of a capture; a record that tcpdump has not finished writing ends it."""
    with open(path, "rb") as file:
        octets = file.read()
    order = "<" if octets[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    (link,) = struct.unpack_from(order + "I", octets, 20)
    at = 24
    while at + 16 <= len(octets):
        captured, length = struct.unpack_from(order + "II", octets, at + 8)
        frame = octets[at + 16 : at + 16 + captured]
        at += 16 + captured
        if len(frame) < captured:
            break
        if captured != length:
            sys.exit(f"{path}: a packet was cut")
        packet = nflog_payload(frame) if link == NFLOG else frame[14:]
        yield packet[: IPV6_LEN + int.from_bytes(packet[4:6], "big")]  # Ethernet may pad


def without_header(packet, routers):
    packet = packet[:7] + bytes([packet[7] - routers]) + packet[8:]
    if packet[6] != HOP_BY_HOP:
        return packet
    length = (packet[IPV6_LEN + 1] + 1) * 8
    payload = int.from_bytes(packet[4:6], "big") - length
    return (
        packet[:4] + payload.to_bytes(2, "big") + packet[40:41] + packet[7:IPV6_LEN] + packet[IPV6_LEN + length :]
    )


def is_stamped(packet):
    """MLD's reports have a hop-by-hop header, too (RFC 3810 section 5)."""
    return packet[6] == HOP_BY_HOP and packet[IPV6_LEN] == TCP


def is_active(packet):
    """Our header: the option's trace begins at octet 8 of it, its flags are bits 5 to 8 of the third and fourth."""
    at = IPV6_LEN + 10
    lengths = int.from_bytes(packet[at : at + 2], "big")
    return is_stamped(packet) and packet[IPV6_LEN + 4] == TRACE_OPTION and lengths >> 7 & ACTIVE != 0


def checksum_holds(packet):
    """RFC 8200 section 8.1."""
    summed = struct.pack(">II", len(packet) - IPV6_LEN, TCP) + packet[8:]
    total = sum(struct.unpack(f">{(len(summed) + 1) // 2}H", summed + bytes(len(summed) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total == 0xFFFF


def without_lost(expected, behind, lost):
    """Those expected that are behind as well, in order; at most `lost` are left out."""
    found, number = [], 0
    for one in expected:
        if number < len(behind) and one == behind[number]:
            number += 1
        elif lost:
            lost -= 1
            continue
        found.append(one)
    return found


def main():
    before, behind = (list(packets(path)) for path in sys.argv[1:3])
    stamped = sum(map(is_stamped, before))
    active = sum(map(is_active, before))
    routers = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    whole = (without_header(packet, routers) for packet in before if not is_active(packet))
    expected = [packet for packet in whole if packet[6] == TCP]
    with_header = sum(packet[6] == HOP_BY_HOP for packet in behind)
    if with_header:
        sys.exit(f"{with_header} of {len(behind)} packets behind the sink have a hop-by-hop header")
    if not stamped:
        sys.exit("no stamped packet before the sink")
    if len(sys.argv) > 4:
        expected = without_lost(expected, behind, int(sys.argv[4]))
    for number, (one, other) in enumerate(zip(expected, behind), 1):
        if one != other:
            sys.exit(f"packet {number} differs\nbefore {one.hex()}\nbehind {other.hex()}")
        if not checksum_holds(other):
            sys.exit(f"packet {number} has a wrong TCP checksum\nbehind {other.hex()}")
    if len(expected) != len(behind):
        sys.exit(f"{len(expected)} packets before the sink, {len(behind)} behind")
    print(f"{len(behind)} packets equal, {stamped} stamped before the sink, {active} of them copies")


if __name__ == "__main__":
    main()
