#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Cycles per packet of the DPDK forwarder, packets from a capture copied afresh each time (net_pcap, infinite_rx), to
a port that takes and forgets them (net_null), and of dpdk-testpmd beside it.

    dpdk.py ROUNDS MILLISECONDS         prints one JSON object per row

Frames of 64, 256 and 1500 octets, with pages of 2 MB and without. A trace does not fit into 64 octets: there, tagged
frames are those of 64 with the default header in front of UDP, 232. A kind of packets and its base are the same octets
in the same memory of the same process but for what decides: next header UDP instead of hop-by-hop (untagged), overflow
flag set (full), room for four hops. forwarder.c changes that between two measurements; it also leaves the transit step
out ("forward") or has the time read for each packet. Cycles are the process's CPU time by the rate of the time stamp
counter. Before they are counted the same frames go from capture to capture, and tshark reads them.
"""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from dpdk_frames import HEADER_LEN, NODE_ID, PACKETS, TAGGED_LEN_MIN, capture_write, frames, full, wrong

FORWARDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/tests/bench/forwarder")
HUGE_PAGES = "/proc/sys/vm/nr_hugepages"
HUGE_PAGES_MORE = 512
LENGTHS = [256, 64, 1500]
STARTS = 3
PACKETS_MIN = 100000  # in an interval
KINDS = {  # kind: what the step does (0: left out, 2: time of each packet), % of long frames and of tagged ones, full
    "forward": (0, 0, 0, 0),
    "untagged": (1, 0, 0, 0),
    "untagged again": (1, 0, 0, 0),
    "untagged, 1 % long": (1, 1, 0, 0),
    "untagged, 10 % long": (1, 10, 0, 0),
    "untagged, long": (1, 100, 0, 0),
    "full": (1, 100, 100, 1),
    "1 % tagged": (1, 1, 1, 0),
    "10 % tagged": (1, 10, 10, 0),
    "100 % tagged": (1, 100, 100, 0),
    "100 % tagged, time each": (2, 100, 100, 0),
}


def number_of(share):
    return share * PACKETS // 100


def ticks_per_ns():
    """Linux reports twice the counter's rate as BogoMIPS where it is constant."""
    return float(re.search(r"bogomips\s*: ([0-9.]+)", open("/proc/cpuinfo", encoding="utf-8").read()).group(1)) / 2000


class Process:
    """A DPDK program that takes packets from port 0 and hands them to port 1."""

    def __init__(self, name, folder, huge, program, words, environment=None):
        self.name, self.prefix = name, f"bench-{os.getpid()}-{name}"
        self.log = os.path.join(folder, name + ".log")
        memory = ["--in-memory"] if huge else ["--no-huge", "-m", "64", "--iova-mode=va"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", "1"] + program + memory + ["--file-prefix=" + self.prefix] + words,
                stdin=subprocess.PIPE, stdout=log, stderr=log, env=os.environ | (environment or {}))
        self.telemetry = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def complain(self, text):
        sys.exit(f"dpdk.py: {self.name}: {text}\n{self.said()}")

    def wait_for(self, what, condition):
        for _ in range(600):
            if self.process.poll() is not None:
                self.complain(f"ended with status {self.process.returncode}")
            with contextlib.suppress(OSError):
                if condition():
                    return
            time.sleep(0.05)
        self.complain("waited in vain for " + what)

    def connect(self):
        self.telemetry.connect(f"/var/run/dpdk/{self.prefix}/dpdk_telemetry.v2")
        return self.telemetry.recv(4096)

    def ask(self, command):
        self.telemetry.send(command.encode())
        return json.loads(self.telemetry.recv(65536))[command.split(",", maxsplit=1)[0]]

    def start(self, count=1):
        self.wait_for("telemetry", self.connect)
        self.wait_for("packets", lambda: self.is_through(count))

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        if self.process.poll() is None:
            self.go_on()
            self.process.stdin.close()  # which ends testpmd
            self.process.terminate()
            self.process.wait(30)
        self.telemetry.close()
        shutil.rmtree("/var/run/dpdk/" + self.prefix, ignore_errors=True)  # testpmd leaves files

    def measure(self, seconds, series):
        """CPU time per packet over an interval; ends all if the packets were not what they should have been."""
        time.sleep(seconds / 10)
        before, count = self.counters(), 0
        for _ in range(100):  # until it has had the processor
            time.sleep(seconds)
            after = self.counters()
            count = self.forwarded(after) - self.forwarded(before)
            if count >= PACKETS_MIN:
                break
        self.check(before, after, count)
        series.cycles.append((after["cpu_ns"] - before["cpu_ns"]) / count * ticks_per_ns())
        series.packets += count


class Forwarder(Process):
    """The program of forwarder.c."""

    def __init__(self, folder, huge, devices, step=1):
        super().__init__("forwarder", folder, huge, [FORWARDER, "node-id", str(NODE_ID), "busy", "--"], devices,
                         {"HOPSPAN_BENCH_STEP": str(step)})
        self.kind = None

    def become(self, kind):
        step, longer, tagged, is_full = self.kind = KINDS[kind]
        self.ask(f"/bench/kind,{step}:{number_of(longer)}:{number_of(tagged)}:{is_full}")

    def is_through(self, count):
        """By the product's own command, which answers without packets, too; None until it serves."""
        counters = self.ask("/hopspan/counters")
        return counters and counters["forwarded"] >= count

    def counters(self):
        return self.ask("/bench/counters")

    @staticmethod
    def forwarded(counters):
        return counters["forwarded"]

    def wanted(self, count):
        """The outcomes of so many packets."""
        step, _, share, is_full = self.kind
        tagged = count * share // 100
        appended = 0 if is_full or not step else tagged
        return {"pass": count - tagged if step else 0, "overflowed": tagged if is_full else 0, "appended": appended,
                "completed": appended}

    def check(self, before, after, count):
        """Not to the packet, as an interval is no whole number of captures."""
        for name, wanted in self.wanted(count).items():
            if not count or abs(after[name] - before[name] - wanted) > PACKETS:
                self.complain(f"{self.kind}: {count} forwarded, {after[name] - before[name]} {name}")
        for name in after:
            if name.startswith("drop_") and after[name] != before[name]:
                self.complain(f"{self.kind}: {after[name] - before[name]} {name}")


class Testpmd(Process):
    """DPDK's own program, which forwards packets as they are."""

    def __init__(self, folder, huge, devices):
        super().__init__("testpmd", folder, huge, ["dpdk-testpmd", "--lcores=0@1,1@1", "--no-pci", "--log-level=error"],
                         devices + ["--", "--forward-mode=io", "--total-num-mbufs=4608"])

    def counters(self):
        clock = (~self.process.pid << 3) | 2  # the process's CPU time: CPUCLOCK_SCHED
        return {"cpu_ns": time.clock_gettime_ns(clock)} | self.ask("/ethdev/stats,1")

    @staticmethod
    def forwarded(counters):
        return counters["opackets"]

    def is_through(self, count):
        return self.forwarded(self.counters()) >= count

    def check(self, _before, _after, count):
        if not count:
            self.complain("forwarded nothing")

    def end(self):
        super().end()
        dropped = re.findall(r"TX-dropped: *([0-9]+)", self.said())
        if not dropped or any(map(int, dropped)):
            self.complain("dropped packets")


@contextlib.contextmanager
def huge_pages(wanted):
    """More pages of 2 MB for a while. False: the kernel has none to give."""
    if not wanted:
        yield True
        return
    before = open(HUGE_PAGES, encoding="utf-8").read()
    more = int(before) + HUGE_PAGES_MORE
    try:
        with open(HUGE_PAGES, "w", encoding="utf-8") as pages:
            pages.write(str(more))
        yield int(open(HUGE_PAGES, encoding="utf-8").read()) == more
    finally:
        with open(HUGE_PAGES, "w", encoding="utf-8") as pages:
            pages.write(before)


def kinds_of(length):
    """Where the header fits into the length, tagged frames are no longer than others."""
    return [kind for kind in KINDS if length < TAGGED_LEN_MIN or "long" not in kind]


def whole(length):
    """Of the frames in a capture: those that are to be shorter are cut by the forwarder."""
    return length + HEADER_LEN if length < TAGGED_LEN_MIN else length


def prove(folder, length, huge):
    """Frames of all kinds once from capture to capture. What was checked."""
    path_in, path_out, nothing = (os.path.join(folder, name + ".pcap") for name in ("in", "out", "nothing"))
    tagged = frames(whole(length))
    octets = frames(length, 0) + tagged + frames(whole(length), 10) + [full(each) for each in tagged]
    capture_write(path_in, octets)
    capture_write(nothing, [])
    devices = ["--vdev", f"net_pcap0,rx_pcap={path_in},tx_pcap={nothing}.out",
               "--vdev", f"net_pcap1,rx_pcap={nothing},tx_pcap={path_out}"]
    for step in (1, 2):
        forwarder = Forwarder(folder, huge, devices, step)
        try:
            forwarder.start(len(octets))
        finally:
            forwarder.end()
        complaint = wrong(path_in, path_out)
        if complaint:
            forwarder.complain(complaint)
    return f"counters equal, none lost; tshark reads this node in each trace with room of {len(octets)} frames"


class Series:
    """What was measured of one kind of packets."""

    def __init__(self):
        self.cycles, self.packets = [], 0


def measure_round(forwarder, testpmd, kinds, seconds, series):
    forwarder.go_on()
    for kind in kinds:
        forwarder.become(kind)
        forwarder.measure(seconds, series[kind])
    forwarder.stop()
    testpmd.go_on()
    testpmd.measure(seconds, series["testpmd"])
    testpmd.stop()


def measure_start(folder, length, huge, rounds, seconds, series):
    """Starts both programs, for some rounds."""
    paths = [os.path.join(folder, name) for name in ("whole.pcap", "plain.pcap")]
    capture_write(paths[0], frames(whole(length)))
    capture_write(paths[1], frames(length, 0))
    devices = [["--vdev", f"net_pcap0,rx_pcap={path},infinite_rx=1", "--vdev", "net_null0,no-rx=1"] for path in paths]
    with contextlib.ExitStack() as undo:
        both = Forwarder(folder, huge, devices[0]), Testpmd(folder, huge, devices[1])
        for process in both:
            undo.callback(process.end)
            process.start()
            process.stop()
        kinds = kinds_of(length)
        for number in range(rounds):
            measure_round(*both, kinds if number % 2 else kinds[::-1], seconds, series)


def measure(folder, length, huge, rounds, seconds):
    """In several starts, as memory lies elsewhere in each. Name to series."""
    series = {kind: Series() for kind in kinds_of(length) + ["testpmd"]}
    for start in range(STARTS):
        measure_start(folder, length, huge, rounds * (start + 1) // STARTS - rounds * start // STARTS, seconds, series)
    return series


def quartiles(values):
    values = sorted(values)
    low, high = values[len(values) // 4], values[-1 - len(values) // 4]
    return [round(low, 3), round(statistics.median(values), 3), round(high, 3)]


def row_print(what, series, kind, base, common, target=None, unit="cycles"):
    """More cycles than the base; unit x: how fast, of the base."""
    def compare(of, to):
        pairs = zip(series[of].cycles, series[to].cycles)
        return quartiles([b / a if unit == "x" else a - b for a, b in pairs])
    cycles = statistics.median(series[kind].cycles)
    row = {
        "what": what, "base": base, "unit": unit, "more": compare(kind, base),
        "base_value": quartiles(series[base].cycles), "noise": compare("untagged again", "untagged"),
        "rounds": len(series[kind].cycles), "packets": series[kind].packets, "cycles": round(cycles, 2),
        "mpps": round(1000 * ticks_per_ns() / cycles, 3),
    } | common
    print(json.dumps(row | ({"target": target} if target else {})), flush=True)


def rows_print(length, huge, series, proof):
    is_short, name = length < TAGGED_LEN_MIN, f"dpdk, {length} octets, {'2 MB' if huge else '4 KB'} pages: "
    common = {"proof": proof, "frame_len": length, "huge_pages": huge}
    plain = "untagged, long" if is_short else "untagged"
    rows = [
        ("untagged", "untagged", "forward", 4),
        ("full trace, parse only", "full", plain, None),
        ("append, time of burst", "100 % tagged", "full", 15),
        ("append, time of packet", "100 % tagged, time each", "full", 32),
        ("1 % tagged", "1 % tagged", "untagged, 1 % long" if is_short else plain, None),
        ("10 % tagged", "10 % tagged", "untagged, 10 % long" if is_short else plain, None),
        ("100 % tagged", "100 % tagged", plain, None),
        ("forward, to testpmd", "forward", "testpmd", None),
    ]
    for what, kind, base, target in rows:
        row_print(name + what, series, kind, base, common, target)
    row_print(name + "100 % tagged, speed", series, "100 % tagged", plain, common, 0.9, "x")


def main():
    rounds, seconds = int(sys.argv[1]), int(sys.argv[2]) / 1000
    for huge in (True, False):
        with huge_pages(huge) as there, tempfile.TemporaryDirectory() as folder:
            if not there:
                print("dpdk.py: the kernel has no pages of 2 MB to give, so no rows with them", file=sys.stderr)
                continue
            for length in LENGTHS:
                proof = prove(folder, length, huge)
                rows_print(length, huge, measure(folder, length, huge, rounds, seconds), proof)


if __name__ == "__main__":
    main()
