# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Which packets of a request were stamped: picks.py PLAN SEGMENTS prints "SPAN:OFFSET ..." in the order sent.

PLAN and SEGMENTS are those of shadow_judge.py; OFFSET counts octets from the request's first. A stamped packet with an
octet of another request is an error.
"""

import sys

from shadow_judge import TRACE, read_plan, read_segments


def main(plan_path, segments_path):
    plan = read_plan(plan_path)
    out = []
    for at, length, (data, _) in (s for s in read_segments(segments_path) if s[2]):
        span = data[len(TRACE):len(TRACE) + 16]
        first, last, _ = plan[span]
        if not data.startswith(TRACE) or at < first or at + length > last:
            sys.exit(f"{data} on octets {at} to {at + length}, its own are {first} to {last}")
        out.append(f"{int(span, 16)}:{at - first}")
    print(" ".join(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
