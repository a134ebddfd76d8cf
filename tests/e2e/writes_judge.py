# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Compares what writes.py did with a capture and the counters: writes_judge.py PLAN SEGMENTS. Exit 1 with what is wrong.

SEGMENTS has a line per TCP segment of the client, in the order sent: its two ports, then what shadow_judge.py reads,
whose rules hold for each case.
"""

import collections
import json
import sys
import tempfile

import shadow_judge


def segments_by_ports(path):
    """The captured segments of each connection, as shadow_judge.py has them."""
    lines = collections.defaultdict(list)
    with open(path, encoding="ascii") as file:
        for line in file:
            source, destination, segment = line.split("\t", 2)
            lines[f"{source},{destination}"].append(segment)
    for ports, some in lines.items():
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
            file.writelines(some)
            file.flush()
            yield ports, shadow_judge.read_segments(file.name)


def plan_of(case):
    """A context set twice at one place is the later one's; a cleared one is never to be stamped."""
    plan = {}
    for number, (span, first, end) in enumerate(case["contexts"]):
        replaced = first == end and number + 1 < len(case["contexts"])
        plan[f"{span:016x}"] = (first, end, "never" if not span else "replaced" if replaced else "mostly")
    return plan


def stamps_of(segments):
    """A letter per stamped packet, small if it is a shadow."""
    for _, _, stamp in segments:
        if stamp:
            letter = chr(int(stamp[0][44:48], 16) & 0xFF)
            yield letter.lower() if stamp[1] else letter


def as_expected(expected, stamps, way):
    if expected.isdigit():
        return len(stamps) == int(expected)
    if way == "shadow":
        expected = expected.lower()
    if expected.startswith("["):
        return sorted(expected[1:-1].upper()) == sorted("".join(stamps).upper())
    if way == "shadow":  # first to last byte
        return sorted(expected.split()) == sorted(stamps)
    return expected.split() == stamps


def judge_counters(case, segments, way):
    moved, stamps = case["moved"], [stamp for _, _, stamp in segments if stamp]
    shadows = sum(shadow for _, shadow in stamps)
    if moved.get("stamped_shadow", 0) != shadows:
        yield f"{shadows} shadows in the capture"
    if moved.get("stamped_in_place", 0) + moved.get("stamped_clone", 0) != len(stamps) - shadows:
        yield f"{len(stamps) - shadows} packets stamped in the capture"
    words = case["counted"].split()
    for name, number in zip(words[::2], words[1::2]):
        counted = shadow_judge.retransmissions(segments) if name == "sent_again" else moved.get(name, 0)
        at_least = name in ("sent_again", "bare_retransmission")  # a slow machine's may be more
        if way == "shadow" and name.startswith("stamped_"):
            continue
        if counted != int(number) and not (at_least and counted > int(number)):
            yield f"{name} moved by {counted}, not {number}"


def judge_case(case, segments, way):
    plan, stamps = plan_of(case), list(stamps_of(segments))
    wrong = [one for one in shadow_judge.judge(plan, segments)[0] if "in a pipeline" not in one]
    if not as_expected(case["stamped"], stamps, way):
        wrong.append(f"stamped {' '.join(stamps) or 'nothing'}, not {case['stamped'] or 'nothing'}")
    return wrong + list(judge_counters(case, segments, way))


def main(plan_path, segments_path):
    with open(plan_path, encoding="ascii") as file:
        plan = json.load(file)
    captured, bad = dict(segments_by_ports(segments_path)), 0
    for case in plan["cases"]:
        segments = captured.get(case["ports"], [])
        wrong = judge_case(case, segments, plan["way"])
        moved = ", ".join(f"{name} {number}" for name, number in case["moved"].items())
        stamps = list(stamps_of(segments))
        print(f"{'WRONG' if wrong else 'ok':6}{case['name']:34}{' '.join(stamps) if len(stamps) < 9 else len(stamps)}")
        if wrong:
            print(*(f"      {one}" for one in wrong[:9]), f"      moved: {moved}", sep="\n")
            bad += 1
    print(f"{len(plan['cases'])} cases, {bad} wrong, way {plan['way']}")
    return bool(bad or not plan["cases"])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
