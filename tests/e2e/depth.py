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
FILLER_LEN = 14 + 40 + 8 + PORTION
STAMPED_LEN = FILLER_LEN + 168
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

    def wait(self, wanted):
        while not wanted(depth := self.depth()):
            time.sleep(0.002)
        return depth


def step(shaper, sock, target, serial):
    """The queue at `target` is kept there; each stamped datagram stands between two looks at it."""
    for i in range(STAMPED):
        there = shaper.wait(lambda depth: depth <= target)
        sock.setsockopt(SOL_HOPSPAN, CONTEXT, struct.pack("BB30x", 1, 0))
        for _ in range((target - there) // FILLER_LEN):
            sock.send(bytes(PORTION))
        trace_id = struct.pack("!QQ", 0x6465707468, serial + i)
        before = shaper.depth()
        sock.setsockopt(SOL_HOPSPAN, CONTEXT, struct.pack("BB6x", 1, 1) + trace_id + trace_id[8:])
        sock.send(bytes(PORTION))
        after = shaper.depth()
        print(json.dumps({"trace_id": trace_id.hex(), "target": target, "before": before, "after": after}))
    shaper.rate(FAST)
    shaper.wait(lambda depth: depth == 0)
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


def allowed(depth):
    return max(STAMPED_LEN, SHARE * depth)


def step_judge(target, looks, arrived):
    """Says what is wrong. Where the machine had other things to do between two looks they tell little: left out."""
    near = [line for line in looks if abs(line["before"] - line["after"]) <= allowed(line["before"])]
    said = {line["trace_id"]: depth_reported(arrived[line["trace_id"]]) for line in near}
    beyond = []
    for line in near:
        low, high = sorted((line["before"], line["after"]))
        beyond.append(max(0, low - said[line["trace_id"]], said[line["trace_id"]] - high))
        if beyond[-1] > allowed(low):
            yield f"{line}: the packet says {said[line['trace_id']]}"
    seen = [depth for line in near for depth in (line["before"], line["after"])]
    print(f"{target:8}{len(near):8}" + "".join(f"{value:9}" for value in (
        min(seen, default=0), max(seen, default=0), min(said.values(), default=0), max(said.values(), default=0),
        max(beyond, default=0))))
    if len(near) < STAMPED / 2:
        yield f"{target}: {len(near)} of {len(looks)} packets stand between two looks that are near each other"
    elif not target - STAMPED_LEN <= max(seen) <= target + 2 * STAMPED_LEN:
        yield f"the queue was not filled to {target}, but to {max(seen)}"


def judge(sent_path, arrived_path):
    sent = lines(sent_path)
    arrived = {packet["trace_id"]: packet for packet in lines(arrived_path)}
    wrong = [] if len(sent) == STAMPED * len(TARGETS) else [f"{len(sent)} stamped datagrams were sent"]
    print(f"{'wanted':>8}{'packets':>8}{'tc saw':>9}{'to':>9}{'they say':>9}{'to':>9}{'off by':>9}  octets")
    for target in TARGETS:
        wrong += step_judge(target, [line for line in sent if line["target"] == target], arrived)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    {"run": run, "judge": judge}[sys.argv[1]](*sys.argv[2:])
