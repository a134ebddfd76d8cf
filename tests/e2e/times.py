#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Holds stamps and stays against captures: times.py FOLDER REQUESTS, with times.sh's files in FOLDER.

All in microseconds. An error is the absolute difference of one packet's two values.
"""
import json
import pathlib
import statistics
import sys

ERROR_MEDIAN_MAX_US = 100
PHASES = ("empty", "filled")
# Whose stamp, and where the same moment is seen.
STAMPS = ((1, "client", "client-eth0"), (2, "r1", "r1-eth0"), (3, "r2", "r2-port0"), (4, "r3", "r3-eth0"))
# A stay, as seen from where to where; r1's once by its own devices and once by its neighbours'.
STAYS = (
    ("r1 eth1", "r1-eth0", "r1-eth1"),
    ("r1 eth1", "client-eth0", "r2-port0"),
    ("r2 port1", "r2-port0", "r3-eth0"),
    ("r2 port1", "r1-eth1", "r3-eth0"),
)

folder = pathlib.Path(sys.argv[1])
requests = int(sys.argv[2])
failures = []


def lines(name):
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def by_trace(name):
    """One stamped packet per request, else its time could be another's."""
    packets = lines(name)
    found = {packet["trace_id"]: packet for packet in packets}
    if len(found) != requests or len(packets) != requests:
        sys.exit(f"{name}: {len(packets)} stamped packets, {len(found)} traces, {requests} requests")
    return found


def nearest_rank(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def row(phase, what, truths, errors):
    median = statistics.median(errors)
    if truths:
        seen = f"{statistics.median(truths):10.1f}{nearest_rank(truths, 0.99):10.1f}"
    print(f"{phase:8}{what:38}{seen if truths else '':20}{median:10.1f}{nearest_rank(errors, 0.99):10.1f}")
    if median >= ERROR_MEDIAN_MAX_US:
        failures.append(f"{phase}, {what}: the median error is {median:.1f} us")


def compare_stamps(phase, seen):
    for node, name, place in STAMPS:
        errors = []
        for trace, packet in seen["server-eth0"].items():
            hop = next((hop for hop in packet["hops"] if hop.get("node") == node), None)
            if not hop:
                sys.exit(f"{phase}: {name} is not in the packet of trace {trace}")
            errors.append(abs(hop["time_unix_ns"] - seen[place][trace]["time_unix_ns"]) / 1e3)
        row(phase, f"time of {name}, at {place}", None, errors)


def compare_stays(phase, seen):
    spans = {line["trace_id"]: line["stays"] for line in lines(f"{phase}.spans")}
    for stay, begin, end in STAYS:
        truths, errors = [], []
        for trace, packet in seen[begin].items():
            if stay not in spans.get(trace, {}):
                sys.exit(f"{phase}: no stay {stay} in trace {trace}: {spans.get(trace)}")
            truths.append((seen[end][trace]["time_unix_ns"] - packet["time_unix_ns"]) / 1e3)
            errors.append(abs(spans[trace][stay] / 1e3 - truths[-1]))
        row(phase, f"stay {stay}, {begin} to {end}", truths, errors)
        if stay == "r1 eth1" and phase == "filled" and statistics.median(truths) < 10 * ERROR_MEDIAN_MAX_US:
            sys.exit("r1's queue was not filled: nothing is shown by this run")


def main():
    print(f"{requests} requests a phase, us{'seen':>28}{'p99':>10}{'error':>10}{'p99':>10}")
    for phase in PHASES:
        places = {place for _, _, place in STAMPS} | {place for stay in STAYS for place in stay[1:]} | {"server-eth0"}
        seen = {place: by_trace(f"{phase}-{place}.json") for place in places}
        compare_stamps(phase, seen)
        compare_stays(phase, seen)
    if failures:
        sys.exit("\n".join(failures))


main()
