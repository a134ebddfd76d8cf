# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Tests the judge: attribution_wrong.py PLAN SEGMENTS. Stampers that err stamp the captured segments anew.

The judge must accept what the right one does and object to every other, for the reason that it errs.
"""

import bisect
import sys

import shadow_judge

IN_PLACE_MAX = 1300


def bare(segments):
    return [(begin, length, None) for begin, length, stamp in segments if not (stamp and stamp[1])]


def stamper(plan, segments, shift=0, newest=False, all_sampled=False, again=False, after=False):
    """shift: octets that ranges are off by; newest: names the last of the segment's contexts and of the next ones;
    all_sampled: does not look at the flag; again: stamps retransmissions as well; after: shadows behind their packet."""
    ranges = [(first + shift, last + shift, span, must) for span, (first, last, must) in plan.items() if first < last]
    begins = [first for first, *_ in ranges]
    done, highest, out = set(), 0, []
    for begin, length, _ in segments:
        fresh = begin >= highest
        highest = max(highest, begin + length)
        at = max(bisect.bisect_right(begins, begin) - 1, 0)
        stamps = []
        while length and at < len(ranges) and ranges[at][0] < begin + length and (fresh or again):
            first, last, span, must = ranges[at]
            here = max(first, begin)
            if newest:
                _, _, span, must = ranges[min(at + 5, len(ranges) - 1)]
            if last > begin and (must != "never" or all_sampled) and (span not in done or not fresh):
                done.add(span)
                stamps.append((span, here, begin))
            at += 1
        out += stamps_place(begin, length, stamps, after)
    return out


def stamps_place(begin, length, stamps, after):
    def data(span, attribution):
        return f"{shadow_judge.TRACE}{span}0101{attribution:02x}00"

    own = stamps[:1] if length <= IN_PLACE_MAX else []
    own_stamp = (data(own[0][0], own[0][1] > begin), False) if own else None
    shadows = [(at, 0, (data(span, 0x40 | (at > begin)), True)) for span, at, _ in stamps[len(own):]]
    packet = [(begin, length, own_stamp)]
    return packet + shadows if after else shadows + packet


WRONG = {
    "names no byte": {"newest": True},
    "its bytes begin at": {"shift": 1},
    "names no byte of": {"shift": -1},
    "is not to be stamped": {"all_sampled": True},
    "on a retransmission": {"again": True},
    "its shadow speaks for": {"after": True},
}


def main(plan_path, segments_path):
    plan = shadow_judge.read_plan(plan_path)
    segments = bare(shadow_judge.read_segments(segments_path))
    wrong, _ = shadow_judge.judge(plan, stamper(plan, segments))
    failed = [f"the right stamper: {line}" for line in wrong]
    segments += [segment for segment in segments if segment[1]][:50]  # retransmissions, also where none was captured
    for reason, how in WRONG.items():
        wrong, _ = shadow_judge.judge(plan, stamper(plan, segments, **how))
        matching = sum(reason in line for line in wrong)
        print(f"{how}: {len(wrong)} objections, {matching} say \"{reason}\"")
        if not matching:
            failed.append(f"nothing said against {how}")
    print(*failed[:20], sep="\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
