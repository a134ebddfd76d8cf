# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Judges a capture: shadow_judge.py PLAN SEGMENTS [BEFORE AFTER]. Exit 1 with what is wrong.

PLAN has a line per context: span id, first byte, size, and how many stamped packets it must have: "always" one,
"mostly" one (SHARE of them all), "never", or none as it was "replaced" before any byte. SEGMENTS has a line per TCP
segment of the sender, in the order sent, as tshark reads them: snapshot data, sequence number, data octets, Active
flag, SYN flag. BEFORE and AFTER are the host's counters: what has no stamped packet must be explained by them.
"""

import json
import sys

TRACE = "7c0de2a4f19b3305d1a2b7e90c4f6618"
SHADOW, INSIDE = 0x40, 0x01
SHARE = 0.95


def read_plan(path):
    with open(path, encoding="ascii") as file:
        lines = [line.split() for line in file]
    return {span: (int(at), int(at) + int(size), must) for span, at, size, must, *_ in lines}


def unwrap(number, near):
    """The one of the numbers equal to `number` modulo 2^32 that is nearest to `near`."""
    return near + ((number - near + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def read_segments(path):
    """A list of (first byte, octets, stamp); bytes count from the stream's first; stamp is (data, is a shadow)."""
    segments, start, highest = [], None, 0
    with open(path, encoding="ascii") as file:
        for line in file:
            data, seq, length, active, syn = line.rstrip("\n").split("\t")
            if syn in ("1", "True"):
                start = int(seq) + 1
                if length != "0":  # TCP fast open
                    segments.append((0, int(length), None))
                    highest = int(length)
                continue
            begin = unwrap(int(seq) - start, highest)
            highest = max(highest, begin + int(length))
            stamp = (data.split(",")[-1].replace(":", ""), active in ("1", "True")) if data else None
            segments.append((begin, int(length), stamp))
    return segments


def judge_segment(plan, begin, length, stamp):
    """One stamped segment; a shadow's are the first byte and octets of the data segment that follows it."""
    data, shadow_at = stamp
    span, attribution = data[32:48], int(data[52:54], 16)
    if data[:32] != TRACE or span not in plan:
        yield f"a stamp of nobody: {data}"
        return
    first, last, must = plan[span]
    if must in ("never", "replaced"):
        yield f"{span}: is not to be stamped"
    if (shadow_at is not None) != bool(attribution & SHADOW):
        yield f"{span}: shadow at {shadow_at}, attribution {attribution:#x}"
    if not max(begin, first) < min(begin + length, last):
        yield f"{span}: names no byte of {begin} to {begin + length}, its bytes are {first} to {last}"
    if shadow_at is not None and shadow_at != max(begin, first):
        yield f"{span}: its shadow speaks for byte {shadow_at}, not {max(begin, first)}"
    if bool(attribution & INSIDE) != (first > begin):
        yield f"{span}: attribution {attribution:#x} on a packet from {begin}, its bytes begin at {first}"


def judge(plan, segments):
    """What is wrong, and how many stamped packets each context has."""
    wrong, seen, shadows, highest = [], {}, [], 0
    for begin, length, stamp in segments:
        if stamp:
            seen[stamp[0][32:48]] = seen.get(stamp[0][32:48], 0) + 1
        if stamp and stamp[1]:
            shadows.append((begin, stamp[0]))
            if length:
                wrong.append(f"a shadow with {length} octets of data")
            continue
        if stamp and not length:
            wrong.append(f"a stamp on a packet without data: {stamp[0]}")
        if not length:
            continue
        stamps = [(data, at) for at, data in shadows] + ([(stamp[0], None)] if stamp else [])
        shadows = []
        for one in stamps:
            wrong += judge_segment(plan, begin, length, one)
            if begin < highest:
                wrong.append(f"{one[0][32:48]}: stamped on a retransmission from {begin}, sent up to {highest}")
        if begin > highest:
            wrong.append(f"the capture lacks bytes {highest} to {begin}")
        highest = max(highest, begin + length)
    wrong += [f"a shadow without its packet: {data}" for at, data in shadows]
    if highest < max(last for _, last, _ in plan.values()):
        wrong.append(f"the capture ends at byte {highest}")
    return wrong + list(judge_share(plan, seen)), seen


def judge_share(plan, seen):
    for span, (first, last, must) in plan.items():
        if seen.get(span, 0) > 1 or (must == "always" and span not in seen):
            yield f"{span}: {seen.get(span, 0)} stamped packets, bytes {first} to {last}"
    mostly = [span in seen for span, (_, _, must) in plan.items() if must == "mostly"]
    if sum(mostly) < SHARE * len(mostly):
        yield f"of {len(mostly)} in a pipeline only {sum(mostly)} have a stamped packet"


def judge_counters(plan, segments, seen, before, after):
    """Each sampled context is stamped or counted; each stamped packet is counted."""
    names = sorted(set(before) | set(after))
    count = {name: after.get(name, 0) - before.get(name, 0) for name in names}
    print(*(f"{name} {number}" for name, number in count.items() if number), sep=", ")

    def same(what, expected, counted):
        if expected != counted:
            yield f"{what}: {expected}, the counters say {counted}"

    stamps = [stamp for _, _, stamp in segments if stamp]
    missed = sum(span not in seen for span, (_, _, must) in plan.items() if must != "never")
    replaced = sum(must == "replaced" for _, _, must in plan.values())
    bare = ("range_unstamped", "range_forgotten", "range_replaced", "bare_shadow_limit", "bare_clone_failed")
    yield from same("contexts set", len(plan), count.get("range_opened", 0))
    yield from same("shadows", sum(shadow for _, shadow in stamps), count.get("stamped_shadow", 0))
    yield from same("packets stamped", sum(not shadow for _, shadow in stamps),
                    count.get("stamped_in_place", 0) + count.get("stamped_clone", 0))
    yield from same("sampled without a stamped packet", missed, sum(count.get(name, 0) for name in bare))
    yield from same("replaced", replaced, count.get("range_replaced", 0))


def retransmissions(segments):
    number = highest = 0
    for begin, length, stamp in segments:
        if length and not (stamp and stamp[1]):
            number += begin < highest
            highest = max(highest, begin + length)
    return number


def main(plan_path, segments_path, *counters):
    plan, segments = read_plan(plan_path), read_segments(segments_path)
    wrong, seen = judge(plan, segments)
    shadows = sum(stamp[1] for _, _, stamp in segments if stamp)
    missed = sum(span not in seen for span, (_, _, must) in plan.items() if must != "never")
    print(f"{len(plan)} contexts, {sum(must != 'never' for _, _, must in plan.values())} sampled, {sum(seen.values())}"
          f" stamped, {shadows} by shadow, {missed} missed, {retransmissions(segments)} retransmissions")
    if counters:
        before, after = (json.load(open(path, encoding="utf-8")) for path in counters)
        wrong += judge_counters(plan, segments, seen, before, after)
    if wrong:
        print(*wrong[:20], f"{len(wrong)} objections", sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
