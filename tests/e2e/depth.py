# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What depth.sh needs: queues of known depth, and what packets say of them.

    depth.py run NETNS DEV ADDRESS PORT    fills the shaper at NETNS DEV step by step, sends stamped datagrams through it;
                                           a JSON line for each, with the depth that tc saw before and after it
    depth.py judge SENT ARRIVED            holds what arrived (lines of `hopspan decode`) against that
"""
import json
import socket
import struct
import subprocess
import sys
import time

SOL_HOPSPAN, CONTEXT = 0x6873, 1
TARGETS = [10_000, 20_000, 50_000, 100_000, 200_000, 350_000, 500_000]
STAMPED = 20  # a step
PORTION = 1000  # of what fills, octets
PACKET = 14 + 40 + 8 + PORTION
SLOW, FAST = "400kbit", "1gbit"
SHARE = 0.1
ROUTER = 2


class Shaper:
    def __init__(self, netns, dev):
        self.netns, self.dev = netns, dev

    def tc(self, *words):
        command = ["tc", "-n", self.netns, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def rate(self, rate):
        self.tc(*f"qdisc replace dev {self.dev} root handle 1: tbf rate {rate} burst 3000 limit 1000000".split())

    def depth(self):
        (root,) = json.loads(self.tc(*f"-s -j qdisc show dev {self.dev} root".split()))
        return root["backlog"]


def step(shaper, sock, target, serial):
    """The queue at `target` is kept there; each stamped datagram stands between two looks at it."""
    for i in range(STAMPED):
        missing = target - shaper.depth()
        sock.setsockopt(SOL_HOPSPAN, CONTEXT, struct.pack("BB30x", 1, 0))
        for _ in range(max(0, missing // PACKET)):
            sock.send(bytes(PORTION))
        trace_id = struct.pack("!QQ", 0x6465707468, serial + i)
        before = shaper.depth()
        sock.setsockopt(SOL_HOPSPAN, CONTEXT, struct.pack("BB6x", 1, 1) + trace_id + trace_id[8:])
        sock.send(bytes(PORTION))
        after = shaper.depth()
        print(json.dumps({"trace_id": trace_id.hex(), "target": target, "before": before, "after": after}))
    shaper.rate(FAST)
    while shaper.depth():
        time.sleep(0.01)
    shaper.rate(SLOW)


def run(netns, dev, address, port):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.connect((address, int(port)))
    shaper = Shaper(netns, dev)
    shaper.rate(SLOW)
    for number, target in enumerate(TARGETS):
        step(shaper, sock, target, 1 + number * STAMPED)


def lines(path):
    with open(path, encoding="ascii") as file:
        return list(map(json.loads, file))


def depth_reported(packet):
    (hop,) = (hop for hop in packet["hops"] if hop["node"] == ROUTER)
    return hop["queue_bytes"]


def judge(sent_path, arrived_path):
    sent = lines(sent_path)
    arrived = {packet["trace_id"]: packet for packet in lines(arrived_path)}
    wrong = []
    print(f"{'octets wanted':>14}{'tc saw, all':>20}{'packets said':>20}{'worst beyond tc':>18}")
    for target in TARGETS:
        here = [line for line in sent if line["target"] == target]
        said = [depth_reported(arrived[line["trace_id"]]) for line in here]
        seen = [depth for line in here for depth in (line["before"], line["after"])]
        beyond = []
        for line, depth in zip(here, said):
            low, high = sorted((line["before"], line["after"]))
            beyond.append(max(0, low - depth, depth - high))
            if beyond[-1] > max(PACKET, SHARE * depth):
                wrong.append(f"{line}: the packet says {depth}")
        print(f"{target:14}{min(seen):10}{max(seen):10}{min(said):10}{max(said):10}{max(beyond):18}")
        if not 0.9 * target - PACKET <= max(seen) <= 1.1 * target + 2 * PACKET:
            wrong.append(f"the queue was not filled to {target}, but to {max(seen)}")
    if wrong or len(sent) != STAMPED * len(TARGETS):
        sys.exit("\n".join([f"{len(sent)} stamped datagrams were sent", *wrong]))


if __name__ == "__main__":
    {"run": run, "judge": judge}[sys.argv[1]](*sys.argv[2:])
