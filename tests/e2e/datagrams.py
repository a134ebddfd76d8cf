#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""UDP with contexts. The first 16 octets of each datagram are the trace id that it must carry, zeros for none.

    datagrams.py server                        ports below, until it is killed; says "listens"
    datagrams.py client ADDRESS CASE           sends, prints what it found wrong
    datagrams.py judge SEGMENTS                reads tshark's lines: udp payload, snapshots; says what was seen

Ports: 7100 swallows; 7101 answers with the trace id that HOPSPAN_RECEIVED tells; 7102 is connected to port 7202 of the
first peer and answers it, two at once where the request says so.
"""
import os
import socket
import struct
import subprocess
import sys
import threading
import time

SOL_HOPSPAN, CONTEXT, RECEIVED = 0x6873, 1, 2
UDP_SEGMENT = 103
NONE = bytes(16)
serial = 0


def new_id():
    global serial
    serial += 1
    return struct.pack("!QQ", 0x68737564, serial)


def set_context(sock, trace_id):
    span = trace_id[8:] if any(trace_id) else bytes(8)
    sock.setsockopt(SOL_HOPSPAN, CONTEXT, struct.pack("BB6x", 1, 1) + trace_id + span)


def received(sock):
    return sock.getsockopt(SOL_HOPSPAN, RECEIVED, 40)


def udp(port=0):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("::", port))
    return sock


def serve_received(sock):
    while True:
        data, peer = sock.recvfrom(65536)
        try:
            told = received(sock)
            sock.sendto(told[8:24] + data[:16], peer)
        except OSError as error:
            sock.sendto(NONE + str(error.errno).encode(), peer)


def serve_connected(sock):
    _, peer = sock.recvfrom(65536)
    sock.connect(peer)
    sock.send(NONE + b"answer")
    while True:
        data = sock.recv(65536)
        if data[16:20] == b"two ":
            other = sock.recv(65536)
            sock.send(NONE + b"first")
            sock.send(NONE + b"second")
            assert other
        else:
            sock.send(data[:16] + b"answer")


def server():
    sockets = [udp(7100), udp(7101), udp(7102)]
    threading.Thread(target=serve_received, args=sockets[1:2], daemon=True).start()
    threading.Thread(target=serve_connected, args=sockets[2:3], daemon=True).start()
    print("listens", flush=True)
    while True:
        sockets[0].recv(65536)


def send(sock, trace_id, expected, length=100):
    set_context(sock, trace_id)
    sock.send(expected + bytes(length - 16))


def each(address):
    """Each datagram its own context; connected and not; cleared; unsampled."""
    sock = udp()
    sock.connect((address, 7100))
    for _ in range(100):
        trace_id = new_id()
        send(sock, trace_id, trace_id)
        sock.send(NONE + b"the context has had its datagram")
    send(sock, NONE, NONE)
    span = b"12345678"
    sock.setsockopt(SOL_HOPSPAN, CONTEXT, struct.pack("BB6x", 1, 0) + new_id() + span)
    sock.send(NONE + b"not sampled")
    loose = udp()
    for _ in range(50):
        trace_id = new_id()
        set_context(loose, trace_id)
        loose.sendto(trace_id + bytes(40), (address, 7100))
    corked = udp()
    corked.connect((address, 7100))
    trace_id = new_id()
    set_context(corked, trace_id)
    corked.send(trace_id, socket.MSG_MORE)
    corked.send(b"second half")


def told(address):
    """The server is told the context of each datagram as it comes."""
    sock = udp()
    sock.connect((address, 7101))
    sock.settimeout(10)
    for _ in range(50):
        trace_id = new_id()
        send(sock, trace_id, trace_id)
        answer = sock.recv(100)
        assert answer == trace_id * 2, (trace_id, answer)


def waits(address):
    """Two datagrams wait for the neighbour's address while the context changes; the first question for it is lost."""
    sock = udp()
    sock.connect((address, 7100))
    subprocess.run(["ip", "-6", "neigh", "flush", "dev", "eth0"], check=True)
    send(sock, new_id(), NONE)
    send(sock, new_id(), NONE)
    for _ in range(1000):
        if b"lladdr" in subprocess.run(["ip", "-6", "neigh", "show", address], capture_output=True, check=True).stdout:
            break
        time.sleep(0.01)
    trace_id = new_id()
    send(sock, trace_id, trace_id)


def child(address):
    """A process sends by a socket whose context another one has set."""
    sock = udp()
    sock.connect((address, 7100))
    set_context(sock, new_id())
    if os.fork() == 0:
        sock.send(NONE + b"from the child")
        trace_id = new_id()
        send(sock, trace_id, trace_id)
        os._exit(0)
    os.wait()


def sizes(address):
    """Full datagrams and segmented ones go as they are; room shrinks with what is left below the MTU."""
    sock = udp()
    sock.connect((address, 7100))
    for length in range(1240, 1453, 4):
        trace_id = new_id()
        send(sock, trace_id, trace_id if length <= 1452 - 72 else NONE, length)
    sock.setsockopt(socket.SOL_UDP, UDP_SEGMENT, 500)
    send(sock, new_id(), NONE, 1400)


def route(address):
    """The route's MTU is 1400: datagrams that would pass it stay bare."""
    sock = udp()
    sock.connect((address, 7100))
    for length in range(1200, 1353, 4):
        trace_id = new_id()
        send(sock, trace_id, trace_id if length <= 1352 - 72 else NONE, length)


def replies(address):
    """Answers carry the context back, but of a socket not yet connected and with two requests open at once."""
    sock = udp(7202)
    sock.connect((address, 7102))
    sock.settimeout(10)
    for i in range(51):
        trace_id = new_id()
        send(sock, trace_id, trace_id)
        assert sock.recv(100) == (trace_id if i else NONE) + b"answer"
    for _ in range(2):
        trace_id = new_id()
        set_context(sock, trace_id)
        sock.send(trace_id + b"two ")
    assert sock.recv(100)[16:] + sock.recv(100)[16:] == b"firstsecond"


CASES = {f.__name__: f for f in (each, told, waits, child, sizes, route, replies)}


def judge(path):
    seen = stamped = wrong = 0
    for line in open(path):
        payload, snapshots = (line.rstrip("\n").split("\t") + [""])[:2]
        ids = [s[:32] for s in snapshots.split(",") if len(s) == 56]
        wanted = payload[:32]
        seen += 1
        stamped += bool(ids)
        if ids != ([wanted] if wanted.strip("0") else []):
            print(f"wanted {wanted}, carries {ids}: {payload[32:80]}")
            wrong += 1
    print(f"{seen} datagrams, {stamped} stamped, {wrong} wrong")
    return not seen or wrong > 0


if __name__ == "__main__":
    if sys.argv[1] == "server":
        server()
    elif sys.argv[1] == "client":
        CASES[sys.argv[3]](sys.argv[2])
    else:
        sys.exit(judge(sys.argv[2]))
