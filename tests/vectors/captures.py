#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Captures for decode.sh, octet by octet: a vector in the frames of each link that hopspan decode reads."""
import json
import os
import struct
import sys

from check import HERE, Vector

MACS = bytes.fromhex("020000000002020000000001")
IPV6 = b"\x86\xdd"
SECOND = 1_000_000_000


def vector(name):
    return Vector(os.path.join(HERE, name + ".txt"))


def write(name, link, frames, wanted=None, order="<", nanoseconds=True):
    """frames: (time in ns, octets)."""
    path = os.path.join(sys.argv[1], name)
    with open(path + ".pcap", "wb") as out:
        magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
        out.write(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link))
        for time, octets in frames:
            part = time % SECOND // (1 if nanoseconds else 1000)
            out.write(struct.pack(order + "IIII", time // SECOND, part, len(octets), len(octets)) + octets)
    if wanted:
        with open(path + ".json", "w") as out:
            for packet in wanted:
                print(json.dumps(packet, separators=(",", ":")), file=out)


def nflog(packet, order="<"):
    """Family, version, resource; then attributes, the last one the packet, all filled to 4 octets."""
    def attr(kind, value):
        return struct.pack(order + "HH", len(value) + 4, kind) + value + bytes(-len(value) % 4)
    return struct.pack("!BBH", 10, 0, 1) + attr(1, IPV6 + b"\0\0") + attr(10, b"x\0") + attr(9, packet)


def main():
    stamped = vector("default-1")
    packet, time = stamped.octets, stamped.time
    wanted = stamped.packet | {"hops": stamped.hops}
    plain = vector("no-hop-by-hop").octets
    arp = (time - 1, MACS + b"\x08\x06" + bytes(28))
    ethernet = MACS + IPV6 + packet
    write("ethernet", 1, [arp, (time, ethernet), (time, MACS + IPV6 + plain), (time, MACS)], [wanted])
    write("vlan", 1, [(time, MACS + b"\x81\x00\x00\x07" + IPV6 + packet)], [wanted])
    write("vlans", 1, [(time, MACS + b"\x88\xa8\x00\x07\x81\x00\x00\x08" + IPV6 + packet)], [wanted])
    write("padded", 1, [(time, MACS + IPV6 + packet + bytes(9))], [wanted])
    write("raw", 101, [(time, packet), (time, b"\x45" + bytes(39))], [wanted])
    write("ipv6", 229, [(time, packet)], [wanted])
    write("cooked", 113, [(time, struct.pack("!HHH8s", 0, 1, 6, bytes(8)) + IPV6 + packet)], [wanted])
    write("cooked2", 276, [(time, IPV6 + struct.pack("!HIHBB8s", 0, 2, 1, 0, 6, bytes(8)) + packet)], [wanted])
    write("nflog", 239, [(time, nflog(packet)), (time, nflog(packet)[:11])], [wanted])
    write("nflog-swapped", 239, [(time, nflog(packet, ">"))], [wanted], order=">")
    write("microseconds", 1, [(time + 999, ethernet)], [wanted], nanoseconds=False)
    write("big-endian", 1, [(time, ethernet)], [wanted], order=">")
    write("usb", 189, [(time, bytes(64))])
    later = stamped.packet | {"time_unix_ns": time + 5, "hops": stamped.hops}
    write("nanoseconds", 1, [(time + 5, ethernet)], [later])
    write("two", 1, [(time, ethernet), (time + 5, ethernet)], [wanted, later])
    bad = [(time, MACS + IPV6 + vector(name).octets)
           for name in ("bad-padding-data", "bad-node-len", "bad-padding-long")]
    write("bad", 1, bad + [(time, ethernet)])


if __name__ == "__main__":
    main()
