# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What depth.sh needs.

    depth.py send ADDRESS NETNS BURSTS PACKETS    bursts of datagrams to NETNS, with room for a node in the trace of each
    depth.py judge BEFORE AFTER RATE [shared]     what they say of a queue in between that leaves at RATE bit/s, against
                                                  Ethernet captures with ns at either side of it. shared: by workers,
                                                  of whom one may not have run while packets came that the other counts
"""
import bisect
import ctypes
import os
import select
import socket
import struct
import sys

PORT, NAMESPACE = 7411, 0x6873
PAYLOAD_LEN = 1000
FLOWS = 8
OPTIONS_LEN, NODE_LEN = 64, 24
NODE_AT = 14 + 40 + OPTIONS_LEN - NODE_LEN  # of the one hop that there is: the last in the trace
PAYLOAD_AT = 14 + 40 + OPTIONS_LEN + 8
LATE_NS, SHARE = 20_000, 0.05
WITHIN = 0.97  # of the packets; the machine has other things to do while one of the rest arrives
QUIET_S, RCVBUFFORCE = 0.5, 33
CREDIT_NS = 200_000  # by which a rate may be ahead after a pause


def sockets(address):
    """Several flows, so that there is work for several workers."""
    trace = struct.pack(">HHI", NAMESPACE, 6 << 11 | 12, 0xFA0000 << 8) + bytes(2 * NODE_LEN)
    header = bytes([0, OPTIONS_LEN // 8 - 1, 1, 0, 0x31, 2 + len(trace), 0, 0]) + trace
    for flow in range(FLOWS):
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, header)
        sock.connect((address, PORT + flow))
        yield sock


def receivers(netns):
    """Sockets in another network namespace: this process is in it for that long."""
    own, other = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{netns}", os.O_RDONLY)
    setns = ctypes.CDLL(None, use_errno=True).setns
    setns(other, 0)
    for flow in range(FLOWS):
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, RCVBUFFORCE, 1 << 22)
        sock.bind(("::", PORT + flow))
        yield sock
    setns(own, 0)


def send(address, netns, bursts, packets):
    """Each burst when the one before has come through, as far as it does."""
    flows, ends, serial = list(sockets(address)), list(receivers(netns)), 0
    for _ in range(int(bursts)):
        for _ in range(int(packets)):
            flows[serial % FLOWS].send(struct.pack(">I", serial) + bytes(PAYLOAD_LEN - 4))
            serial += 1
        left = int(packets)
        while left and (ready := select.select(ends, [], [], QUIET_S)[0]):
            for sock in ready:
                sock.recv(PAYLOAD_LEN)
                left -= 1


def capture(path):
    """Serial number to (time, frame's length, its beginning)."""
    packets = {}
    with open(path, "rb") as file:
        octets = file.read()
    if struct.unpack_from("<I", octets) != (0xA1B23C4D,):
        sys.exit(f"{path}: no capture with ns")
    at = 24
    while at < len(octets):
        seconds, ns, kept, length = struct.unpack_from("<IIII", octets, at)
        frame = octets[at + 16 : at + 16 + kept]
        at += 16 + kept
        (serial,) = struct.unpack_from(">I", frame, PAYLOAD_AT)
        packets[serial] = (seconds * 10**9 + ns, length, frame)
    return packets


def spread(values):
    values = sorted(values)
    return [values[min(len(values) - 1, int(share * len(values)))] for share in (0.5, 0.9, 0.99, 1)]


def sums(times_lengths):
    """Times in order, and how many octets there were before each of them and after the last."""
    times, before = [], [0]
    for when, length in sorted(times_lengths):
        times.append(when)
        before.append(before[-1] + length)
    return times, before


def depths_captured(before, after):
    """What each packet that came through met: all that came before it and had not left."""
    come = sums((before[serial][0], before[serial][1]) for serial in after)
    left = sums((after[serial][0], after[serial][1]) for serial in after)
    for serial in after:
        when = before[serial][0]
        yield serial, come[1][bisect.bisect_left(come[0], when)] - left[1][bisect.bisect_right(left[0], when)]


def rate_seen(after, rate):
    """The most that left in any 10 ms beyond the credit, as a share of the rate."""
    times, before = sums((when, length) for when, length, _ in after.values())
    most = 0
    for first, when in enumerate(times):
        last = bisect.bisect_right(times, when + 10_000_000) - 1
        most = max(most, before[last] - before[first])
    return most * 8 / (rate * (10_000_000 + CREDIT_NS) / 1e9)


def judge(before_path, after_path, rate, shared=None):
    before, after = capture(before_path), capture(after_path)
    if set(after) - set(before):
        sys.exit("the capture before lacks packets")
    said = {serial: struct.unpack_from(">II", frame, NODE_AT + 16) for serial, (_, _, frame) in after.items()}
    captured = dict(depths_captured(before, after))
    depth_off = [said[serial][1] - captured[serial] for serial in after]
    allowed = [max(after[serial][1], SHARE * captured[serial]) for serial in after]
    delay_off = [said[serial][0] - (after[serial][0] - before[serial][0]) for serial in after]
    within = sum(abs(off) <= most for off, most in zip(depth_off, allowed)) / len(after)
    most = rate_seen(after, int(rate))
    print(f"{len(before)} packets, {len(after)} came through, depth up to {max(captured.values())} octets")
    print(f"{'':24}{'p50':>10}{'p90':>10}{'p99':>10}{'max':>10}")
    for what, values in (("depth captured", captured.values()), ("depth off by, octets", map(abs, depth_off)),
                         ("delay off by, ns", map(abs, delay_off))):
        print(f"{what:24}" + "".join(f"{value:10}" for value in spread(values)))
    print(f"{within:.2%} of the depths within a packet or {SHARE:.0%}; at most {most:.3f} of the rate in 10 ms")
    if max(captured.values()) < 20 * PAYLOAD_LEN:
        sys.exit("there was no queue to speak of")
    if (within < WITHIN and not shared) or spread(map(abs, delay_off))[0] > LATE_NS or most > 1 + SHARE:
        sys.exit("depth, delay or rate")


if __name__ == "__main__":
    {"send": send, "judge": judge}[sys.argv[1]](*sys.argv[2:])
