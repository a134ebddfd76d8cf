# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""TCP and UDP with contexts through devices that stand on others: stacked.sh says which.

    stacked.py server                                  echoes datagrams; says "listens"
    stacked.py client HOPSPAN PHASE SUMS PLAN < TABLE  a line of TABLE: kind, address, where it must be stamped ("-":
                                                       nowhere), what must be counted, its MTU; SUMS: "off" where
                                                       no checksum is left to a device below
    stacked.py judge FRAMES CLIENT SERVER PLAN...      FRAMES: what tshark reads of the server's capture of all devices;
                                                       CLIENT, SERVER: their devices as `ip -j link` prints them
"""

import collections
import json
import socket
import struct
import sys
import tempfile

import shadow_judge
import writes
import writes_judge

UDP_PORT, IPV6_MTU = 7100, 24
IPV6_UDP, HEADER_MIN = 48, 72  # the header of a host without room for any other node
SLL2 = 20  # octets of the cooked link layer before a captured packet
UNKNOWN = 0xFFFFFFFF
SUMS_GOOD = ("1", "Good")
ROUTE_LOST = ("vlan", "bond")

# Requests that fit, one as long as the path carries, an offloaded one; each alone on its way.
WORDS = "connect A 100 acked B 1000 acked C brim acked D 14280 acked E 10 acked"
STAMPED = "A B c d E"

Frame = collections.namedtuple("Frame", "device len plen data active interface queue tcp udp checksum")


class Stream(writes.Case):
    def brim(self):
        """As many octets as TCP puts into one segment."""
        self.written(self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG), self.socket.sendall)


def stream(number, address):
    case = Stream(number, address, 7000)
    for word in WORDS.split():
        case.word(word)
    source = case.socket.getsockname()[1]
    case.end()
    return f"{source},7000", case.contexts


def datagrams(number, address):
    """One that has room, one that has room for a header without hops, one that has none: their spans."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.settimeout(20)
    sock.connect((address, UDP_PORT))
    mtu, spans = sock.getsockopt(socket.IPPROTO_IPV6, IPV6_MTU), []
    for letter, octets in (("x", 100), ("y", mtu - IPV6_UDP - HEADER_MIN), ("z", mtu - IPV6_UDP)):
        span = struct.pack("!Q", number << 16 | ord(letter))
        sock.setsockopt(writes.LEVEL, writes.CONTEXT, struct.pack("!BB6x16s8s", 1, 1, writes.TRACE, span))
        data = span + bytes(octets - len(span))
        sock.send(data)
        try:
            if sock.recv(1 << 16) != data:
                sys.exit(f"{address}: another datagram came back")
        except TimeoutError:
            sys.exit(f"{address}: no datagram of {octets} octets came back")
        spans.append(span.hex())
    return spans[:2]


def client(hopspan, phase, sums, plan):
    done, before = [], writes.counters(hopspan)
    for index, line in enumerate(sys.stdin):
        kind, address, where, why, mtu = line.split()
        number = int(phase) << 6 | index + 1
        ports, contexts = stream(number, address)
        print(kind, end=" ", flush=True)
        spans = datagrams(number, address)
        after = writes.counters(hopspan)
        moved = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}
        before = after
        done.append({"kind": kind, "where": where, "why": why, "mtu": int(mtu), "ports": ports, "contexts": contexts,
                     "spans": spans, "moved": moved, "finished": sums == "off"})
    print()
    with open(plan, "w", encoding="ascii") as file:
        json.dump(done, file)


def server():
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.bind(("::", UDP_PORT))
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    print("listens", flush=True)
    while True:
        data, to, _, peer = sock.recvmsg(1 << 16, 64)
        address = to[0][2][:16] + bytes(4)  # answers come from where it went to, by any device
        sock.sendmsg([data], [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, address)], 0, peer)


def last(values, base=10):
    """Of a field that a packet within a packet has twice, the inner one's."""
    return int(values.split(",")[-1], base) if values else None


def frames_read(path):
    with open(path, encoding="ascii") as file:
        for line in file:
            (device, length, plen, data, active, interface, queue, source, port, seq, octets, syn, tcp_sum,
             udp_sum, payload) = line.rstrip("\n").split("\t")
            yield Frame(int(device), int(length) - SLL2, last(plen), data.split(",")[-1].replace(":", ""), active,
                        last(interface, 0), last(queue, 0),
                        (f"{source},{port}", "\t".join((data.split(",")[-1], seq, octets, active, syn)))
                        if source else None,
                        "" if source else payload.split(",")[-1].replace(":", ""),
                        (tcp_sum or udp_sum).split(",")[-1])


def segments_of(frames, ports):
    """A connection's segments where they are seen first: on the lowest device."""
    mine = [frame for frame in frames if frame.tcp and frame.tcp[0] == ports]
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
        file.writelines(frame.tcp[1] + "\n" for frame in mine if frame.device == mine[0].device)
        file.flush()
        return shadow_judge.read_segments(file.name)


def judge_frame(frame, case, interfaces, server_mtus):
    """A stamped packet on any device."""
    if frame.plen + 40 > case["mtu"] or frame.len > server_mtus[frame.device]:
        yield f"{frame.plen + 40} octets, {frame.len} on the wire, with an MTU of {case['mtu']}"
    if frame.interface != interfaces[case["where"]]:
        yield f"stamped on interface {frame.interface}, not on {case['where']}"
    below = case["where"].startswith("eth")
    if case["kind"] != "tun" and frame.queue != (0 if below else UNKNOWN):
        yield f"a queue of {frame.queue:#x} on {case['where']}"
    if case["finished"] and frame.checksum not in SUMS_GOOD:
        yield f"a wrong checksum ({frame.checksum})"


def spans_wanted(case):
    """Below a device that takes the route from its packets, datagrams grow up to the least MTU of IPv6 alone."""
    if case["where"] == "-":
        return []
    return case["spans"][:1] if case["kind"] in ROUTE_LOST and case["where"].startswith("eth") else case["spans"]


def judge_datagrams(case, stamped):
    """Each once on the devices that it is seen on, and on the one that had it first."""
    seen = collections.Counter((frame.device, frame.data[32:48]) for frame in stamped if frame.udp)
    yield from (f"datagram {span} stamped {number} times" for (_, span), number in seen.items() if number > 1)
    yield from (f"datagram {frame.udp[:16]} with {frame.data[32:48]}" for frame in stamped
                if frame.udp and frame.udp[:16] != frame.data[32:48])
    wanted = spans_wanted(case)
    if {span for _, span in seen} != set(wanted):
        yield f"datagrams stamped: {sorted(span for _, span in seen)}, not {wanted}"


def judge_counters(case, stamps):
    moved = case["moved"]
    if case["where"] == "-":
        if any(name.startswith("stamped_") for name in moved):
            yield "counted as stamped"
    else:
        shadows = sum(shadow for _, _, (_, shadow) in stamps)
        if moved.get("stamped_shadow", 0) != shadows:
            yield f"{shadows} shadows in the capture"
        alone = len(stamps) - shadows + len(spans_wanted(case))
        if moved.get("stamped_in_place", 0) + moved.get("stamped_clone", 0) != alone:
            yield f"{alone} packets stamped in the capture"
    if case["why"] != "-" and not moved.get(case["why"], 0):
        yield f"{case['why']} did not move"


def judge_case(case, frames, interfaces, server_mtus):
    serial = {f"{span:016x}" for span, _, _ in case["contexts"]} | set(case["spans"])
    stamped = [frame for frame in frames if frame.data[32:48] in serial]
    segments = segments_of(frames, case["ports"])
    stamps = [one for one in segments if one[2]]
    letters = " ".join(writes_judge.stamps_of(segments))
    if case["where"] == "-":
        yield from (f"stamped: {frame}" for frame in stamped)
    else:
        yield from shadow_judge.judge(writes_judge.plan_of(case), segments)[0]
        if letters != STAMPED:
            yield f"stamped {letters or 'nothing'}, not {STAMPED}"
    for frame in stamped:
        if case["where"] != "-":
            yield from judge_frame(frame, case, interfaces, server_mtus)
    yield from judge_datagrams(case, stamped)
    yield from judge_counters(case, stamps)


def judge(frames_path, client_links, server_links, *plans):
    frames = list(frames_read(frames_path))
    with open(client_links, encoding="ascii") as file:
        interfaces = {link["ifname"]: link["ifindex"] for link in json.load(file)}
    with open(server_links, encoding="ascii") as file:
        mtus = {link["ifindex"]: link["mtu"] for link in json.load(file)}
    bad = count = 0
    for plan in plans:
        with open(plan, encoding="ascii") as file:
            cases = json.load(file)
        for case in cases:
            wrong = list(judge_case(case, frames, interfaces, mtus))
            print(f"{'WRONG' if wrong else 'ok':6}{plan.rsplit('/', 1)[-1]:24}{case['kind']:16}"
                  f"stamped: {case['where']:8}bare: {case['why']}")
            if wrong:
                print(*(f"      {one}" for one in wrong[:9]), f"      moved: {case['moved']}", sep="\n")
            bad, count = bad + bool(wrong), count + 1
    print(f"{count} cases, {bad} wrong")
    return bool(bad or not count)


if __name__ == "__main__":
    sys.exit({"server": server, "client": client, "judge": judge}[sys.argv[1]](*sys.argv[2:]))
