# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Stamps beside the system's clock, which is stepped, slewed and told of leap seconds meanwhile.

    clock.py send ADDRESS NAMESPACE SENT       a datagram every 10 ms, from here to ADDRESS in NAMESPACE
    clock.py judge SENT DECODED                SENT: a line each; DECODED: what `hopspan decode` makes of them

A stamp is right if it lies between UTC as read before the datagram was sent and after it came. Of those sent within
100 ms of a step the ones with the offset of before are off by the step, and no other is off.
"""

import ctypes
import json
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "e2e"))
from shadow import set_context  # noqa: E402 (found by the line before)

CLONE_NEWNET = 0x40000000
ADJ_FREQUENCY, ADJ_TAI, ADJ_SETOFFSET, PPM = 0x0002, 0x0080, 0x0100, 1 << 16
REFRESH_NS, PAUSE, PACKETS = 100_000_000, 0.01, 25
NODES = {1: "client", 2: "r1"}


class Timex(ctypes.Structure):
    _fields_ = [("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
                ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long), ("status", ctypes.c_int),
                ("constant", ctypes.c_long), ("precision", ctypes.c_long), ("tolerance", ctypes.c_long),
                ("time_s", ctypes.c_long), ("time_us", ctypes.c_long), ("rest", ctypes.c_long * 32)]


def adjtimex(modes, **fields):
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(Timex(modes=modes, **fields))) < 0:
        sys.exit(f"adjtimex: {os.strerror(ctypes.get_errno())}")


def step(seconds):
    adjtimex(ADJ_SETOFFSET, time_s=seconds)


EVENTS = (
    ("nothing", lambda: None, 0),
    ("step by +1 s", lambda: step(1), 1),
    ("step by -1 s", lambda: step(-1), -1),
    ("slew by +500 ppm", lambda: adjtimex(ADJ_FREQUENCY, freq=500 * PPM), 0),
    ("slew by -500 ppm", lambda: adjtimex(ADJ_FREQUENCY, freq=-500 * PPM), 0),
    ("the kernel told of 37 s", lambda: adjtimex(ADJ_TAI, constant=37), 0),
    ("step by +1 s, told", lambda: step(1), 1),
    ("told of none", lambda: adjtimex(ADJ_TAI, constant=0), 0),
)


def receiver(namespace):
    """A socket of that namespace, and back."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.setns(there, CLONE_NEWNET)
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.bind(("::", 7000))
    sock.settimeout(20)
    libc.setns(here, CLONE_NEWNET)
    return sock


def send(address, namespace, path):
    there, sock = receiver(namespace), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    with open(path, "w", encoding="ascii") as file:
        for event, (_, happen, _) in enumerate(EVENTS):
            begin = None
            for number in range(2 * PACKETS):
                if number == PACKETS:
                    happen()
                    begin = time.monotonic_ns()
                span = event << 16 | number + 1
                set_context(sock, span)
                # CLOCK_REALTIME, as CLOCK_TAI is told and untold of leap seconds here; decode counts from 1970 as well
                mono, before = time.monotonic_ns(), time.time_ns()
                sock.sendto(b"stamped", (address, 7000))
                there.recv(100)
                since = mono - begin if begin else -1
                print(f"{span:016x}", event, since, before, time.time_ns(), file=file)
                time.sleep(PAUSE)
    adjtimex(ADJ_FREQUENCY, freq=0)


def off_by(stamp, before, after):
    return stamp - before if stamp < before else max(stamp - after, 0)


def judge(sent_path, decoded_path):
    with open(decoded_path, encoding="ascii") as file:
        decoded = {packet["span_id"]: packet["hops"] for packet in map(json.loads, file)}
    rows, wrong = {}, []
    with open(sent_path, encoding="ascii") as file:
        for line in file:
            span, *numbers = line.split()
            event, since, before, after = map(int, numbers)
            hops = {hop["node"]: hop["time_unix_ns"] for hop in decoded[span]}
            for node, name in NODES.items():
                off = off_by(hops[node], before, after)
                row = rows.setdefault((event, name), [0, 0, 0, 0])
                row[0] += 1
                row[1] = max(row[1], after - before)
                stepped = EVENTS[event][2] * 10**9
                if off and 0 <= since < REFRESH_NS and abs(off + stepped) <= after - before:
                    row[2] += 1
                    row[3] = max(row[3], since)
                elif off:
                    wrong.append(f"{EVENTS[event][0]}: {name} is off by {off} ns, {since} ns after it")
    for (event, name), (count, width, old, last) in sorted(rows.items()):
        print(f"{EVENTS[event][0]:26}{name:8}{count:4} stamps, read within {width / 1e6:.1f} ms or less, "
              f"{old} with the offset before" + (f", the last {last / 1e6:.0f} ms after it" if old else ""))
    print(*wrong[:10], f"{len(wrong)} wrong", sep="\n")
    return bool(wrong or len(rows) != len(EVENTS) * len(NODES))


if __name__ == "__main__":
    sys.exit({"send": send, "judge": judge}[sys.argv[1]](*sys.argv[2:]))
