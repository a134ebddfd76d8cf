# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A line of IP packets without Ethernet: tun.py NAMESPACE NAMESPACE makes a device tun0 in each and carries what leaves
the one to the other, both ways. Prints "carries" when both are there."""

import ctypes
import fcntl
import os
import select
import struct
import sys

CLONE_NEWNET, TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x40000000, 0x400454CA, 1, 0x1000


def tun_open(namespace):
    with open(f"/run/netns/{namespace}", "rb") as there:
        if ctypes.CDLL(None, use_errno=True).setns(there.fileno(), CLONE_NEWNET):
            sys.exit(f"{namespace}: {os.strerror(ctypes.get_errno())}")
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
    return tun


def main(*namespaces):
    ends = [tun_open(namespace) for namespace in namespaces]
    other = dict(zip(ends, reversed(ends)))
    print("carries", flush=True)
    while True:
        for tun in select.select(ends, [], [])[0]:
            try:
                os.write(other[tun], os.read(tun, 1 << 16))
            except OSError:
                pass  # the other end is not up yet


if __name__ == "__main__":
    main(*sys.argv[1:])
