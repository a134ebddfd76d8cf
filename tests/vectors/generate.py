#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Writes the vectors: packets as commented hex, each with what a reader must make of it.

    tests/vectors/generate.py        rewrites tests/vectors/*.txt

It shares no code with wire/: field order, lengths and flags are spelled out here a second time, from the RFCs.
Header lines of a vector:

    # outcome: NAME      what the reader counts: recorded, pass, bad_*
    # time: NS           when the capture saw it
    # packet: {...}      what hopspan decode prints, without the hops
    # hop: {...}         one for each hop, the sender first
    # tshark: WORDS      what tshark 4.0 is to say, where that differs: "invalid_type ..." (it marks the packet so),
                         "skip N" (the first N nodes it lists are another trace's), "blind" (it reads no node),
                         "active" (it sees that flag)
"""
import ipaddress
import json
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
SECOND = 1_000_000_000
ARRIVAL = 1795183331 * SECOND + 482_000_000
TAI_AHEAD = 37
NTP_AHEAD = 2208988800
SOURCE, DESTINATION = "2001:db8:1::10", "2001:db8:2::20"
TRACE_ID = bytes.fromhex("7c0de2a4f19b3305d1a2b7e90c4f6618")
SPAN_ID = bytes.fromhex("b9c7c989f97918e1")
OURS, SCHEMA = 0x6873, 0x687370
DEFAULT_TYPE = 0xDA0002  # bits 0, 1, 3, 4, 6, 22
NONE32 = 0xFFFFFFFF
POSIX_NODES, NTP_NODES, RAW_QUEUE_NODES = {7}, {9}, {8}  # as tests/vectors/nodes.yaml says


def bits(*numbers):
    return sum(0x800000 >> n for n in numbers)


class Hop:
    """What a node writes, and what is to be read from it. None: not available."""

    def __init__(self, node=None, limit=64, ingress=None, egress=None, time=None, delay=None, queue=None, wide=None,
                 ingress_wide=None, egress_wide=None, schema=None, state=b""):
        self.__dict__.update(locals())

    def stamp(self):
        if self.time is None:
            return NONE32, NONE32
        s, ns = divmod(self.time, SECOND)
        if self.node in POSIX_NODES:
            return s, ns // 1000
        if self.node in NTP_NODES:
            return (s + NTP_AHEAD) & NONE32, -(-(ns << 32) // SECOND)
        return s + TAI_AHEAD, ns

    def fields(self, kind):
        """(octets, comment) in bit order."""
        def w(value, bits_=32):
            return ((1 << bits_) - 1 if value is None else value).to_bytes(bits_ // 8, "big")

        def say(value):
            return "not available" if value is None else value
        seconds, fraction = self.stamp()
        delay = f"delay {self.delay} ns" if self.delay is None or self.delay < 1 << 31 else "delay too long"
        table = [
            (0, w(self.limit, 8) + w(self.node, 24), f"hop limit {self.limit}, node {say(self.node)}"),
            (1, w(self.ingress, 16) + w(self.egress, 16), f"ingress {say(self.ingress)}, egress {say(self.egress)}"),
            (2, w(seconds), f"seconds {seconds}"),
            (3, w(fraction), f"fraction {fraction}"),
            (4, w(self.delay), delay.replace("None ns", "not available")),
            (5, w(0xD5D50000 | self.limit), "namespace data"),
            (6, w(self.queue), f"queue {say(self.queue)}"),
            (7, w(None), "checksum complement: not available"),
            (8, w(self.limit, 8) + w(self.wide, 56), f"hop limit {self.limit}, wide node {say(self.wide)}"),
            (9, w(self.ingress_wide) + w(self.egress_wide),
             f"wide ingress {say(self.ingress_wide)}, egress {say(self.egress_wide)}"),
            (10, w(0xDADADADA00000000 | self.limit, 64), "wide namespace data"),
            (11, w(0xB0B00000 | self.limit), "buffer occupancy"),
        ] + [(n, w(None), f"undefined bit {n}") for n in range(12, 22)]
        out = [(octets, text) for n, octets, text in table if kind & bits(n)]
        if kind & bits(22):
            schema = 0xFFFFFF if self.schema is None else self.schema
            out.append((w(len(self.state) // 4 << 24 | schema), f"snapshot: {len(self.state) // 4} words, "
                        + ("no schema" if self.schema is None else f"schema 0x{schema:06x}")))
            out += context_lines(self.state) if schema == SCHEMA and len(self.state) == 28 else \
                [(self.state[i:i + 4], "state") for i in range(0, len(self.state), 4)]
        return out

    def json(self, kind, time):
        out = {}
        if kind & bits(0, 8):
            out["hop_limit"] = self.limit
        if kind & bits(0) and self.node is not None:
            out["node"] = self.node
        if kind & bits(8) and self.wide is not None:
            out["node_wide"] = str(self.wide)
        for key, short, wide in (("ingress_if", self.ingress, self.ingress_wide),
                                 ("egress_if", self.egress, self.egress_wide)):
            if kind & bits(1) and short is not None:
                out[key] = short
            elif kind & bits(9) and wide is not None:
                out[key] = wide
        if kind & bits(3) and time is not None:
            out["time_unix_ns"] = time
        if kind & bits(4) and self.delay is not None:
            out["delay_ns"] = self.delay
            if self.delay == 1 << 31:
                out["delay_overflow"] = True
        if kind & bits(6) and self.queue is not None:
            out["queue_raw" if kind & bits(0) and self.node in RAW_QUEUE_NODES else "queue_bytes"] = self.queue
        return out


def context(flags=1, attribution=0, version=1):
    return TRACE_ID + SPAN_ID + bytes((version, flags, attribution, 0))


def context_lines(block):
    return [(block[:16], "trace id"), (block[16:24], "span id"),
            (block[24:], f"version {block[24]}, flags {block[25]:02x}, attribution {block[26]:02x}")]


def words(kind):
    """NodeLen."""
    return sum(2 if n in (8, 9, 10) else 1 for n in range(22) if kind & bits(n))


class Trace:
    """One pre-allocated trace option. hops: the sender first; free: words."""

    def __init__(self, hops, kind=DEFAULT_TYPE, free=0, namespace=OURS, flags=0, node_len=None, remaining=None,
                 tail=b"", option_len=None):
        self.__dict__.update(locals())

    def lines(self):
        data = [(bytes(4 * self.free), f"free: {self.free} words")] if self.free else []
        for number, hop in reversed(list(enumerate(self.hops))):
            data += [(o, f"hop {number}: {t}") for o, t in hop.fields(self.kind)]
        if self.tail:
            data.append((self.tail, "behind the last node"))
        node_len = words(self.kind) if self.node_len is None else self.node_len
        remaining = self.free if self.remaining is None else self.remaining
        octets = sum(len(o) for o, _ in data)
        names = ", ".join(n for b, n in ((8, "overflow"), (4, "loopback"), (2, "active")) if self.flags & b) or "none"
        length = 10 + octets if self.option_len is None else self.option_len
        return [
            (bytes((0x31, length, 0, 0)), f"option: IOAM, mutable; length {length}; pre-allocated trace"),
            (struct.pack("!HH", self.namespace, node_len << 11 | self.flags << 7 | remaining),
             f"namespace 0x{self.namespace:04x}; NodeLen {node_len}, flags: {names}; RemainingLen {remaining}"),
            (struct.pack("!I", self.kind << 8), f"trace type 0x{self.kind:06x}"),
        ] + data

    def room(self):
        step = words(self.kind) + (1 if self.kind & bits(22) else 0)
        return self.free // step if step else 0


def pad(n, fill=0):
    if n == 0:
        return []
    if n == 1:
        return [(b"\0", "Pad1")]
    return [(bytes((1, n - 2)) + bytes((fill,)) * (n - 2), f"PadN, {n} octets")]


def fill(options):
    """The options of a whole header: 2 octets of padding in front, what is needed behind."""
    return pad(2) + options + pad(-(4 + sum(len(o) for o, _ in options)) % 8)


def tcp():
    ports = [(struct.pack("!HH", 40000, 8080), "TCP: ports 40000, 8080")]
    return ports + [(struct.pack("!II", 0x10203040, 0x50607080), "sequence, acknowledgement"),
                    (struct.pack("!HHHH", 0x5018, 512, 0, 0), "flags, window, checksum, urgent"),
                    (b"GET ", "data")]


def udp():
    return [(struct.pack("!HH", 5353, 53), "UDP: ports 5353, 53"), (struct.pack("!HH", 12, 0), "length, checksum"),
            (b"data", "data")]


def echo():
    return [(bytes((128, 0, 0, 0, 0, 7, 0, 1)), "ICMPv6 echo request")]


def nothing():
    return []


def checksum(lines, protocol):
    """The transport's checksum, at its place."""
    at = {6: 16, 17: 6, 58: 2}.get(protocol)
    if at is None:
        return lines
    raw = b"".join(o for o, _ in lines)
    pseudo = ipaddress.ip_address(SOURCE).packed + ipaddress.ip_address(DESTINATION).packed \
        + struct.pack("!II", len(raw), protocol) + raw + bytes(len(raw) % 2)
    total = sum(struct.unpack(f"!{len(pseudo) // 2}H", pseudo))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    raw = raw[:at] + struct.pack("!H", ~total & 0xFFFF or 0xFFFF) + raw[at + 2:]
    out = []
    for octets, text in lines:
        out.append((raw[:len(octets)], text))
        raw = raw[len(octets):]
    return out


def packet_lines(options, protocol, transport, hop_limit, payload_len=None):
    body = checksum(transport(), protocol)
    total = 2 + sum(len(o) for o, _ in options)
    assert total % 8 == 0, total
    hbh = [(bytes((protocol, total // 8 - 1)), f"hop-by-hop: next header {protocol}, {total} octets")] + options
    length = sum(len(o) for o, _ in hbh + body) if payload_len is None else payload_len
    return [
        (struct.pack("!IHBB", 0x60012345, length, 0, hop_limit),
         f"IPv6: payload {length}, next header hop-by-hop, hop limit {hop_limit}"),
        (ipaddress.ip_address(SOURCE).packed, SOURCE),
        (ipaddress.ip_address(DESTINATION).packed, DESTINATION),
    ] + hbh + body


def write(name, about, lines, outcome, time=ARRIVAL, packet=None, hops=(), tshark=None, cut=None):
    with open(os.path.join(HERE, name + ".txt"), "w") as out:
        for line in about.split("\n"):
            print(f"# {line}", file=out)
        print(f"#\n# outcome: {outcome}\n# time: {time}", file=out)
        if packet:
            print(f"# packet: {json.dumps(packet)}", file=out)
        for hop in hops:
            print(f"# hop: {json.dumps(hop)}", file=out)
        if tshark:
            print(f"# tshark: {tshark}", file=out)
        print(file=out)
        for octets, text in lines:
            if cut is not None:
                octets, cut = octets[:cut], cut - len(octets[:cut])
                if not octets:
                    break
            for i in range(0, len(octets), 16):
                part = " ".join(f"{o:02x}" for o in octets[i:i + 16])
                print(f"{part:<47} {'# ' + text if i == 0 else ''}".rstrip(), file=out)


def stamped(name, about, trace, options=None, protocol=6, transport=tcp, ids=True, flags=1, direction="request",
            shadow=False, time=ARRIVAL, tshark=None, times=None, hop_limit=None, outcome="recorded", carrier="snapshot"):
    """A packet whose record is `trace`, None: identifiers alone. options: all of the header's, if not just the trace and
    its padding."""
    if options is None:
        options = fill(trace.lines())
    if hop_limit is None:
        hop_limit = trace.hops[-1].limit
    packet = {"time_unix_ns": time, "source": SOURCE, "destination": DESTINATION,
              "transport": {6: "tcp", 17: "udp", 58: "icmpv6"}.get(protocol, str(protocol))}
    if protocol in (6, 17):
        packet["source_port"], packet["destination_port"] = (40000, 8080) if protocol == 6 else (5353, 53)
    if ids:
        packet |= {"trace_id": TRACE_ID.hex(), "span_id": SPAN_ID.hex(), "flags": flags, "carrier": carrier}
    if trace:
        packet |= {"namespace": trace.namespace, "overflow": bool(trace.flags & 8), "room_left": trace.room()}
    if shadow:
        packet["shadow"] = True
    if ids:
        packet["direction"] = direction
    if times is None:
        times = [hop.time for hop in trace.hops] if trace else []
    write(name, about, packet_lines(options, protocol, transport, hop_limit), outcome, time, packet,
          [hop.json(trace.kind, t) for hop, t in zip(trace.hops if trace else [], times)], tshark)


def malformed(name, about, outcome, options, tshark=None, cut=None, payload_len=None):
    write(name, about, packet_lines(options, 6, tcp, 61, payload_len), outcome, tshark=tshark, cut=cut)


def line(count, before=40_000_000, arrival=ARRIVAL, state=None, schema=SCHEMA, **sender):
    """The sender and `count` routers behind it."""
    state = context() if state is None else state
    hops = [Hop(node=1, limit=64, egress=2, time=arrival - before, queue=0, schema=schema, state=state, **sender)]
    for k in range(1, count + 1):
        hops.append(Hop(node=1 + k, limit=64 - k, ingress=2 * k, egress=2 * k + 1, delay=1000 * k + 7,
                        time=arrival - before + 9_000_111 * k, queue=1514 * (k - 1)))
    return hops


def good():
    for k in range(5):
        stamped(f"default-{k}", f"The default stamp with room for 4 hops, {k} of them filled.",
                Trace(line(k), free=6 * (4 - k)))
    for k in range(4):
        stamped(f"room-{k}", f"A stamp with room for {k} hops, none filled.", Trace(line(0), free=6 * k))
    stamped("overflow", "All room taken by one hop, and another router found none: overflow is set.",
            Trace(line(1), flags=8))
    stamped("no-room", "Three words are left where a hop needs six: the next node sets overflow and writes nothing.",
            Trace(line(1), free=3))
    stamped("reply", "A reply: the context was learnt from the peer.",
            Trace(line(1, state=context(attribution=0x80)), free=6), direction="reply")
    stamped("active", "A shadow: RFC 9322's Active flag, and the attribution says so too.",
            Trace(line(1, state=context(attribution=0x40)), free=6, flags=2), shadow=True, tshark="active")
    stamped("shadow-reply", "Shadow of a reply, marked in the attribution alone; more W3C flags than \"sampled\".",
            Trace(line(0, state=context(flags=3, attribution=0xC1)), free=6), shadow=True, direction="reply", flags=3)
    stamped("loopback", "RFC 9322's Loopback flag: nothing that we act on.", Trace(line(1), free=6, flags=4))
    stamped("next-second", "The stamps lie on both sides of a full second; only fractions were sent.",
            Trace(line(2, arrival=1795183332 * SECOND + 10_000_000), free=12), time=1795183332 * SECOND + 10_000_000)
    stamped("not-yet", "The receiver's clock is 0.2 s behind: the stamp is later than the arrival.",
            Trace(line(0, before=-200_000_000)))
    stamped("delay", "A delay longer than 31 bits of ns, and one that is not available.",
            Trace(line(0) + [Hop(node=2, limit=63, ingress=4, egress=5, delay=1 << 31, time=ARRIVAL - 30_000_000),
                             Hop(node=3, limit=62, time=ARRIVAL - 2_000_000, queue=0xFFFFFFFE)]))
    stamped("silent", "Two routers between the hops wrote nothing: the hop limit falls by three.",
            Trace(line(0) + [Hop(node=2, limit=61, ingress=1, egress=2, delay=5, time=ARRIVAL - 1, queue=0)]))
    stamped("udp", "UDP instead of TCP.", Trace(line(1), free=6), protocol=17, transport=udp)
    stamped("icmpv6", "A probe: ICMPv6 has no ports.", Trace(line(1), free=6), protocol=58, transport=echo)
    stamped("no-transport", "Nothing behind the hop-by-hop header (next header 59).", Trace(line(1)), protocol=59,
            transport=nothing)
    identifiers()
    times_and_ids()
    types()
    snapshots()
    others()


def identifier(block, context_type=None):
    """The generic identifier option, with a context type or without."""
    if context_type is None:
        return [(bytes((0x1E, len(block))), f"option: identifier, {len(block)} octets")] + context_lines(block)
    return [(bytes((0x1E, 4 + len(block))), f"option: identifier, {4 + len(block)} octets"),
            (struct.pack("!HH", context_type, 0), f"context type 0x{context_type:04x}")] + context_lines(block)


def identifiers():
    def header(option, trace=None):
        options = option + (trace.lines() if trace else [])
        return options + pad(-(2 + sum(len(o) for o, _ in options)) % 8)

    def plain(count):
        hops = line(count)
        for hop in hops:
            hop.schema = None
        return hops

    kind = bits(0, 1, 3, 4, 6)
    typed, untyped = identifier(context(), 0xFFF0), identifier(context())
    for k in range(3):
        trace = Trace(plain(k), kind=kind, free=5 * (2 - k))
        stamped(f"generic-context-{k}", f"The identifier option with a context type, a trace with {k} hops behind it.",
                trace, header(typed, trace), carrier="generic-context")
        stamped(f"generic-{k}", f"The identifier option without a context type, a trace with {k} hops behind it.",
                trace, header(untyped, trace), carrier="generic")
    stamped("ids-only-context", "The identifier option with a context type, and nothing else.", None, header(typed),
            carrier="generic-context", hop_limit=64, tshark="blind")
    stamped("ids-only", "The identifier option without a context type, and nothing else.", None, header(untyped),
            carrier="generic", hop_limit=64, tshark="blind")
    stamped("ids-only-shadow", "A shadow without a trace: only the attribution says what it is.", None,
            header(identifier(context(attribution=0x40), 0xFFF0)), carrier="generic-context", hop_limit=64, shadow=True,
            tshark="blind")
    stamped("ids-only-reply", "A reply's identifiers over UDP.", None,
            header(identifier(context(attribution=0x80), 0xFFF0)), carrier="generic-context", hop_limit=64,
            direction="reply", protocol=17, transport=udp, tshark="blind")
    trace = Trace(plain(1), kind=kind, free=5)
    stamped("generic-type-other", "Another context type, so another's identifiers: the trace is a record without ids.",
            trace, header(identifier(context(), 0xFFF1), trace), ids=False)
    stamped("generic-version", "A block of version 2: not read.", trace,
            header(identifier(context(version=2), 0xFFF0), trace), ids=False)
    write("ids-only-other", "Another's identifiers alone: no record.",
          packet_lines(header(identifier(context(), 0xFFF1)), 6, tcp, 64), "pass", tshark="blind")


def times_and_ids():
    kind = DEFAULT_TYPE | bits(2)
    stamped("seconds", "Whole seconds too (bit 2), 100 s before the arrival: taken as they are, TAI to UTC.",
            Trace(line(2, before=100 * SECOND), kind=kind))
    mixed = line(1) + [Hop(node=7, limit=62, ingress=3, egress=4, time=ARRIVAL - 5_123_000, queue=4542),
                       Hop(node=9, limit=61, ingress=5, egress=6, time=ARRIVAL - 1_000_001, queue=0)]
    stamped("formats", "PTP, PTP, POSIX (microseconds), NTP (2^-32 s) in one trace: nodes.yaml says which node\n"
            "writes which.", Trace(mixed, kind=kind))
    stamped("formats-fraction", "The same without whole seconds.", Trace(mixed))
    kernel = [Hop(node=6, limit=64, egress=2, queue=0, time=None),
              Hop(node=7, limit=63, ingress=2, egress=3, time=ARRIVAL - 4_321_000, queue=3028)]
    stamped("kernel", "What a stock Linux router writes, and one that encapsulates: POSIX time, queue in octets, no\n"
            "delay; the encapsulating node knows no time.",
            Trace(kernel, kind=bits(*range(12)), namespace=123, free=15), ids=False)
    stamped("queue-raw", "Node 8's queue is in packets, so it is not printed as octets.",
            Trace(line(0) + [Hop(node=8, limit=63, ingress=1, egress=2, delay=3, time=ARRIVAL - 7, queue=12)]))
    nobody = [Hop(node=None, limit=64, time=ARRIVAL - 50_000_000), Hop(node=2, limit=63, time=ARRIVAL - 10)]
    stamped("not-available", "A sender without an id, both without interfaces.",
            Trace(nobody, kind=bits(0, 1, 3, 4, 6)), ids=False)
    wide = [Hop(limit=64, wide=0x1122334455667, egress_wide=70000, time=ARRIVAL - 900),
            Hop(limit=63, wide=2, ingress_wide=0x10001, egress_wide=0x10002, time=ARRIVAL - 400)]
    stamped("wide", "Wide ids and interfaces alone.", Trace(wide, kind=bits(3, 8, 9), free=10), ids=False)
    both = [Hop(node=1, limit=64, wide=11, egress=2, egress_wide=20, time=ARRIVAL - 900),
            Hop(node=2, limit=63, wide=12, ingress_wide=30, time=ARRIVAL - 400)]
    stamped("wide-and-short", "Both widths: the short interface counts where there is one.",
            Trace(both, kind=bits(0, 1, 3, 8, 9)), ids=False)


def types():
    def hops():
        return [Hop(node=1, limit=64, egress=2, egress_wide=2, wide=1, time=ARRIVAL - 2000, queue=100, delay=40),
                Hop(node=2, limit=63, ingress=3, egress=4, ingress_wide=3, egress_wide=4, wide=2, time=ARRIVAL - 1000,
                    queue=200, delay=50)]
    for n in list(range(12)) + [22]:
        kind = bits(n)
        about, tshark = f"Trace type bit {n} alone, two hops, room for one.", None
        if n == 22:
            about += "\ntshark calls a NodeLen of 0 wrong and reads no node, but by RFC 9197 section 4.4.1\n" \
                "NodeLen does not count the snapshot, so here it is 0."
            tshark = "invalid_nodelen blind"
        stamped(f"bit-{n}", about, Trace(hops(), kind=kind, free=2 if n in (8, 9, 10) else 1), ids=False,
                tshark=tshark)
    for n in (12, 21):
        stamped(f"bit-{n}", f"Undefined bit {n} beside ids: each node adds all ones for it.",
                Trace(hops(), kind=bits(0, n), free=2), ids=False)
    stamped("bits-0-11", "Bits 0 to 11.", Trace(hops(), kind=bits(*range(12)), free=15), ids=False)
    stamped("bits-0-11-22", "Bits 0 to 11 and the snapshot, with a context.",
            Trace([Hop(node=1, limit=64, wide=1, egress=2, egress_wide=2, time=ARRIVAL - 70, schema=SCHEMA,
                       state=context())] + hops()[1:], kind=bits(*range(12), 22), free=16))
    stamped("bits-0-21", "All defined and undefined bits: NodeLen 25.",
            Trace(hops(), kind=bits(*range(22)), free=1), ids=False)
    stamped("bits-0-2", "Seconds without a fraction: too coarse for a time.",
            Trace(hops(), kind=bits(0, 2)), ids=False)
    stamped("reserved-bit-23", "The reserved bit 23 adds nothing.", Trace(hops(), kind=bits(0, 3, 23), free=2),
            ids=False)


def snapshots():
    stamped("schema-other", "The sender's snapshot has another schema: no context.",
            Trace(line(1, schema=0x000042), free=6), ids=False)
    stamped("context-version", "A context of version 2: not read.", Trace(line(1, state=context(version=2)), free=6),
            ids=False)
    stamped("context-short", "A snapshot of 6 words under our schema: no context.",
            Trace(line(1, state=context()[:24]), free=6), ids=False)
    busy = line(1)
    busy.append(Hop(node=3, limit=62, ingress=1, egress=2, delay=9, time=ARRIVAL - 77, queue=0, schema=0x000042,
                    state=bytes(range(8))))
    stamped("snapshot-hop", "A router that adds a snapshot of its own.", Trace(busy, free=6))
    stamped("snapshot-context-hop", "Our schema, but from a router: it is not the packet's context.",
            Trace([Hop(node=1, limit=64, time=ARRIVAL - 99),
                   Hop(node=2, limit=63, time=ARRIVAL - 55, schema=SCHEMA, state=context())]), ids=False)


def others():
    def foreign(count=1, **more):
        return Trace([Hop(node=70 + i, limit=64 - i) for i in range(count)], kind=bits(0), namespace=123, **more)

    stamped("namespace-other", "A trace of namespace 123.", foreign(2, free=1), ids=False)
    stamped("namespace-0", "A trace of the default namespace.",
            Trace([Hop(node=70, limit=64)], kind=bits(0), namespace=0), ids=False)
    ours = Trace(line(1), free=6)
    options = fill(foreign(2).lines() + ours.lines())
    stamped("two-traces", "Another namespace's trace stands in front of ours: ours is the record.", ours, options,
            tshark="skip 2")
    options = fill(ours.lines() + foreign(2).lines())
    stamped("two-traces-ours-first", "Another namespace's trace behind ours.", ours, options)
    first = foreign(1)
    options = fill(first.lines() + Trace([Hop(node=80)], kind=bits(0), namespace=124).lines())
    stamped("two-traces-neither", "Two traces, neither ours: the first is the record.", first, options, ids=False)
    broken = foreign(1, node_len=3)
    malformed("two-traces-first-bad", "Another namespace's trace has a wrong NodeLen: Linux drops the packet for it.",
              "bad_node_len", fill(broken.lines() + ours.lines()))
    export = [(bytes((0x11, 10, 0, 4)), "option: IOAM, immutable; direct export"),
              (struct.pack("!HBB", 123, 0, 0), "namespace 123, flags, extension flags"),
              (struct.pack("!I", bits(0) << 8), "trace type")]
    options = fill(export + ours.lines())
    stamped("direct-export", "A direct export option (RFC 9326) in front of the trace.", ours, options)
    proof = [(bytes((0x31, 2, 0, 2)), "option: IOAM, mutable; proof of transit, empty")]
    options = fill(proof + ours.lines())
    stamped("proof-of-transit", "Another IOAM option type under the same option number.", ours, options)
    generic = [(bytes((0x1E, 28)), "option: experiment, 28 octets")] + context_lines(context())
    options = generic + ours.lines()
    options += pad(-(2 + sum(len(o) for o, _ in options)) % 8)
    stamped("experiment", "An experimental option (RFC 4727) in front.", ours, options)
    padding(ours)
    write("empty", "A trace that no node has written to yet: no record.",
          packet_lines(pad(2) + Trace([], free=12).lines(), 6, tcp, 64), "pass")
    options = [(bytes((5, 2, 0, 0)), "option: router alert")]
    write("no-trace", "A hop-by-hop header without a trace.", packet_lines(options + pad(2), 6, tcp, 64), "pass",
          tshark="blind")
    write("no-hop-by-hop", "A plain packet.", [
        (struct.pack("!IHBB", 0x60000000, 24, 6, 64), "IPv6: TCP, hop limit 64"),
        (ipaddress.ip_address(SOURCE).packed, SOURCE),
        (ipaddress.ip_address(DESTINATION).packed, DESTINATION)] + checksum(tcp(), 6), "pass", tshark="blind")


def padding(ours):
    size = sum(len(o) for o, _ in ours.lines())
    tail = -(4 + size) % 8
    stamped("pad1", "Pad1 only, in front and behind.", ours, pad(1) * 2 + ours.lines() + pad(1) * tail)
    stamped("padn-6-front", "A PadN of 6 octets in front of the trace.", ours,
            pad(6) + ours.lines() + pad(-(8 + size) % 8))
    stamped("pad-mixed", "Pad1, PadN and Pad1: 6 octets of padding in a row.", ours,
            pad(1) + pad(4) + pad(1) + ours.lines() + pad(-(8 + size) % 8))
    one = Trace([Hop(node=70, limit=64)], kind=bits(0), namespace=123)  # 16 octets
    stamped("pad-7", "7 octets of padding in a row, the most that Linux accepts.", one,
            pad(2) + one.lines() + [(bytes((0x1E, 3)) + bytes(3), "option: experiment, 3 octets")] + pad(7), ids=False)


def bad():
    ours = Trace(line(1), free=6).lines()
    size = sum(len(o) for o, _ in ours)
    tail = pad(-(4 + size) % 8)
    well = pad(2) + ours + tail
    for name, at in (("ipv6", 20), ("hop-by-hop", 47), ("option", 60), ("node-data", 130)):
        malformed(f"bad-truncated-{name}", f"Cut after {at} octets.", "bad_truncated", well, cut=at)
    malformed("bad-truncated-payload", "The payload length ends in the header, whose rest is then the frame's padding.",
              "bad_truncated", well, payload_len=119)
    malformed("bad-option-len", "An option that reaches beyond its header.", "bad_option_len",
              pad(2) + Trace(line(1), free=6, option_len=250).lines() + tail)
    malformed("bad-option-len-none", "The header's last octet begins an option: no place for its length.",
              "bad_option_len", pad(2) + ours + pad(3) + [(b"\x1e", "an option's type alone")])
    malformed("bad-padding-long", "8 octets of padding in a row.", "bad_padding",
              pad(2) + [(bytes((0x1E, 2, 0, 0)), "option: experiment")] + pad(8) + ours
              + pad(-(16 + size) % 8))
    malformed("bad-padding-pad1", "Ten Pad1 in a row.", "bad_padding",
              pad(1) * 10 + ours + pad(-(12 + size) % 8))
    malformed("bad-padding-data", "A PadN whose octets are not zero.", "bad_padding",
              pad(6, fill=1) + ours + pad(-(8 + size) % 8))
    malformed("bad-option-count", "Nine options: Linux stops at eight.", "bad_option_count",
              pad(2) + [(bytes((0x1E, 2, 0, 0)), "option: experiment")] * 8 + ours + pad(-(36 + size) % 8))
    malformed("bad-option-steps", "25 options and paddings by turns: more than any sender needs.", "bad_option_count",
              (pad(1) * 5 + [(bytes((0x1E, 1, 0)), "option: experiment")]) * 5 + pad(6))
    malformed("bad-alignment", "A trace that does not start at a multiple of 4.", "bad_alignment",
              ours + pad(-(2 + size) % 8))
    malformed("bad-trace-len-ioam", "An IOAM option without its type.", "bad_trace_len",
              pad(2) + [(bytes((0x31, 1, 0)), "option: IOAM, length 1")] + pad(1), tshark="invalid_remlen")
    malformed("bad-trace-len-header", "A trace shorter than its header.", "bad_trace_len",
              pad(2) + [(bytes((0x31, 6, 0, 0)), "option: IOAM, mutable; length 6; pre-allocated trace"),
                        (bytes((0x68, 0x73, 0x28, 0)), "namespace, NodeLen")] + pad(4),
              tshark="invalid_remlen")
    odd = Trace([], kind=bits(0), tail=bytes(6)).lines()
    malformed("bad-trace-len-words", "Data that is not a whole number of words.", "bad_trace_len",
              pad(2) + odd + pad(-(4 + 18) % 8))
    malformed("bad-node-len", "NodeLen 6 where the trace type makes 5.", "bad_node_len",
              pad(2) + Trace(line(1), free=6, node_len=6).lines() + tail, tshark="invalid_type")
    malformed("bad-node-len-snapshot", "NodeLen counts the snapshot's header: RFC 9197 leaves it out.", "bad_node_len",
              pad(2) + Trace([Hop(node=1)], kind=bits(0, 22), node_len=2).lines() + pad(-(4 + 20) % 8),
              tshark="invalid_type")
    malformed("bad-node-len-0", "NodeLen 0.", "bad_node_len", pad(2) + Trace(line(1), free=6, node_len=0).lines()
              + tail, tshark="invalid_nodelen")
    malformed("bad-remaining-len", "RemainingLen beyond the option.", "bad_remaining_len",
              pad(2) + Trace(line(0), remaining=100).lines() + pad(4), tshark="invalid_remlen")
    malformed("bad-node-data-rest", "Two words behind the last node where five make a hop.", "bad_node_data",
              pad(2) + Trace(line(1)[1:], kind=bits(0, 1, 3, 4, 6), tail=bytes(8)).lines() + pad(4))
    lines = Trace([Hop(node=1, limit=64, schema=0x42, state=bytes(8))], kind=bits(0, 22)).lines()
    lines[4] = (bytes((3, 0, 0, 0x42)), "hop 0: snapshot: 3 words, but 2 are left")
    malformed("bad-node-data-snapshot", "A snapshot longer than what is left of the option.", "bad_node_data",
              pad(2) + lines + pad(-(4 + 28) % 8))
    malformed("bad-node-data-type-0", "A trace type without fields, and data nonetheless.", "bad_node_data",
              pad(2) + Trace([], kind=0, tail=bytes(4)).lines() + pad(4), tshark="invalid_nodelen")


if __name__ == "__main__":
    for old in os.listdir(HERE):
        if old.endswith(".txt"):
            os.unlink(os.path.join(HERE, old))
    good()
    bad()
