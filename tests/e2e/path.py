# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Requests without end, one after the other on each connection, and what their packets say.

    path.py server PORT
    path.py client ADDRESS PORT CONNECTIONS    a line per answer: connection, request, latency in ns, retransmissions
                                               (with PIECES in the environment: segments of a request, the first stamped)
    path.py datagrams ADDRESS PORT             the same with datagrams: a line per answer, ends when one does not come
    path.py judge LIMITS... <FIELDS            packets as path_packets prints them; LIMITS: NAME=NUMBER, NAME<=NUMBER, ...
"""

import os
import re
import socket
import struct
import sys
import threading
import time

LEVEL, CONTEXT = 0x6873, 1
PIECE_LEN, PIECES, PAUSE_S = 200, int(os.environ.get("PIECES", "1")), 0.02
TCP_INFO_TOTAL_RETRANS_AT = 100


def answer(connection):
    with connection:
        while piece := connection.recv(PIECE_LEN, socket.MSG_WAITALL):
            if piece[0]:  # the last of a request
                connection.sendall(b"+")


def answer_datagrams(port):
    """From the address that was asked: the host has several."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        receiver.bind(("::", int(port)))
        while True:
            _, where, _, sender = receiver.recvmsg(PIECE_LEN, 128)
            receiver.sendmsg([b"+"], where, 0, sender)


def server(port):
    threading.Thread(target=answer_datagrams, args=(port,), daemon=True).start()
    listener = socket.create_server(("::", int(port)), family=socket.AF_INET6, backlog=128)
    print("listens", flush=True)
    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


def retransmissions(connection):
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 128)
    return struct.unpack_from("=I", info, TCP_INFO_TOTAL_RETRANS_AT)[0]


def requests(number, address, port):
    connection = socket.create_connection((address, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for request in range(1, 1 << 30):
        connection.setsockopt(LEVEL, CONTEXT, struct.pack("!BB6x16sQ", 1, 1, os.urandom(16), number << 32 | request))
        begin = time.monotonic_ns()
        for left in range(PIECES - 1, -1, -1):
            connection.sendall(bytes([not left]) + bytes(PIECE_LEN - 1))
        if connection.recv(1) != b"+":
            sys.exit("the server has closed a connection")
        latency = time.monotonic_ns() - begin
        os.write(1, f"{number} {request} {latency} {retransmissions(connection)}\n".encode())
        time.sleep(PAUSE_S)


def client(address, port, connections):
    for number in range(1, int(connections) + 1):
        threading.Thread(target=requests, args=(number, address, port)).start()


def datagrams(address, port):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        sender.connect((address, int(port)))
        sender.settimeout(10)
        for request in range(1, 1 << 30):
            sender.setsockopt(LEVEL, CONTEXT, struct.pack("!BB6x16sQ", 1, 1, os.urandom(16), request))
            sender.send(bytes(PIECE_LEN))
            sender.recv(1)
            print(request, flush=True)
            time.sleep(PAUSE_S)


class Packets:
    """One destination's packets with data or options: time, stream, TCP sequence and length, option, Active.

    Repeats are all; stamped_repeated those of segments that went stamped, each once: a slow machine repeats for its
    own reasons, also what was repeated already.
    """

    def __init__(self, lines):
        self.seen, self.stamped = set(), set()
        kinds = "stamped", "shadows", "repeats", "stamped_repeated", "bare", "stamped_before_shadow"
        self.times = {kind: [] for kind in kinds}
        for line in lines:
            self.add(*line.rstrip("\n").split("\t"))

    def add(self, when, stream, seq, length, namespace, active):
        shadow = active in ("1", "True")
        if not shadow and length == "0":
            return
        kind = "shadows" if shadow else "stamped" if namespace else "bare"
        if kind == "stamped" and not self.times["shadows"]:
            kind = "stamped_before_shadow"
        if (stream, seq) in self.stamped and not shadow:
            self.times["stamped_repeated"].append(float(when))
            self.stamped.remove((stream, seq))
        if not shadow and (stream, seq) in self.seen:
            kind = "repeats"
        elif namespace and not shadow:
            self.stamped.add((stream, seq))
        if not shadow:
            self.seen.add((stream, seq))
        self.times[kind].append(float(when))

    def counts(self):
        counts = {name: len(times) for name, times in self.times.items()}
        first = min(self.times["stamped_repeated"], default=float("inf"))
        counts["stamped_after_repeat"] = sum(when > first for when in self.times["stamped"])
        counts["shadows_after_stamped"] = sum(
            when > max(self.times["stamped"], default=0) for when in self.times["shadows"]
        )
        return counts

    def times_text(self):
        times = self.times
        words = []
        begin = min(when for kind in times.values() for when in kind)
        if times["stamped"]:
            words.append(f"first stamped packet {times['stamped'][0] - begin:.3f} s after the first packet")
        if times["stamped"] and times["stamped_repeated"]:
            last = times["stamped"][-1] - times["stamped_repeated"][0]
            words.append(f"last one {abs(last):.3f} s {'after' if last > 0 else 'before'} the first repeat")
        return "; ".join(words)


def judge(*limits):
    packets = Packets(sys.stdin)
    counts = packets.counts()
    print(counts, packets.times_text())
    for limit in limits:
        name, how, number = re.fullmatch(r"(\w+)(<=|>=|=)(\d+)", limit).groups()
        seen, number = counts[name], int(number)
        if not {"=": seen == number, "<=": seen <= number, ">=": seen >= number}[how]:
            sys.exit(f"{name}: {seen}, expected {limit}")


if __name__ == "__main__":
    {"server": server, "client": client, "datagrams": datagrams, "judge": judge}[sys.argv[1]](*sys.argv[2:])
