# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What stay.sh needs.

    stay.py serve PORT                     swallows datagrams; says "listens"
    stay.py send ADDRESS PORT COUNT [bare] COUNT datagrams, one a millisecond, each within a trace of its own, or in none
    stay.py fill ADDRESS PORT              untraced bursts, each of them a queue that grows at once and drains slowly
    stay.py judge STORE BEFORE AFTER QUEUE COUNT
                                           the collector's stays and waits against the captures BEFORE and AFTER the
                                           router (lines of `hopspan decode`) and against QUEUE, of `router show`
"""
import json
import socket
import struct
import sys
import time

SOL_HOPSPAN, CONTEXT = 0x6873, 1
SEND_EVERY_S, SENT_LEN = 0.001, 200
BURST_EVERY_S, BURST_PACKETS, BURST_LEN = 0.2, 400, 1000

# A stay may be wrong by this, or by a share of itself; so may all but one packet of a hundred.
ERROR_NS, ERROR_SHARE, PERCENT = 20_000, 0.05, 99

# A packet is marked as arrived before the processor gets to it, and so to r1's stamp (stay.sh): on a busy machine that
# takes longer for a few.
LATE_SHARE = 0.05

# On a busy machine the kernel leaves out some runs of programs at tracepoints (docs/wait.md).
SEEN_SHARE = 0.98


def every(seconds):
    next_s = time.monotonic()
    while True:
        yield
        next_s += seconds
        time.sleep(max(0, next_s - time.monotonic()))


def udp(address, port):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.connect((address, int(port)))
    return sock


def serve(port):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.bind(("::", int(port)))
    print("listens", flush=True)
    while True:
        sock.recv(65536)


def send(address, port, count, bare=None):
    sock = udp(address, port)
    for i, _ in zip(range(1, int(count) + 1), every(SEND_EVERY_S)):
        trace_id = struct.pack("!QQ", time.time_ns(), i)
        if not bare:
            sock.setsockopt(SOL_HOPSPAN, CONTEXT, struct.pack("BB6x", 1, 1) + trace_id + trace_id[8:])
        sock.send(bytes(SENT_LEN))


def fill(address, port):
    sock = udp(address, port)
    for _ in every(BURST_EVERY_S):
        for _ in range(BURST_PACKETS):
            sock.send(bytes(BURST_LEN))


def capture_read(path, count):
    with open(path, encoding="ascii") as lines:
        packets = {packet["trace_id"]: packet for packet in map(json.loads, lines)}
    if len(packets) != count:
        sys.exit(f"{path}: {len(packets)} packets of {count}")
    return packets


def stays_read(store, traces):
    """Of each trace the stay in r1 and the wait in it."""
    from complete import rows_read  # it needs packages that the senders do not

    stays = {row.trace: row for row in rows_read(store) if row.role == "node" and row.name == "r1 eth1"}
    missing = traces - stays.keys()
    if missing:
        sys.exit(f"{store}: {len(missing)} packets have no stay in r1, as {missing.pop()}")
    return {trace: (row.end - row.start, row.attributes["hopspan.wait_ns"]) for trace, row in stays.items() if trace in traces}


def quantile(values, percent):
    """The least value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def allowed(truth_ns):
    return max(ERROR_NS, ERROR_SHARE * truth_ns)


def row_print(what, values):
    figures = "".join(f"{quantile(values, percent) / 1e3:12.1f}" for percent in (50, 90, 99, 100))
    print(f"{what:44}{figures}")


def stays_judge(stays, before, after):
    """The share of packets whose error is allowed; what is seen, apart for packets that met a queue and others."""
    errors, early, wrong = {}, {}, []
    for trace, (stay_ns, _) in stays.items():
        truth_ns = after[trace]["time_unix_ns"] - before[trace]["time_unix_ns"]
        errors[trace] = abs(stay_ns - truth_ns), truth_ns
        early[trace] = after[trace]["hops"][1]["time_unix_ns"] - before[trace]["time_unix_ns"]
        late_ns = early[trace] if early[trace] > ERROR_NS else 0
        if abs(stay_ns + late_ns - truth_ns) > allowed(truth_ns):
            wrong.append(trace)
    for name, queued in (("queue empty", False), ("queued", True)):
        some = [trace for trace, (_, wait_ns) in stays.items() if (wait_ns > 0) == queued]
        row_print(f"{name}, {len(some)} packets: captured stay", [errors[trace][1] for trace in some])
        row_print("  the collector's stay", [stays[trace][0] for trace in some])
        row_print("  their difference", [errors[trace][0] for trace in some])
        row_print("  from the capture to r1's stamp", [early[trace] for trace in some])
    late = [trace for trace in stays if early[trace] > ERROR_NS]
    print(f"{len(late)} packets waited for the processor before r1's stamp; of these what follows it is compared")
    wrong.sort(key=errors.get)
    print(f"beyond {ERROR_NS // 1000} us and {ERROR_SHARE:.0%} of the stay: {len(wrong)} of {len(stays)} packets")
    empty = [trace for trace in wrong if after[trace]["hops"][1]["queue_bytes"] == 0]
    print(f"  of them {len(empty)} met an empty queue, mostly of a shaper that had no tokens")
    for trace in wrong[-5:]:
        print(f"  packet {int(trace[16:], 16)}: stay {stays[trace][0]} ns, captured {errors[trace][1]}, of that "
              f"{early[trace]} before r1's stamp; queue {after[trace]['hops'][1]['queue_bytes']} octets")
    if len(late) > LATE_SHARE * len(stays):
        sys.exit("r1 stamps packets late")
    if 100 * len(wrong) > (100 - PERCENT) * len(stays):
        sys.exit("more of the collector's stays are wrong than may be")


def waits_judge(stays, queue):
    """The tracepoint's own measure of the same packets. Its quantiles are those of buckets, up to 6 % wide either way."""
    waits = [wait_ns for _, wait_ns in stays.values()]
    seen = (queue["wait_p50_ns"], queue["wait_p99_ns"], queue["wait_max_ns"])
    wanted = (quantile(waits, 50), quantile(waits, 99), max(waits))
    mean = queue["wait_sum_ns"] / queue["packets"], sum(waits) / len(waits)
    print(f"{'waits':20}{'packets':>12}{'mean':>12}{'50 %':>12}{'99 %':>12}{'longest':>12}")
    for name, packets, values in (
        ("tracepoint", queue["packets"], (mean[0], *seen)),
        ("collector", len(waits), (mean[1], *wanted)),
    ):
        print(f"{name:20}{packets:12}" + "".join(f"{value / 1e3:12.1f}" for value in values))
    if not SEEN_SHARE * len(waits) <= queue["packets"] <= len(waits):
        sys.exit("the tracepoint did not see each packet once")
    if abs(mean[0] - mean[1]) > allowed(mean[0]) or abs(seen[1] - wanted[1]) > 2 * allowed(wanted[1]):
        sys.exit("the collector's waits are not those that the tracepoint measured")


def judge(store, before, after, queue, count):
    before, after = (capture_read(path, int(count)) for path in (before, after))
    stays = stays_read(store, before.keys())
    with open(queue, encoding="ascii") as file:
        queue = json.load(file)
    print(f"{'us':44}{'50 %':>12}{'90 %':>12}{'99 %':>12}{'most':>12}")
    stays_judge(stays, before, after)
    waits_judge(stays, queue)
    if quantile([wait_ns for _, wait_ns in stays.values()], 80) < 100 * ERROR_NS:
        sys.exit("the queue was not filled: nothing is shown by this run")


if __name__ == "__main__":
    {"serve": serve, "send": send, "fill": fill, "judge": judge}[sys.argv[1]](*sys.argv[2:])
