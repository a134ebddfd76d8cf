# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Thousands of requests of random sizes on one connection, each with its own context, pipelined up to 16 deep.

    attribution.py plan FILE REQUESTS SEED          decides it all before
    attribution.py server PORT FILE RESULT          reads the requests, answers each
    attribution.py client ADDRESS PORT FILE [ISN]   sends them; ISN is the connection's initial sequence number

FILE has a line per context: what shadow_judge.py reads, then the pipeline's depth and the number of the group that
is corked together (-1: not corked). A context of size 0 is replaced before any byte of it.
"""

import hashlib
import random
import socket
import struct
import sys

LEVEL, CONTEXT = 0x6873, 1
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, SEND_QUEUE, REPAIR_OFF = 19, 20, 21, 2, -1
TRACE = bytes.fromhex("7c0de2a4f19b3305d1a2b7e90c4f6618")
DEPTH_MAX, ALONE_LAST, ANSWER = 16, 32, struct.Struct("!I")


def size_draw(dice):
    kind = dice.random()
    if kind < 0.75:
        return dice.randint(1, 1500)
    if kind < 0.96:
        return int(100 * 650 ** dice.random())
    return int(10000 * 100 ** dice.random())


def plan_write(path, requests, seed):
    """A third of the requests alone, the others in pipelines; the last ones alone, so that no range is left waiting."""
    dice, at, span, request, group = random.Random(int(seed)), 0, 0, 0, 0
    requests = int(requests)
    with open(path, "w", encoding="ascii") as file:
        while request < requests:
            alone = request < requests // 3 or request >= requests - ALONE_LAST
            depth = 1 if alone else dice.randint(2, DEPTH_MAX)
            members = min(1 if alone else dice.randint(1, depth), requests - request)
            corked = group if dice.random() < 0.5 else -1
            group += 1
            for _ in range(members):
                request += 1
                if dice.random() < 0.02:
                    span += 1
                    print(f"{span:016x} {at} 0 replaced {depth} {corked}", file=file)
                span += 1
                size = size_draw(dice)
                must = "never" if dice.random() < 0.15 else "always" if alone else "mostly"
                print(f"{span:016x} {at} {size} {must} {depth} {corked}", file=file)
                at += size


def plan_read(path):
    with open(path, encoding="ascii") as file:
        for line in file:
            span, _, size, must, depth, group = line.split()
            yield int(span, 16), int(size), must, int(depth), int(group)


def server(port, path, result):
    listener = socket.create_server(("::", int(port)), family=socket.AF_INET6)
    print("listens", flush=True)
    connection, _ = listener.accept()
    digest = hashlib.sha256()
    ends, at = [], 0
    for _, size, *_ in plan_read(path):
        at += size
        if size:
            ends.append(at)
    got = answered = 0
    while chunk := connection.recv(1 << 18):
        digest.update(chunk)
        got += len(chunk)
        answers = bytearray()
        while answered < len(ends) and ends[answered] <= got:
            answers += ANSWER.pack(answered)
            answered += 1
        connection.sendall(answers)
    with open(result, "w", encoding="ascii") as file:
        file.write(digest.hexdigest())


def set_context(connection, span, must):
    """Every other context that is not to be stamped is a cleared one, the others are not sampled."""
    cleared = must == "never" and span % 2
    value = struct.pack("!BB6x16s8s", 1, must != "never", bytes(16) if cleared else TRACE,
                        struct.pack("!Q", 0 if cleared else span))
    connection.setsockopt(LEVEL, CONTEXT, value)


def connect(address, port, isn, first):
    """The first context is set before the connection is there."""
    connection = socket.socket(socket.AF_INET6)
    if isn is not None:
        for option, value in (TCP_REPAIR, 1), (TCP_REPAIR_QUEUE, SEND_QUEUE):
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
        connection.setsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ, struct.pack("=I", int(isn)))
        connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF)
    set_context(connection, first[0], first[2])
    connection.connect((address, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def answers_await(connection, answered, until):
    while answered < until:
        number, = ANSWER.unpack(connection.recv(ANSWER.size, socket.MSG_WAITALL))
        if number != answered:
            sys.exit(f"answer {number}, expected {answered}")
        answered += 1
    return answered


def cork(connection, on):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, on)


def client(address, port, path, isn=None):
    plan = list(plan_read(path))
    connection = connect(address, port, isn, plan[0])
    noise = memoryview(random.Random(1).randbytes(2 << 20))
    digest, sent, answered, corked = hashlib.sha256(), 0, 0, -1
    for number, (span, size, must, depth, group) in enumerate(plan):
        if group != corked:
            cork(connection, 0)
            room = DEPTH_MAX if group >= 0 and depth > 1 else depth  # a group that is held back waits for no answer
            members = sum(entry[4] == group and entry[1] > 0 for entry in plan[number:number + 2 * DEPTH_MAX])
            if group >= 0:
                answered = answers_await(connection, answered, sent + members - room)
                cork(connection, 1)
            corked = group
        if group < 0:
            answered = answers_await(connection, answered, sent + 1 - depth)
        if number:
            set_context(connection, span, must)
        if size:
            data = noise[span % 1000003:][:size]
            connection.sendall(data)
            digest.update(data)
            sent += 1
    cork(connection, 0)
    answers_await(connection, answered, sent)
    connection.shutdown(socket.SHUT_WR)
    connection.recv(1)
    print(digest.hexdigest())


if __name__ == "__main__":
    {"plan": plan_write, "server": server, "client": client}[sys.argv[1]](*sys.argv[2:])
