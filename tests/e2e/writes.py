# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Ways of writing to a TCP socket, a line each.

    writes.py server
    writes.py client ADDRESS HOPSPAN WAY PLAN       the table
    writes.py one ADDRESS PORT WORDS                a case alone

A line's words are done in turn. A capital letter sets that context, "-" clears it, a number writes so many octets; the
other words are the methods of Case. Behind them stands which stamped packets must leave, in that order: a capital is a
packet that carries the header itself, a small letter a shadow; [AB] means one each, whatever way and order. Last, what
the counters must have moved by ("sent_again" is the capture's: segments sent more than once).

The client writes PLAN for writes_judge.py: an object per case.
"""

import array
import errno
import fcntl
import hashlib
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

LEVEL, CONTEXT = 0x6873, 1
TRACE = bytes.fromhex("7c0de2a4f19b3305d1a2b7e90c4f6618")
SO_ZEROCOPY, MSG_ZEROCOPY, MSG_FASTOPEN, TCP_FASTOPEN_CONNECT = 60, 0x4000000, 0x20000000, 30
TCP_ULP, SOL_TLS, TLS_TX, TLS_1_2, TLS_AES_GCM_128 = 31, 282, 1, 0x0303, 51
IPV6_HOPOPTS, IPV6_DSTOPTS, IPV6_RTHDR = 54, 59, 57
SYN_SENT = 2

# Ports and what is peculiar there; writes.sh sets the losses up.
PLAIN, SYN_LOST, FASTOPEN, SLOW, LOST_1, LOST_3 = PORTS = range(7000, 7006)

TABLE = (
    # name                             port       words                                     stamped    counters
    ("before connect",                 PLAIN,     "A connect 100",                          "A",       "range_opened 1"),
    ("while connecting",               SYN_LOST,  "connecting A established 100",           "A",       "range_opened 1"),
    ("before and while connecting",    SYN_LOST,  "A connecting B established 100",         "B",       "range_opened 2"),
    ("after connect",                  PLAIN,     "connect 50 A 100 100",                   "A",       ""),
    ("fast open: all went in the SYN", FASTOPEN,  "A fastopen:100 B 100",                   "B",       "range_unstamped 1"),
    ("fast open: more than the SYN",   FASTOPEN,  "A fastopen:3000",                        "[A]",     ""),
    ("fast open at first write",       FASTOPEN,  "later A 100 acked 100",                  "A",       ""),
    ("fast open refused: sent again",  PLAIN,     "A fastopen:100 acked B 100",             "B",       "bare_retransmission 1"),
    ("cleared",                        PLAIN,     "connect A 100 - 100 B 100",              "A B",     "range_replaced 0"),
    ("cleared before any byte",        PLAIN,     "connect A - 100",                        "",        "range_replaced 1"),
    ("twice at one place",             PLAIN,     "connect A B 100",                        "B",       "range_replaced 1"),
    ("twice at one place, one sent",   PLAIN,     "connect A 100 B C 100",                  "A C",     "range_replaced 1"),
    ("two threads take turns",         PLAIN,     "connect threads:20",                     "40",      "range_opened 40"),
    ("one request, many writes",       PLAIN,     "connect A 1 10 100 1000 100 10 1",       "A",       "range_opened 1"),
    ("a vector",                       PLAIN,     "connect A vector:10,20,30 B vector:1,1", "A B",     ""),
    ("full size",                      PLAIN,     "connect A 1428 B 1428",                  "a b",     ""),
    ("segmentation offload",           PLAIN,     "connect A 14280",                        "a",       "stamped_shadow 1"),
    ("corked",                         PLAIN,     "connect cork A 10 B 20 C 30 uncork",     "b c A",   "stamped_shadow 2"),
    ("corked, first one cleared",      PLAIN,     "connect cork - 10 B 20 C 30 uncork",     "c B",     "stamped_shadow 1"),
    ("MSG_MORE",                       PLAIN,     "connect A more:10 B more:10 C 10",       "b c A",   "stamped_shadow 2"),
    ("corked with the stream's end",   PLAIN,     "connect cork A 100 B 100",               "b A",     ""),
    ("urgent",                         PLAIN,     "connect A urgent:1 B 10",                "A B",     ""),
    ("Nagle's algorithm",              PLAIN,     "connect nagle A 10 B 10 C 10 D 10",      "[ABCD]",  ""),
    ("sendfile, small",                PLAIN,     "connect A sendfile:1000 B sendfile:10",  "A B",     ""),
    ("sendfile, large",                PLAIN,     "connect A sendfile:14000 B 100",         "[AB]",    ""),
    ("sendfile behind its head",       PLAIN,     "connect A more:200 sendfile:1000 B 10",  "A B",     ""),
    ("splice",                         PLAIN,     "connect A splice:1000 B splice:10",      "A B",     ""),
    ("MSG_ZEROCOPY, small",            PLAIN,     "connect A zerocopy:1000 B zerocopy:10",  "A B",     ""),
    ("MSG_ZEROCOPY, large",            PLAIN,     "connect A zerocopy:14000 B 100",         "[AB]",    ""),
    ("kernel TLS, a context a record", PLAIN,     "connect tls A 100 B 1000 C 10",          "A B C",   ""),
    ("small window, slow reader",      SLOW,      "connect A 3000 B 9000 C 90000 D 9 E 9",  "[ABCDE]", ""),
    ("waited for the neighbour",       PLAIN,     "connect forget A 100 remember acked B 9", "B",      "bare_retransmission 1"),
    ("tail loss probe",                LOST_1,    "connect A 100 acked B 100",              "A B",     "sent_again 1"),
    ("sent again, the next one set",   LOST_1,    "connect A 100 B acked 100",              "A B",     "bare_retransmission 1"),
    ("first of five lost",             LOST_1,    "connect A 9 B 9 C 9 D 9 E 9",            "A B C D E", "sent_again 1"),
    ("lost three times",               LOST_3,    "connect A 100 acked B 100",              "A B",     "sent_again 3"),
    ("16 in one segment",              PLAIN,     "connect cork many:16 uncork",            "16",      "stamped_shadow 15"),
    ("64 in one segment",              PLAIN,     "connect cork many:64 uncork",            "16",      "range_forgotten 0"),
    ("100 in one segment",             PLAIN,     "connect cork many:100 uncork",           "16",      "range_forgotten 36"),
    ("48 sorted out, 8 a segment",     PLAIN,     "connect cork many:64 uncork after:6",    "18",      "range_unstamped 47"),
)


class Missing(Exception):
    """What this kernel lacks for a case."""


class Case:
    """A connection under way: its socket, and its contexts with the octets that are theirs."""

    def __init__(self, number, address, port):
        self.number, self.address = number, (address, port)
        self.socket = socket.socket(socket.AF_INET6)
        self.socket.settimeout(60)
        self.noise = random.Random(number).randbytes(1 << 18)
        self.digest, self.at, self.record_len = hashlib.sha256(), 0, 0
        self.contexts = []  # [span, first octet, end]

    def word(self, word):
        name, _, value = word.partition(":")
        if word == "-":
            self.context_set(0, bytes(16))
        elif word.isdigit():
            self.written(int(word), self.socket.sendall)
        elif len(word) == 1:
            self.context_set(self.number << 16 | ord(word))
        elif value:
            getattr(self, name)(value)
        else:
            getattr(self, name)()

    def context_set(self, span, trace=TRACE):
        self.socket.setsockopt(LEVEL, CONTEXT, struct.pack("!BB6x16sQ", 1, 1, trace, span))
        self.contexts.append([span, self.at, self.at])

    def written(self, octets, write):
        """A write of the next octets, all of them."""
        data = (self.noise[self.at % 1000:] * (1 + octets // 250000))[:octets]
        self.digest.update(data)
        self.at += octets + self.record_len
        if self.contexts:
            self.contexts[-1][2] = self.at
        write(data)

    def nodelay(self):
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connect(self):
        self.socket.connect(self.address)
        self.nodelay()

    def connecting(self):
        self.socket.setblocking(False)
        if self.socket.connect_ex(self.address) != errno.EINPROGRESS:
            sys.exit("connect does not wait")

    def established(self):
        """It was on its way when the words before this one were done."""
        if self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != SYN_SENT:
            sys.exit("established before the context was set")
        select.select([], [self.socket], [])
        self.socket.settimeout(60)
        self.nodelay()

    def later(self):
        self.socket.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
        self.connect()

    def fastopen(self, octets):
        """What the SYN cannot carry is written behind it."""
        self.nodelay()
        self.written(int(octets), lambda data: self.socket.sendall(
            data[self.socket.sendto(data, MSG_FASTOPEN, self.address):]))

    def nagle(self):
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)

    def cork(self):
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)

    def uncork(self):
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    def more(self, octets):
        self.written(int(octets), lambda data: self.socket.sendall(data, socket.MSG_MORE))

    def urgent(self, octets):
        self.written(int(octets), lambda data: self.socket.sendall(data, socket.MSG_OOB))

    def vector(self, lengths):
        lengths = list(map(int, lengths.split(",")))
        self.written(sum(lengths), lambda data: self.socket.sendmsg(
            [data[sum(lengths[:i]):sum(lengths[:i + 1])] for i in range(len(lengths))]))

    def sendfile(self, octets):
        with tempfile.TemporaryFile() as file:
            self.written(int(octets), lambda data: (file.write(data), file.seek(0), self.socket.sendfile(file)))

    def splice(self, octets):
        out, into = os.pipe()
        self.written(int(octets), lambda data: (os.write(into, data), os.splice(out, self.socket.fileno(), len(data))))
        os.close(out)
        os.close(into)

    def zerocopy(self, octets):
        """Until the kernel says that it needs the octets no more; they stay what they were till then."""
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
        self.written(int(octets), lambda data: self.socket.sendall(data, MSG_ZEROCOPY))
        poll = select.poll()
        poll.register(self.socket, 0)  # errors alone
        poll.poll(60000)
        self.socket.recvmsg(0, 512, socket.MSG_ERRQUEUE)

    def tls(self):
        """Records have a header, a nonce and a tag."""
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"tls")
        except OSError as error:
            raise Missing(f"no TLS in this kernel ({error.strerror})") from error
        self.socket.setsockopt(SOL_TLS, TLS_TX, struct.pack("=HH36s", TLS_1_2, TLS_AES_GCM_128, bytes(range(36))))
        self.record_len = 5 + 8 + 16

    def acked(self):
        """All that was written has reached the peer's kernel."""
        waiting = array.array("i", [1])
        while waiting[0]:
            fcntl.ioctl(self.socket, termios.TIOCOUTQ, waiting)
            time.sleep(0.001)

    def forget(self):
        """The neighbour's link address, which is not to be had until `remember`."""
        self.acked()
        subprocess.run(["nft", "add table ip6 deaf; add chain ip6 deaf in { type filter hook prerouting priority 0; };"
                        "add rule ip6 deaf in icmpv6 type nd-neighbor-advert drop"], check=True)
        subprocess.run(["ip", "-6", "neigh", "del", self.address[0], "dev", "eth0"], check=True)

    def remember(self):
        subprocess.run(["nft", "delete table ip6 deaf"], check=True)

    def sticky(self, option, value):
        """An extension header of the application's own, on each packet from here on."""
        self.socket.setsockopt(socket.IPPROTO_IPV6, option, value)

    def options(self):
        self.sticky(IPV6_HOPOPTS, bytes((0, 0, 1, 4, 0, 0, 0, 0)))

    def destination(self):
        self.sticky(IPV6_DSTOPTS, bytes((0, 0, 1, 4, 0, 0, 0, 0)))

    def routing(self):
        """Segment routing with the one segment; a peer that takes no part in it drops the packets."""
        self.sticky(IPV6_RTHDR, bytes((0, 2, 4, 0, 0, 0, 0, 0)) + socket.inet_pton(socket.AF_INET6, self.address[0]))

    def plain(self):
        for option in IPV6_HOPOPTS, IPV6_DSTOPTS, IPV6_RTHDR:
            self.sticky(option, b"")

    def full(self):
        """A queue that takes acknowledgements alone, until it is gone."""
        subprocess.run("tc qdisc replace dev eth0 root bfifo limit 150".split(), check=True)

    def empty(self):
        subprocess.run("tc qdisc del dev eth0 root".split(), check=True)

    def moved(self, program):
        """Somebody else's program on mac0, which moves sequence numbers before they come to the device below."""
        self.acked()
        subprocess.run("tc qdisc add dev mac0 clsact".split(), check=True)
        subprocess.run(f"tc filter add dev mac0 egress bpf da obj {program} sec move".split(), check=True)

    def unmoved(self):
        subprocess.run("tc qdisc del dev mac0 clsact".split(), check=True)

    def refused(self, name):
        """The kernel has no room for the context, or (of version 2) it is none; the application goes on without."""
        value = struct.pack("!BB6x16sQ", 2 if name == "EINVAL" else 1, 1, TRACE, 1)
        try:
            self.socket.setsockopt(LEVEL, CONTEXT, value)
        except OSError as error:
            if error.errno == getattr(errno, name):
                return
        sys.exit(f"no {name}")

    def many(self, count):
        for number in range(int(count)):
            self.context_set(self.number << 16 | 256 + number)
            self.written(1, self.socket.sendall)

    def after(self, count):
        """Segments one by one, each of which sorts out some of the ranges that waited in vain; then a request."""
        for _ in range(int(count)):
            self.written(1, self.socket.sendall)
        self.acked()
        self.word("Z")
        self.written(10, self.socket.sendall)

    def threads(self, count):
        """Two threads on the socket; what they agree on is who sets a context and writes next."""
        turn = threading.Lock()

        def requests(thread):
            for number in range(int(count)):
                with turn:
                    self.context_set(self.number << 16 | thread << 8 | number)
                    self.written(10 + number, self.socket.sendall)
        both = [threading.Thread(target=requests, args=(1 + thread,)) for thread in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()

    def end(self):
        """The peer closes when it has read all."""
        self.socket.shutdown(socket.SHUT_WR)
        digest = self.socket.recv(64, socket.MSG_WAITALL)
        if not self.record_len and digest != self.digest.hexdigest().encode():
            sys.exit(f"the stream is another one: {digest}")
        self.socket.recv(1)


def counters(hopspan):
    def run(*words):
        return json.loads(subprocess.run([hopspan, "-j", *words], check=True, capture_output=True).stdout)
    return {**run("status")["cgroups"][0]["sockopt"], **run("host", "show")[0]["stamp"]}


def case_run(number, row, address, hopspan):
    name, port, words, stamped, counted = row
    case = Case(number, address, port)
    before = counters(hopspan)
    try:
        for word in words.split():
            case.word(word)
    except Missing as missing:
        if os.environ.get("HOPSPAN_GUEST"):
            sys.exit(f"{name}: {missing}, and in a guest there must be all")
        print(f"# {name}: not tried, {missing}")
        return None
    source = case.socket.getsockname()[1]
    case.end()
    after = counters(hopspan)
    moved = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key, 0)}
    return {"name": name, "ports": f"{source},{port}", "contexts": case.contexts, "stamped": stamped, "counted": counted,
            "moved": moved}


def client(address, hopspan, way, plan):
    wanted = os.environ.get("WRITES", "")
    done = [case_run(number, row, address, hopspan) for number, row in enumerate(TABLE, 1) if wanted in row[0]]
    with open(plan, "w", encoding="ascii") as file:
        json.dump({"way": way, "cases": [case for case in done if case]}, file)


def one(address, port, words):
    case = Case(1, address, int(port))
    for word in words.split():
        case.word(word)
    case.end()


def serve(connection, port):
    """Sends the digest of what came back."""
    digest = hashlib.sha256()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    while chunk := connection.recv(1000 if port == SLOW else 1 << 18):
        digest.update(chunk)
        if port == SLOW:
            time.sleep(0.001)
    connection.sendall(digest.hexdigest().encode())
    connection.close()


def accept(port):
    listener = socket.socket(socket.AF_INET6)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if port == SLOW:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    if port == FASTOPEN:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
    listener.bind(("::", port))
    listener.listen()
    return listener


def server():
    listeners = {listener.fileno(): listener for listener in map(accept, PORTS)}
    print("listens", flush=True)
    while True:
        for listener in select.select(listeners.values(), [], [])[0]:
            port = listener.getsockname()[1]
            threading.Thread(target=serve, args=(listener.accept()[0], port), daemon=True).start()


if __name__ == "__main__":
    {"server": server, "client": client, "one": one}[sys.argv[1]](*sys.argv[2:])
