#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A capture of many requests' packets: capture.py FILE COUNT writes COUNT stamped packets, each of a trace of its own, all
over three routers, 1000 a second."""

import os
import re
import struct
import sys

DLT_RAW, TRACE, SPAN = 101, bytes.fromhex("7c0de2a4f19b3305d1a2b7e90c4f6618"), bytes.fromhex("b9c7c989f97918e1")


def vector(name):
    packet = b""
    with open(os.path.join(os.path.dirname(__file__), f"../vectors/{name}.txt"), encoding="utf-8") as file:
        text = file.read()
    for line in text.splitlines():
        packet += bytes.fromhex(re.sub(r"#.*", "", line))
    return int(re.search(r"^# time: (\d+)", text, re.M)[1]), packet


def main(path, count):
    start_ns, packet = vector("default-3")
    assert packet.count(TRACE) == 1 and packet.count(SPAN) == 1
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, DLT_RAW))
        for i in range(count):
            seconds, ns = divmod(start_ns, 10**9)
            body = packet.replace(TRACE, os.urandom(16)).replace(SPAN, os.urandom(8))
            file.write(struct.pack("<IIII", seconds + i // 1000, ns + i % 1000, len(body), len(body)) + body)


main(sys.argv[1], int(sys.argv[2]))
