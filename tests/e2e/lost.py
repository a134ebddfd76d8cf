# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What lost.sh needs: lost.py STORE IDS REQUESTS REPLIES, the latter with lines of time, ports, sequence number, octets.

A client's bytes are all of some context; of an answer's only the first segment is known to be.
"""
import collections
import json
import sys

from complete import rows_read

ERROR_NS = 3_000_000  # TCP's clock is read before the capture's


def repeats(path):
    """(when it went before, and again) of each segment that went more than once."""
    times = collections.defaultdict(list)
    with open(path, encoding="ascii") as lines:
        for line in lines:
            time, source, destination, sequence, _ = line.split()
            seconds, fraction = time.split(".")
            times[source, destination, sequence].append(int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9]))
    return [pair for sent in times.values() for pair in zip(sent, sent[1:])]


def near(a, b):
    return abs(a - b) <= ERROR_NS


def main():
    store, ids, requests, replies = sys.argv[1:]
    with open(ids, encoding="ascii") as lines:
        clients = {line["span_id"]: line["trace_id"] for line in map(json.loads, lines)}
    rows = [row for row in rows_read(store) if row.trace in clients.values()]
    lost = [row for row in rows if row.role == "retransmission"]
    for name, path, exact in (("request", requests, True), ("reply", replies, False)):
        seen = repeats(path)
        spans = [row for row in lost if row.direction == name]
        counted = sum(row.attributes["hopspan.packets"] for row in spans)
        print(f"{name}: {len(seen)} segments sent again, {counted} in {len(spans)} spans, "
              f"longest {max((row.end - row.start for row in spans), default=0) / 1e6:.1f} ms")
        for row in spans:
            if clients.get(row.parent) != row.trace:
                sys.exit(f"{row} stands under {row.parent}")
            if not any(near(row.start, before) for before, _ in seen) or not any(near(row.end, again) for _, again in seen):
                sys.exit(f"{row}, {row.start} to {row.end}, is nothing that the capture shows")
        if counted > len(seen) or (exact and counted != len(seen)):
            sys.exit(f"{counted} segments are told of")
    if not lost:
        sys.exit("nothing was lost: nothing is shown by this run")


main()
