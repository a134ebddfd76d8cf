#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Compares three readings of each vector: its own header, hopspan decode, tshark. Called by check.sh."""
import glob
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SECOND = 1_000_000_000
NONE32 = 0xFFFFFFFF
TRACE = "ipv6.opt.ioam.trace."
INVALID = ["invalid_nodelen", "invalid_remlen", "invalid_type"]
NODE = ["hlim", "id", "iif", "eif", "tss", "tsf", "trdelay", "qdepth", "id_wide", "iif_wide", "eif_wide"]
FIELDS = ["frame.time_epoch", "ipv6.src", "ipv6.dst", "ipv6.opt.experimental"] + [TRACE + f for f in [
    "ns", "flag.o", "flag.a", "remlen", "type", "nodelen", "node.oss.len", "node.oss.scid", "node.oss.data"] + INVALID
    + ["node." + f for f in NODE]]
POSIX_NODES, NTP_NODES = {7}, {9}


class Vector:
    def __init__(self, path):
        self.name = os.path.basename(path)[:-4]
        self.hops, self.octets, self.packet, self.tshark = [], b"", None, ""
        for line in open(path):
            head, _, rest = line.strip().lstrip("# ").partition(": ")
            if not line.startswith("#"):
                self.octets += bytes.fromhex(line.partition("#")[0])
            elif head in ("outcome", "tshark"):
                setattr(self, head, rest)
            elif head == "time":
                self.time = int(rest)
            elif head == "packet":
                self.packet = json.loads(rest)
            elif head == "hop":
                self.hops.append(json.loads(rest))

    def line(self):
        return f"{self.time // SECOND}.{self.time % SECOND:09} {self.octets.hex()}\n"


def capture(vectors, path):
    """text2pcap: a line per packet, raw IP. It maps its input into memory: no pipe."""
    with open(path + ".txt", "w") as text:
        text.writelines(v.line() for v in vectors)
    subprocess.run(["text2pcap", "-q", "-l", "101", "-t", "%s.%f", "-r", r"^(?<time>\S+) (?<data>[0-9a-f]+)$",
                    text.name, path], check=True, capture_output=True)


def check_decode(hopspan, vector, folder):
    """What our own reader says, against the header."""
    path = os.path.join(folder, "one.pcapng")
    capture([vector], path)
    run = subprocess.run([hopspan, "decode", path, "nodes", os.path.join(HERE, "nodes.yaml")], text=True,
                         capture_output=True)
    wanted = ""
    if vector.outcome == "recorded":
        wanted = json.dumps(vector.packet | {"hops": vector.hops}, separators=(",", ":")) + "\n"
    errors = f"{path}: malformed packets: 1 {vector.outcome}\n" if vector.outcome.startswith("bad_") else ""
    return [f"decode: {what}:\n  wanted {w!r}\n  saw    {s!r}" for what, w, s in (
        ("exit status", 0, run.returncode), ("output", wanted, run.stdout), ("errors", errors, run.stderr)) if w != s]


def tshark(path):
    out = subprocess.run(["tshark", "-r", path, "-n", "-T", "fields", "-E", "separator=|", "-E", "occurrence=a",
                          "-E", "aggregator=,"] + [w for f in FIELDS for w in ("-e", f)],
                         text=True, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return [dict(zip(FIELDS, (c.split(",") if c else [] for c in row.split("|")))) for row in out.splitlines()]


def stamp(hop, key):
    """The seconds or fraction that tshark must show for a hop's time."""
    if "time_unix_ns" not in hop:
        return NONE32
    s, ns = divmod(hop["time_unix_ns"], SECOND)
    if hop.get("node") in POSIX_NODES:
        return s if key == "tss" else ns // 1000
    if hop.get("node") in NTP_NODES:
        return s + 2208988800 if key == "tss" else -(-(ns << 32) // SECOND)
    return s + 37 if key == "tss" else ns


def hop_field(hop, key, has):
    """A hop of decode's in tshark's words."""
    if key in ("tss", "tsf"):
        return stamp(hop, key)
    if key == "trdelay":
        return hop.get("delay_ns", NONE32)
    if key == "qdepth":
        return hop.get("queue_bytes", hop.get("queue_raw", NONE32))
    if key == "id":
        return hop.get("node", 0xFFFFFF)
    if key == "id_wide":
        return int(hop.get("node_wide", (1 << 56) - 1))
    if key == "hlim":
        return hop["hop_limit"]
    name = "ingress_if" if key.startswith("iif") else "egress_if"
    value = hop.get(name)
    return value if value is not None else NONE32 if key.endswith("_wide") or has[key + "_wide"] else 0xFFFF


def merge_interfaces(seen):
    """decode prints the short one where there is one, else the wide one."""
    for key in (TRACE + "node.iif", TRACE + "node.eif"):
        if seen[key] and seen[key + "_wide"]:
            pairs = zip(seen[key], seen[key + "_wide"])
            seen[key] = [short if int(short, 0) != 0xFFFF else wide for short, wide in pairs]


def check_nodes(vector, seen, skip):
    has = {key: bool(seen[TRACE + "node." + key]) for key in NODE}
    wrong = []
    merge_interfaces(seen)
    for key in NODE:
        if key.endswith("if_wide") and has[key[:3]]:
            continue
        values = [int(v, 0) for v in seen[TRACE + "node." + key]]
        step = 2 if key == "hlim" and has["id"] and has["id_wide"] else 1
        if key in ("hlim", "id"): # the only fields of a trace to skip
            values = values[skip:]
        if not values:
            continue
        hops = [hop_field(h, key, has) for h in reversed(vector.hops) for _ in range(step)]
        if key != "tss" or has["tsf"]: # seconds alone are no time
            wrong += [f"tshark {key}: {v} where decode's is {h}" for v, h in zip(values, hops) if h not in (None, v)]
        if len(values) < len(hops):
            wrong.append(f"tshark {key}: {len(values)} values for {len(hops)} hops")
    return wrong


def check_identifier(vector, seen):
    """tshark knows the option's number as an experiment's and shows its octets."""
    wanted = "fff00000" if vector.packet["carrier"] == "generic-context" else ""
    wanted += vector.packet["trace_id"] + vector.packet["span_id"] + f"01{vector.packet['flags']:02x}"
    data = "".join(seen["ipv6.opt.experimental"]).replace(":", "")
    return [] if data.startswith(wanted) else [f"tshark identifier: {data}, decode: {wanted}"]


def check_context(vector, seen):
    if vector.packet.get("carrier") != "snapshot":
        return []
    data = (seen[TRACE + "node.oss.data"] or [""])[-1].replace(":", "")
    scid = [int(v, 0) for v in seen[TRACE + "node.oss.scid"]][-1:]
    wanted = vector.packet["trace_id"] + vector.packet["span_id"] + f"01{vector.packet['flags']:02x}"
    same = data.startswith(wanted) and len(data) == 56 and scid == [0x687370]
    return [] if same else [f"tshark snapshot: {scid} {data}, decode: {wanted}"]


def check_tshark(vector, seen):
    """tshark's reading against what decode printed, which is the header's by now."""
    words = vector.tshark.split()
    marks = [m for m in INVALID if seen[TRACE + m]]
    wanted = [w for w in words if w in INVALID]
    wrong = [] if marks == wanted else [f"tshark marks {marks}, not {wanted}"]
    if "blind" in words and any(seen[TRACE + "node." + key] for key in NODE):
        wrong.append("tshark reads nodes where the vector says that it does not")
    if vector.outcome == "recorded" and vector.packet.get("carrier", "snapshot") != "snapshot":
        wrong += check_identifier(vector, seen)
    if vector.outcome != "recorded" or "blind" in words:
        return wrong
    skip = int(words[words.index("skip") + 1]) if "skip" in words else 0
    namespaces = [int(v, 0) for v in seen[TRACE + "ns"]]
    if vector.packet["namespace"] not in namespaces:
        return wrong + [f"tshark sees namespaces {namespaces}"]
    index = namespaces.index(vector.packet["namespace"])
    if bool(int(seen[TRACE + "flag.o"][index])) != vector.packet["overflow"]:
        wrong.append("tshark sees another overflow flag")
    if bool(int(seen[TRACE + "flag.a"][index])) != ("active" in words):
        wrong.append("tshark sees another Active flag")
    remaining, node_len, kind = (int(seen[TRACE + key][index], 0) for key in ("remlen", "nodelen", "type"))
    if remaining // (node_len + (1 if kind & 2 else 0)) != vector.packet["room_left"]:
        wrong.append(f"tshark sees RemainingLen {remaining}, NodeLen {node_len}")
    if (seen["ipv6.src"], seen["ipv6.dst"]) != ([vector.packet["source"]], [vector.packet["destination"]]):
        wrong.append("tshark sees other addresses")
    return wrong + check_nodes(vector, seen, skip) + check_context(vector, seen)


def main():
    vectors = [Vector(path) for path in sorted(glob.glob(os.path.join(HERE, "*.txt")))]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "all.pcapng")
        capture(vectors, path)
        rows = tshark(path)
        if len(rows) != len(vectors) or not vectors:
            sys.exit(f"{len(vectors)} vectors, tshark shows {len(rows)} packets")
        for vector, seen in zip(vectors, rows):
            wrong = check_decode(sys.argv[1], vector, folder) + check_tshark(vector, seen)
            failed += bool(wrong)
            for text in wrong:
                print(f"{vector.name}: {text}")
    print(f"{len(vectors)} vectors, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
