# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What skew.sh needs: skew.py STORE CLOCKS IDS...

CLOCKS has a line per node: its name, and by how many ns it is ahead. Compares where spans are drawn with when it was, and
where they stand in the client's span.
"""
import collections
import json
import pathlib
import statistics
import sys

from complete import rows_read

SECOND_NS = 1_000_000_000
# By how much a place may be wrong, beside half of what the ways there and back differ.
ERROR_NS = 10_000
# A parent span is begun and ended by its application, around its packets.
WITHIN_NS = ERROR_NS
MARKED_NS = 1_000

store, clocks = sys.argv[1:3]
ahead = {node: int(ns) for node, ns in (line.split() for line in pathlib.Path(clocks).read_text().splitlines())}
failures = collections.Counter()
examples = {}


def fail(what, row, detail=""):
    failures[what] += 1
    examples.setdefault(what, f"{row} {detail}")


def part(ns):
    """Of times that are known but for whole seconds."""
    return (ns + SECOND_NS // 2) % SECOND_NS - SECOND_NS // 2


def true_ns(row, node):
    """The stamp, by the clock that all nodes have in truth, but for whole seconds."""
    return row.attributes["hopspan.time_unix_ns"] - ahead[node]


def check_order(rows, transfer):
    """Below a transfer one follows the other, all within it."""
    last_ns = transfer.start
    for row in sorted((row for row in rows if row.parent == transfer.id), key=lambda row: (row.start, row.end)):
        if row.end < row.start or row.start < last_ns or row.end > transfer.end:
            fail("out of order", row)
        last_ns = row.end


def check_within(transfer, client):
    if transfer.start < client.start - WITHIN_NS or transfer.end > client.end + WITHIN_NS:
        fail("outside of the client's span", transfer,
             f"{transfer.start - client.start} before, {transfer.end - client.end} behind")


def check_mark(row, node):
    moved_ns = row.start - row.attributes["hopspan.time_unix_ns"]
    if abs(moved_ns) > MARKED_NS and row.attributes.get("hopspan.adjusted_ns") != moved_ns:
        fail("not marked", row, f"moved by {moved_ns}, says {row.attributes.get('hopspan.adjusted_ns')}")
    if abs(part(moved_ns - ahead["client"] + ahead[node])) > 100 * ERROR_NS:
        fail("clock not known", row, f"moved by {moved_ns}")


def ways(rows):
    """True times from one stamp, or departure, to the next arrival's, as far as both are known."""
    stamps = []
    for row in rows:
        node = row.attributes.get("hopspan.node")
        if node:
            stamps.append((row.attributes["hopspan.hop"], node, true_ns(row, node),
                           row.attributes.get("hopspan.delay_ns", 0) if row.role == "node" else 0))
    stamps.sort()
    for (_, a, a_ns, delay_ns), (_, b, b_ns, _) in zip(stamps, stamps[1:]):
        yield (a, b), part(b_ns - a_ns - delay_ns)


def read():
    traces = collections.defaultdict(list)
    for row in rows_read(store):
        traces[row.trace].append(row)
    return traces


def least_ways(traces):
    least = {}
    for rows in traces.values():
        for direction in ("request", "reply"):
            some = [row for row in rows if row.network and row.direction == direction]
            for pair, ns in ways(some):
                least[pair] = min(ns, least.get(pair, ns))
    return least


def asymmetry(least, path):
    """Half of what the ways to each node of the path and back differ, at most."""
    sums, half = 0, {}
    for a, b in zip(path, path[1:]):
        if (a, b) in least and (b, a) in least:
            sums += abs(least[a, b] - least[b, a]) / 2
        half[b] = sums
    return half


def judge(ids, traces, half):
    errors = collections.defaultdict(list)
    with open(ids, encoding="ascii") as lines:
        for request in map(json.loads, lines):
            rows = traces[request["trace_id"]]
            client = next(row for row in rows if row.id == request["span_id"])
            transfers = [row for row in rows if row.role == "transfer"]
            if sorted(row.direction for row in transfers) != ["reply", "request"]:
                fail("not one request and one reply", client, str([row.direction for row in transfers]))
                continue
            for transfer in transfers:
                check_order(rows, transfer)
                check_within(transfer, client)
            for row in rows:
                if row.role == "node":
                    node = row.attributes["hopspan.node"]
                    check_mark(row, node)
                    errors[node, row.direction].append(part(row.start - ahead["client"] - true_ns(row, node)))
    for (node, direction), values in sorted(errors.items()):
        ordered = sorted(map(abs, values))
        allowed = ERROR_NS + half.get(node, 0)
        p99 = ordered[max(0, -(-len(ordered) * 99 // 100) - 1)]
        print(f"{pathlib.Path(ids).stem:8}{node:8}{direction:9}{len(values):6} stays, error us: median "
              f"{statistics.median(ordered) / 1e3:6.1f}, 99 % {p99 / 1e3:6.1f}, most {ordered[-1] / 1e3:6.1f}; "
              f"allowed {allowed / 1e3:.1f}")
        if p99 > allowed:
            fail("place wrong", node, f"{p99} ns in {direction}s")


def main():
    traces = read()
    least = least_ways(traces)
    for pair, ns in sorted(least.items()):
        print(f"least way {pair[0]} -> {pair[1]}: {ns / 1e3:.1f} us")
    half = asymmetry(least, ["client", "r1", "r2", "r3", "server"])
    for ids in sys.argv[3:]:
        judge(ids, traces, half)
    if failures:
        sys.exit("\n".join(f"{count} times {what}: {examples[what]}" for what, count in failures.items()))


main()
