#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What the kernel's own test of its IOAM asks of a node on the way, asked of any such node: selftest.py NAME IN OFF OUT.

There a host writes traces by its routes, a router adds to them, and the receiver looks. Here the packets of that host are
made octet by octet, so they need no kernel that can do that, and what must come out is written down, too. Its node ids,
sizes and trace types are kept:

    output_*   what the first node has written, over a router where IOAM is off: it comes out as it was
    input_*    an empty trace, or one that must stay as it is, over a router that takes part
    forward_*  both: the router adds to what the first node has written

Each in a packet of its own (inline) and around another (encap, also from another source). It shares no code with wire/.
"""
import socket
import struct
import sys
import time

NONE16, NONE32, NONE64 = 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
SOURCE, TUNNEL, DESTINATION = "fd68:6466::2", "fd68:6466::50", "fd68:7465::2"
FRAME = bytes.fromhex("026800000001" "026800000002" "86dd")
TAI_AHEAD = 37
TAKEN, UNTIL = 0.000_1, 5  # seconds: between two clocks on one machine; to wait for a packet
SIZES = [4] * 8 + [8] * 3 + [4] * 11 + [4, 0]
FULL = 0xFFF002
ECHO = 58


def bit(number):
    return 0x800000 >> number


class Node:
    """Who writes, and what."""

    def __init__(self, number, wide, ingress, ingress_wide, egress, egress_wide, limit, data=NONE32, data_wide=NONE64,
                 schema=0xFFFFFF, state=b""):
        self.__dict__.update(locals())

    def fields(self, kind):
        """Octets of each field in order; None: to be looked at, not compared."""
        table = [
            struct.pack("!I", self.limit << 24 | self.number), struct.pack("!HH", self.ingress, self.egress), None, None,
            None, struct.pack("!I", self.data), bytes(4), b"\xff" * 4, struct.pack("!Q", self.limit << 56 | self.wide),
            struct.pack("!II", self.ingress_wide, self.egress_wide), struct.pack("!Q", self.data_wide), b"\xff" * 4]
        table += [b"\xff" * 4] * 10
        table.append(struct.pack("!I", len(self.state) // 4 << 24 | self.schema) + self.state)
        return [(n, field) for n, field in enumerate(table) if kind & bit(n)]

    def octets(self, kind):
        """As the first node writes them, which knows no time."""
        return b"".join(b"\xff" * 4 if field is None else field for _, field in self.fields(kind))


ALPHA = Node(1, 11111111, NONE16, NONE32, 101, 101101, 64, 0xDEADBEEF, 0xCAFEC0CAF00DC0DE, 777,
             b"something that will be 4n-aligned\0\0\0")
BETA = Node(2, 22222222, 201, 201201, 202, 202202, 63, 0xDEADBEE1, 0xCAFEC0CAF11DC0DE, 666, b"Hello there -Obi")


class Case:
    def __init__(self, name, kind, size, namespace=123, overflow=False, written=b"", through="in", adds=None, sets=False):
        self.__dict__.update(locals())
        self.words = sum(SIZES[n] for n in range(22) if kind & bit(n)) // 4
        self.left = (size - len(written)) // 4

    def trace(self, left, overflow, data):
        option = struct.pack("!BBBBHHI", 0x31, 10 + self.size, 0, 0, self.namespace,
                             self.words << 11 | overflow << 10 | left, self.kind << 8) + data
        rest = -(4 + len(option)) % 8
        return b"\x01\x00" + option + (bytes((1, rest - 2)) + bytes(rest - 2) if rest else b"")

    def before(self):
        return self.trace(self.left, self.overflow, bytes(self.size - len(self.written)) + self.written)


def cases():
    bits, undefined = list(range(12)) + [22], range(12, 22)

    def room(kind, node):
        return len(node.octets(kind))
    for name, through in (("output", "off"), ("input", "in")):
        yield Case(f"{name}_undef_ns", 0x800000, 4, namespace=0, through=through)
        for size in range(4, 245, 4):
            yield Case(f"{name}_size{size}", 0x800000, size, namespace=0 if through == "off" else 123, through=through,
                       adds=BETA if through == "in" else None)
    yield Case("output_no_room", 0xC00000, 4, overflow=True, through="off")
    yield Case("output_no_room_oss", 0x000002, 4, overflow=True, through="off")
    for n in bits:
        yield Case(f"output_bit{n}", bit(n), room(bit(n), ALPHA), written=ALPHA.octets(bit(n)), through="off")
    yield Case("output_full_supp_trace", FULL, room(FULL, ALPHA), written=ALPHA.octets(FULL), through="off")
    yield Case("input_no_room", 0xC00000, 4, sets=True)
    yield Case("input_no_room_oss", 0x000002, 4, sets=True)
    yield Case("input_no_room_oss_header", 0x800002, 4, sets=True)
    yield Case("input_disabled", 0x800000, 4, through="off")
    yield Case("input_oflag", 0xC00000, 4, overflow=True)
    yield Case("input_oflag_room", 0xC00000, 8, overflow=True)
    for n in bits + list(undefined):
        yield Case(f"input_bit{n}", bit(n), room(bit(n), BETA), adds=BETA)
    yield Case("input_reserved_bit", 0x800001, 4, adds=BETA)
    yield Case("input_undef_bits", 0x800FFC, 44, adds=BETA)
    yield Case("input_full_supp_trace", FULL, room(FULL, BETA), adds=BETA)
    for n in bits:
        kind = bit(n)
        yield Case(f"forward_bit{n}", kind, room(kind, ALPHA) + room(kind, BETA), written=ALPHA.octets(kind), adds=BETA)
    both = room(FULL, ALPHA) + room(FULL, BETA)
    yield Case("forward_full_supp_trace", FULL, both, written=ALPHA.octets(FULL), adds=BETA)
    yield Case("forward_no_room", FULL, both - 4, written=ALPHA.octets(FULL), sets=True)
    yield Case("forward_undef_ns", FULL, both, namespace=124, written=ALPHA.octets(FULL))


def packet(header, source, mode, number):
    """An echo request with the header, or one in a packet with the header."""
    echo = struct.pack("!BBHHH", 128, 0, 0, 0x6874, number) + struct.pack("!I", number)
    inner = ipv6(SOURCE, DESTINATION, ECHO, echo)
    following, payload = (ECHO, echo) if mode == "inline" else (41, inner)
    header = bytes((following, (len(header) + 2) // 8 - 1)) + header
    return ipv6(source, DESTINATION, 0, header + payload)


def ipv6(source, destination, following, payload):
    return (struct.pack("!IHBB", 0x60000000, len(payload), following, 64) +
            socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, destination) + payload)


class Wire:
    def __init__(self, name, device_in, device_off, device_out):
        self.name = name
        self.ways = {"in": self.open(device_in, 0), "off": self.open(device_off, 0)}
        self.out = self.open(device_out, 3)
        self.out.settimeout(UNTIL)

    @staticmethod
    def open(device, protocol):
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
        end.bind((device, protocol))
        return end

    def pass_on(self, octets, through):
        """What comes of it, and between which times that was."""
        begin = time.time()
        self.ways[through].send(FRAME + octets)
        while True:
            frame, about = self.out.recvfrom(65536)
            if about[2] != socket.PACKET_OUTGOING and frame[22:54] == octets[8:40] and frame[-4:] == octets[-4:]:
                return frame[14:], begin - TAKEN, time.time() + TAKEN

    def knows_slot(self, kind):
        """tc alone finds its slot by the hop limit and a node id in it."""
        return self.name != "tc" or bool(kind & (bit(0) | bit(8)))

    def time_wrong(self, seconds, fraction, begin, end):
        """Both, or one: Linux writes POSIX microseconds, we PTP."""
        if self.name == "kernel":
            ahead, unit = 0, 1_000_000
        else:
            ahead, unit = TAI_AHEAD, 1_000_000_000
        if fraction is not None and fraction >= unit:
            return "a fraction of more than a second"
        if seconds is not None and not int(begin) <= seconds - ahead <= int(end):
            return "other seconds"
        if fraction is not None and (fraction / unit + 1e-6 - begin) % 1 > end - begin + 2e-6:
            return "another fraction"
        return None


def wanted_fields(case, wire):
    """[(bit, octets)] of the node that adds; where it cannot know what leaves with the packet, all ones."""
    wanted = case.adds.fields(case.kind)
    if wire.knows_slot(case.kind):
        return wanted
    unknown = {1: lambda old: old[:2] + b"\xff\xff", 6: lambda old: b"\xff" * 4, 9: lambda old: old[:4] + b"\xff" * 4}
    return [(n, unknown[n](field) if n in unknown else field) for n, field in wanted]


def check_added(case, wire, seen, begin, end):
    at, times = 0, {}
    for n, field in wanted_fields(case, wire):
        size = 4 if field is None else len(field)
        there = seen[at:at + size]
        at += size
        if n in (2, 3):
            times[n] = int.from_bytes(there, "big")
        elif n == 4:
            measured = wire.name == "xdp" or (wire.name == "tc" and wire.knows_slot(case.kind) and case.kind & bit(3))
            delay = int.from_bytes(there, "big")
            if measured and delay > (end - begin) * 1e9 or not measured and delay != NONE32:
                return f"delay {delay} ns"
        elif there != field:
            return f"bit {n} is {there.hex()} and not {field.hex()}"
    return wire.time_wrong(times.get(2), times.get(3), begin, end) if times else None


def check(case, mode, source, number, wire):
    sent = packet(case.before(), source, mode, number)
    seen, begin, end = wire.pass_on(sent, case.through)
    size = len(case.adds.octets(case.kind)) if case.adds else 0
    data = bytes(case.size - len(case.written)) + case.written
    place = case.left * 4 - size
    added = seen[56 + place:56 + place + size]
    data = data[:place] + added + data[place + size:]
    wanted = packet(case.trace(case.left - size // 4, case.overflow or case.sets, data), source, mode, number)
    wanted = wanted[:7] + bytes((wanted[7] - 1,)) + wanted[8:]
    if seen != wanted:
        return f"is\n  {seen.hex()} and not\n  {wanted.hex()}"
    return check_added(case, wire, added, begin, end) if case.adds else None


def main():
    wire = Wire(*sys.argv[1:5])
    passed, wrong, number = 0, 0, 0
    for case in cases():
        modes = [("inline", SOURCE), ("encap", SOURCE)] + [("encap", TUNNEL)] * case.name.startswith("output")
        for mode, source in modes:
            number += 1
            try:
                complaint = check(case, mode, source, number, wire)
            except TimeoutError:
                complaint = "does not come"
            passed += complaint is None
            if complaint:
                wrong += 1
                print(f"{wire.name}: {case.name}, {mode} from {source}: {complaint}")
    print(f"{wire.name}: {passed} passed, {wrong} failed")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
