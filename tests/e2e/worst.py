# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What worst.sh needs.

    worst.py inject ADDRESS PORT TRIES TOPOLOGY   makes a random hop slow for one traced datagram, again and again; a line
                                                  for each: trace id, the name that is wanted
    worst.py judge STORE FILE TRIES               what the transfers name
"""
import random
import subprocess
import sys
import time

from stay import CONTEXT, SOL_HOPSPAN, udp

# The router, and what its egress is called where it is seen.
HOPS = (("r1", "r1 eth1"), ("r2", "r2 eth1"), ("r3", "r2 -> ? -> r4"), ("r4", "r4 eth1"))
SHAPER = "tbf rate 8mbit burst 3000 limit 1000000".split()
QUEUE_PACKETS, PACKET_LEN = 60, 1000  # 60 ms
DRAIN_S = 0.1


def qdisc(topology, node, verb, *words):
    subprocess.run(["tc", "-n", f"{topology}-{node}", "qdisc", verb, "dev", "eth1", "root", *words], check=True)


def inject(address, port, tries, topology):
    traced, other = udp(address, port), udp(address, port)
    random.seed(time.time_ns())
    for number in range(1, int(tries) + 1):
        node, name = random.choice(HOPS)
        trace_id = time.time_ns().to_bytes(8, "big") + number.to_bytes(8, "big")
        qdisc(topology, node, "replace", *SHAPER)
        for _ in range(QUEUE_PACKETS):
            other.send(bytes(PACKET_LEN))
        traced.setsockopt(SOL_HOPSPAN, CONTEXT, bytes([1, 1]) + bytes(6) + trace_id + trace_id[8:])
        traced.send(bytes(PACKET_LEN))
        time.sleep(DRAIN_S)
        qdisc(topology, node, "del")
        print(trace_id.hex(), name, flush=True)


def judge(store, path, tries):
    from complete import rows_read  # it needs packages that the sender does not

    with open(path, encoding="ascii") as lines:
        wanted = dict(line.rstrip("\n").split(" ", 1) for line in lines)
    if len(wanted) != int(tries):
        sys.exit(f"{len(wanted)} of {tries} datagrams were sent")
    transfers = {row.trace: row for row in rows_read(store) if row.role == "transfer"}
    wrong = 0
    for trace, name in wanted.items():
        if trace not in transfers:
            sys.exit(f"trace {trace} has no transfer")
        named = transfers[trace].attributes.get("hopspan.worst")
        if named != name:
            wrong += 1
            print(f"{trace}: {name} was slow, {named} is named: {transfers[trace].attributes['hopspan.about']}")
    print(f"{len(wanted) - wrong} of {len(wanted)} name the hop that was made slow")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    {"inject": inject, "judge": judge}[sys.argv[1]](*sys.argv[2:])
