#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Cycles per packet of the DPDK forwarder, packets from a capture copied afresh each time (net_pcap, infinite_rx), to
a port that takes and forgets them (net_null).

    dpdk.py ROUNDS MILLISECONDS         prints one JSON object per row

One forwarder for each kind of packet; they take turns, the others are stopped. All packets are the same octets but
for what decides: next header TCP instead of hop-by-hop (plain), overflow flag set (full), room for three hops. Cycles
are the process's CPU time by the rate of the time stamp counter; counters of the interval prove what was done.
"""
import json
import os
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FORWARDER = os.path.join(HERE, "../../build/hopspan-dpdk")
VECTOR = os.path.join(HERE, "../vectors/room-3.txt")
NEXT_HEADER_AT, FLAGS_AT = 14 + 6, 14 + 40 + 4 + 4 + 3
PACKETS = 64  # in a capture
KINDS = {  # kind: what each packet of it must be counted as
    "plain": ["pass"],
    "plain again": ["pass"],
    "full": ["overflowed"],
    "room": ["appended", "completed"],
}


def frame(kind):
    text = "".join(line.split("#")[0] for line in open(VECTOR, encoding="utf-8"))
    octets = bytearray(bytes(12) + b"\x86\xdd" + bytes.fromhex(text))
    if kind.startswith("plain"):
        octets[NEXT_HEADER_AT] = 6
    if kind == "full":
        octets[FLAGS_AT - 1] |= 0x04  # the highest of the four flags, behind NodeLen
    return bytes(octets)


def capture(path, kind):
    octets = frame(kind)
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for _ in range(PACKETS):
            out.write(struct.pack("<IIII", 0, 0, len(octets), len(octets)) + octets)


def ticks_per_ns():
    """Linux reports twice the counter's rate as BogoMIPS where it is constant."""
    return float(re.search(r"bogomips\s*: ([0-9.]+)", open("/proc/cpuinfo", encoding="utf-8").read()).group(1)) / 2000


class Forwarder:
    def __init__(self, folder, kind):
        path = os.path.join(folder, kind.replace(" ", "-"))
        capture(path + ".pcap", kind)
        self.kind = kind
        with open(path + ".log", "wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", "1", FORWARDER, "node-id", "7", "busy", "--",
                 "--vdev", f"net_pcap0,rx_pcap={path}.pcap,infinite_rx=1", "--vdev", "net_null0,no-rx=1"], stderr=log)
        self.clock = (~self.process.pid << 3) | 2  # its CPU time: CPUCLOCK_SCHED
        self.log = path + ".log"
        self.telemetry = self.connect()
        self.wait_for_packets()
        self.stop()

    def connect(self):
        door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = f"/var/run/dpdk/hopspan-dpdk-{self.process.pid}/dpdk_telemetry.v2"
        for _ in range(600):
            try:
                door.connect(path)
                door.recv(4096)
                return door
            except OSError:
                if self.process.poll() is not None:
                    sys.exit("dpdk.py: " + open(self.log, encoding="utf-8").read())
                time.sleep(0.05)
        sys.exit("dpdk.py: the forwarder does not answer")

    def wait_for_packets(self):
        for _ in range(600):
            counters = self.counters()[1]  # None until it serves them
            if counters and counters["forwarded"]:
                return
            time.sleep(0.05)
        sys.exit("dpdk.py: no packets are forwarded")

    def counters(self):
        self.telemetry.send(b"/hopspan/counters")
        return time.clock_gettime_ns(self.clock), json.loads(self.telemetry.recv(65536))["/hopspan/counters"]

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def end(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait()

    def measure(self, seconds):
        """CPU ns per packet over an interval; exits if the packets were not what they should have been."""
        self.process.send_signal(signal.SIGCONT)
        time.sleep(seconds / 10)
        before_ns, before = self.counters()
        time.sleep(seconds)
        after_ns, after = self.counters()
        self.stop()
        forwarded = after["forwarded"] - before["forwarded"]
        for name in KINDS[self.kind]:
            # A burst may lie between counting it in and out.
            if not forwarded or abs(after[name] - before[name] - forwarded) > 1024:
                sys.exit(f"dpdk.py: {self.kind}: {forwarded} forwarded, {after[name] - before[name]} {name}")
        if after["drop_queue_full"] != before["drop_queue_full"]:
            sys.exit(f"dpdk.py: {self.kind}: packets were dropped")
        return (after_ns - before_ns) / forwarded, forwarded


def quartiles(values):
    values = sorted(values)
    low, high = values[len(values) // 4], values[-1 - len(values) // 4]
    return [round(low, 2), round(statistics.median(values), 2), round(high, 2)]


def row(what, cycles, kind, base, packets, target=None):
    def differences(of, to):
        return [a - b for a, b in zip(cycles[of], cycles[to])]
    result = {
        "what": what, "base": base, "unit": "cycles", "more": quartiles(differences(kind, base)),
        "base_value": quartiles(cycles[base]), "noise": quartiles(differences("plain again", "plain")),
        "rounds": len(cycles[kind]), "packets": packets[kind], "proof": "counters equal, none dropped",
        "of_plain": round(statistics.median(p / c for c, p in zip(cycles[kind], cycles["plain"])), 3),
        "frame_len": len(frame(kind)),
    }
    if target:
        result["target"] = target
    print(json.dumps(result))


def main():
    rounds, seconds = int(sys.argv[1]), int(sys.argv[2]) / 1000
    rate = ticks_per_ns()
    forwarders = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for kind in KINDS:
                forwarders.append(Forwarder(folder, kind))
            cycles, packets = {kind: [] for kind in KINDS}, dict.fromkeys(KINDS, 0)
            for number in range(rounds):
                for forwarder in forwarders if number % 2 else reversed(forwarders):
                    ns, forwarded = forwarder.measure(seconds)
                    cycles[forwarder.kind].append(ns * rate)
                    packets[forwarder.kind] += forwarded
        finally:
            for forwarder in forwarders:
                forwarder.end()
    row("dpdk forward, full trace: parse only", cycles, "full", "plain", packets)
    row("dpdk forward, append, time once a burst", cycles, "room", "full", packets, 15)
    row("dpdk forward, append, all of it", cycles, "room", "plain", packets)


if __name__ == "__main__":
    main()
