# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What central.sh needs: central.py FOLDER, with the stores and ids in it. The server's clock is 250 ms ahead, r1's 3 ms
behind the client's; packets seen by one host alone tell little of that."""
import collections
import json
import sys

from complete import rows_read

ERROR_NS = 20_000
WANTED_NS = {"r1": 3_000_000}

folder = sys.argv[1]
with open(f"{folder}/told.ids", encoding="ascii") as lines:
    told = {json.loads(line)["trace_id"] for line in lines}


def rows(name):
    return [row for row in rows_read(f"{folder}/{name}.db") if row.network and row.trace in told]


def check(good, what):
    if not good:
        sys.exit(what)


def main():
    for host, direction in (("server", "request"), ("client", "reply")):
        transfers = [row for row in rows(host) if row.role == "transfer"]
        check({row.direction for row in transfers} == {direction}, f"{host} saw not only {direction}s")
        check(not any("hopspan.clock_error_ns" in row.attributes for row in transfers), f"{host} claims to know the clocks")
        check(all("clocks not compared" in row.attributes["hopspan.about"] for row in transfers), f"{host} does not say so")
    central = rows("central")
    transfers = [row for row in central if row.role == "transfer"]
    counts = collections.Counter(row.direction for row in transfers)
    check(counts == {"request": len(told), "reply": len(told)}, f"the central collector has {dict(counts)}")
    check(not any("hopspan.records" in row.attributes for row in central), "packets are sent on to a backend")
    errors = sorted(row.attributes.get("hopspan.clock_error_ns", 10**9) for row in transfers)
    moved = sorted(abs(row.attributes.get("hopspan.adjusted_ns", 0) - WANTED_NS["r1"]) for row in central
                   if row.role == "node" and row.attributes["hopspan.node"] == "r1")
    ends = sorted(abs(row.attributes.get("hopspan.adjusted_ns", 0) + 250_000_000) for row in transfers)
    for what, values in (("stated error of clocks", errors), ("r1's place is off by", moved), ("server's by", ends)):
        print(f"{what}: median {values[len(values) // 2] / 1e3:.1f} us, most {values[-1] / 1e3:.1f} us, of {len(values)}")
    check(errors[-1] < 1_000_000, "the clocks are not known at the central collector")
    check(moved[-1] < ERROR_NS and ends[-1] < ERROR_NS, "clocks are not corrected")


main()
