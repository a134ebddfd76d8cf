# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Judges a capture: shadow_judge.py PLAN STAMPED. Exit 1 with what is wrong.

PLAN has a line per request (span id, first byte, size); STAMPED one per stamped packet (snapshot data, relative
sequence number, data octets, Active flag), as tshark reads them.
"""

import sys

TRACE = "7c0de2a4f19b3305d1a2b7e90c4f6618"
SHADOW, INSIDE = 0x40, 0x01


def read(path):
    with open(path, encoding="ascii") as file:
        return [line.split() for line in file]


def judge(plan, stamped):
    ranges = {span: (int(at), int(at) + int(size)) for span, at, size in plan}
    seen = {}
    for data, seq, length, active in stamped:
        data = data.split(",")[-1].replace(":", "")
        trace, span, attribution = data[:32], data[32:48], int(data[52:54], 16)
        begin, end = int(seq) - 1, int(seq) - 1 + int(length)
        shadow = active in ("1", "True")
        if trace != TRACE or span not in ranges:
            yield f"a stamp of nobody: {data}"
            continue
        first, last = ranges[span]
        if shadow != bool(attribution & SHADOW):
            yield f"{span}: Active flag {active}, attribution {attribution:#x}"
        if shadow and (int(length) or not first <= begin < last):
            yield f"{span}: its shadow speaks for byte {begin}, its bytes are {first} to {last}"
        if not shadow and not max(begin, first) < min(end, last):
            yield f"{span}: on a packet of bytes {begin} to {end}, its bytes are {first} to {last}"
        if not shadow and bool(attribution & INSIDE) != (first > begin):
            yield f"{span}: attribution {attribution:#x} on a packet from {begin}, its bytes begin at {first}"
        seen[span] = seen.get(span, 0) + 1
    for span in ranges:
        if seen.get(span, 0) != 1:
            yield f"{span}: {seen.get(span, 0)} stamped packets, bytes {ranges[span]}"
    print(f"{len(ranges)} requests, {len(stamped)} stamped, {sum(s[3] in ('1', 'True') for s in stamped)} by shadow")


wrong = list(judge(read(sys.argv[1]), read(sys.argv[2])))
print(*wrong, sep="\n")
sys.exit(bool(wrong))
