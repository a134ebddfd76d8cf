# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What truth.sh needs: truth.py STORE FOLDER COUNT, with the captures 0.json to 6.json in FOLDER.

All clocks are one, so a difference of two captures is one packet's own time. A packet's arrival is marked before the
processor gets to it, and so to the node's stamp (stay.sh): what of that is longer than a hop span may be wrong is no
router's time, and counted apart.
"""
import sys

from complete import rows_read
from stay import ERROR_NS, PERCENT, allowed, capture_read, quantile

# Span, its captures, the hops whose stamps begin and end it; DPDK's figures depend on its getting a processor.
SPANS = (
    ("client -> r1", 0, 1, None, 1, True),
    ("r1 eth1", 1, 2, 1, None, True),
    ("r1 -> r2", 2, 3, None, 2, True),
    ("r2 eth1", 3, 4, 2, None, True),
    ("r2 -> r3", 4, 5, None, 3, False),
    ("r3 port1", 5, 6, 3, None, False),
)
LATE_SHARE = 0.05


def spans_read(store, traces):
    found = {}
    for row in rows_read(store):
        if row.network and row.trace in traces:
            found[row.trace, row.name] = row.attributes.get("hopspan.link_ns", row.end - row.start)
    return found


def late_ns(seen, trace, hop):
    """From the mark of its arrival to the node's stamp, if that is too long to be the node's work."""
    if hop is None:
        return 0
    arrived = {1: 1, 2: 3, 3: 5}[hop]
    ns = seen[6][trace]["hops"][hop]["time_unix_ns"] - seen[arrived][trace]["time_unix_ns"]
    return ns if ns > ERROR_NS else 0


def main():
    store, folder, count = sys.argv[1:]
    seen = [capture_read(f"{folder}/{i}.json", int(count)) for i in range(7)]
    spans = spans_read(store, seen[0].keys())
    print(f"{'us':14}{'packets':>8}{'captured':>11}{'99 %':>11}{'error':>9}{'99 %':>9}{'late':>7}{'error':>9}{'99 %':>9}")
    wrong, late, strict = 0, 0, 0
    for name, begin, end, begin_hop, end_hop, judged in SPANS:
        truths, errors, rest, delayed = [], [], [], 0
        for trace in seen[0]:
            if (trace, name) not in spans:
                sys.exit(f"trace {trace} has no span {name}")
            truth = seen[end][trace]["time_unix_ns"] - seen[begin][trace]["time_unix_ns"]
            before, behind = late_ns(seen, trace, begin_hop), late_ns(seen, trace, end_hop)
            truths.append(truth)
            errors.append(abs(spans[trace, name] - truth))
            rest.append(abs(spans[trace, name] - (truth - before + behind)))
            delayed += before + behind > 0
            wrong += judged and rest[-1] > allowed(truth)
        strict += len(truths) if judged else 0
        late += delayed if judged else 0
        figures = [quantile(values, percent) / 1e3 for values in (truths, errors) for percent in (50, 99)]
        apart = [quantile(rest, percent) / 1e3 for percent in (50, 99)]
        print(f"{name:14}{len(truths):8}{figures[0]:11.1f}{figures[1]:11.1f}{figures[2]:9.1f}{figures[3]:9.1f}"
              f"{delayed:7}{apart[0]:9.1f}{apart[1]:9.1f}")
    print(f"{strict} hop spans of the kernel's routers: {wrong} are wrong by more than {ERROR_NS // 1000} us and 5 %, "
          f"{late} waited for the processor before a stamp")
    if 100 * wrong > (100 - PERCENT) * strict:
        sys.exit("more hop spans are wrong than may be")
    if late > LATE_SHARE * strict:
        sys.exit("stamps are late")
    if quantile([seen[2][trace]["time_unix_ns"] - seen[1][trace]["time_unix_ns"] for trace in seen[0]], 80) < 100 * ERROR_NS:
        sys.exit("the queue was not filled: nothing is shown by this run")


main()
