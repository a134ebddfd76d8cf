#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Compares what a stack made with what came out behind a sink, as tshark reads both captures.

    identity_judge.py BEFORE.pcap BEHIND.pcap PORT=packets|streams[/unfinished]...

packets: each flow is the same packets in the same order, every field of them, checksums included. streams: packets were
cut or merged, so each flow is the same octets under the same set of headers, of which those fields are compared that a
cut copies and that keep a merge from happening. Checksums are right in both captures; in the first one alone where they
are unfinished, as a veth leaves them that was to finish them.
"""
import subprocess
import sys
from collections import defaultdict

# All octets of a packet without extension headers, from the traffic class on.
FLOW = ("ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport")
NETWORK = ("ipv6.tclass", "ipv6.flow", "ipv6.hlim", "ipv6.nxt")
SEGMENT = ("tcp.ack_raw", "tcp.window_size_value", "tcp.urgent_pointer", "tcp.options", "tcp.hdr_len")
REST = ("ipv6.version", "ipv6.plen", "tcp.seq_raw", "tcp.flags", "tcp.checksum", "udp.length", "udp.checksum")
PAYLOAD = ("tcp.payload", "udp.payload")
STATUS = ("tcp.checksum.status", "udp.checksum.status")
EXTENSIONS = ("ipv6.hopopts", "ipv6.reassembled.length")
FIELDS = FLOW + NETWORK + SEGMENT + REST + PAYLOAD + STATUS + EXTENSIONS
OPTIONS = ("tcp.check_checksum:TRUE", "udp.check_checksum:TRUE", "tcp.relative_sequence_numbers:FALSE",
           "tcp.analyze_sequence_numbers:FALSE", "tcp.desegment_tcp_streams:FALSE", "ipv6.defragment:TRUE")
SYN_FIN = 3


def packets(path, ports):
    """Of each flow in order: a dict of the fields that a packet has."""
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-Y", "(tcp || udp) && !icmpv6"]
    for option in OPTIONS:
        command += ["-o", option]
    for protocol in "tcp", "udp":
        for port in ports:
            command += ["-d", f"{protocol}.port=={port},data"]
    for field in FIELDS:
        command += ["-e", field]
    flows = defaultdict(list)
    read = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in read.stdout.splitlines():
        packet = dict(zip(FIELDS, line.split("\t")))
        if packet["tcp.dstport"] in ports or packet["udp.dstport"] in ports:
            flows[tuple(packet[name] for name in FLOW)].append(packet)
    return flows


def pick(packet, names):
    return tuple(packet[name] for name in names)


def sequence(packet):
    return int(packet["tcp.seq_raw"])


def stream(flow):
    """The octets, of TCP by their sequence numbers; and the ends of it, which have a number too."""
    if not flow[0]["tcp.seq_raw"]:
        return "".join(packet["udp.payload"] for packet in flow), ()
    first = sequence(flow[0])
    octets, ends = [], set()
    for packet in flow:
        at = (sequence(packet) - first) % (1 << 32)
        payload = packet["tcp.payload"]
        flags = int(packet["tcp.flags"], 16)
        if flags & SYN_FIN:
            ends.add((at + len(payload) // 2, flags & SYN_FIN))
        if payload:
            octets.append((at, payload))
    return joined(octets), ends


def joined(octets):
    """What was sent again must be what was sent; the SYN has number 0."""
    whole = ""
    for at, payload in sorted(octets):
        start = 2 * (at - 1)
        known = len(whole) - start
        if known < 0:
            sys.exit(f"octets are missing before {at}")
        if whole[start : start + len(payload)] != payload[:known]:
            sys.exit(f"octets at {at} differ from those sent before")
        whole += payload[known:]
    return whole


def headers(flow):
    return {pick(packet, NETWORK + SEGMENT) for packet in flow}


def packets_compare(flow, before, behind):
    """Where a datagram is cut into fragments is the stack's choice each time; it is compared whole."""
    for number, (one, other) in enumerate(zip(before, behind), 1):
        for name in FIELDS:
            if one[name] != other[name] and not (name == "ipv6.plen" and one["ipv6.reassembled.length"]):
                sys.exit(f"{flow}: packet {number}: {name} was {one[name]}, is {other[name]}")
    if len(before) != len(behind):
        sys.exit(f"{flow}: {len(before)} packets before, {len(behind)} behind")


def streams_compare(flow, before, behind):
    one, other = stream(before), stream(behind)
    if one != other:
        sys.exit(f"{flow}: {len(one[0]) // 2} octets before, ends {one[1]}; {len(other[0]) // 2} behind, {other[1]}")
    if headers(before) != headers(behind):
        sys.exit(f"{flow}: headers that are not in both: {headers(before) ^ headers(behind)}")


def checksums_hold(where, flow, all_of_it):
    for number, packet in enumerate(all_of_it, 1):
        if pick(packet, STATUS) not in (("1", ""), ("", "1")):
            sys.exit(f"{where}: {flow}: packet {number}: checksum status {pick(packet, STATUS)}")


def nothing_of_ours(flows):
    for flow, all_of_it in flows.items():
        for number, packet in enumerate(all_of_it, 1):
            if packet["ipv6.hopopts"]:
                sys.exit(f"{flow}: packet {number} behind the sink has a hop-by-hop header")


def main():
    how = dict(port.split("=") for port in sys.argv[3:])
    before, behind = (packets(path, how) for path in sys.argv[1:3])
    nothing_of_ours(behind)
    if before.keys() != behind.keys() or len(before) != 2 * len(how):
        sys.exit(f"{len(before)} flows before, {len(behind)} behind: {before.keys() ^ behind.keys()}")
    for flow in before:
        compared, _, unfinished = how[flow[3] or flow[5]].partition("/")
        {"packets": packets_compare, "streams": streams_compare}[compared](flow, before[flow], behind[flow])
        checksums_hold("before", flow, before[flow])
        if not unfinished:
            checksums_hold("behind", flow, behind[flow])
    counts = [sum(map(len, flows.values())) for flows in (before, behind)]
    print(f"{len(before)} flows, {counts[0]} packets before, {counts[1]} behind")


if __name__ == "__main__":
    main()
