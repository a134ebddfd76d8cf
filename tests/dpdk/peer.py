#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""A host's part in the live test: echo ADDRESS COUNT, serve FILE, send ADDRESS FILE, stamp ADDRESS COUNT,
frames DEV (sends raw frames and prints them), capture DEV COUNT (prints those that come)."""
import socket
import struct
import sys

PORT = 7411
MARK = bytes.fromhex("020068730001")  # the raw frames' source address


def udp6():
    return socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)


def echo(address, count):
    """ICMPv6 echo, each answered before the next; the kernel fills in the checksum."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    sock.settimeout(10)
    for number in range(int(count)):
        request = struct.pack(">BBHHH", 128, 0, 0, 0x6873, number) + bytes(1000)
        sock.sendto(request, (address, 0))
        while sock.recv(2048)[4:8] != request[4:8]:
            pass
    print(count, "answered")


def serve(path):
    listener = socket.create_server(("::", PORT), family=socket.AF_INET6)
    connection, _ = listener.accept()
    with open(path, "wb") as out:
        while octets := connection.recv(1 << 16):
            out.write(octets)


def send(address, path):
    with socket.create_connection((address, PORT), timeout=60) as connection, open(path, "rb") as source:
        connection.sendfile(source)


def stamp(address, count):
    """UDP with an empty trace from a stock host: hop limit and id, interfaces, time, delay, queue; room for two."""
    trace = struct.pack(">HHI", 0x6873, 6 << 11 | 12, 0xFA0000 << 8) + bytes(48)
    option = bytes([0x31, 2 + len(trace), 0, 0]) + trace
    header = bytes([0, 7, 1, 0]) + option
    sock = udp6()
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, header)
    for _ in range(int(count)):
        sock.sendto(b"hopspan!", (address, PORT))


def raw(device):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.bind((device, 0))
    return sock


def frames(device):
    broadcast, lldp = b"\xff" * 6, bytes.fromhex("0180c200000e")
    sock = raw(device)
    for frame in (
        broadcast + MARK + b"\x08\x06" + bytes(range(46)),
        lldp + MARK + b"\x88\xcc" + bytes(range(46)),
        broadcast + MARK + b"\x81\x00\x60\x05\x86\xdd" + bytes(range(100)),
        broadcast + MARK + b"\x81\x00\x00\x07\x08\x00" + bytes(1500),
        broadcast + MARK + b"\x88\xa8\x00\x08\x08\x00" + bytes(range(100)),
        broadcast + MARK + b"\x88\xa8\x00\x08\x81\x00\x60\x05\x86\xdd" + bytes(range(100)),
        broadcast + MARK + b"\x08\x00" + bytes(1500),
    ):
        sock.send(frame)
        print(frame.hex())


def capture(device, count):
    """Prints frames that frames() sent, tags put back where the kernel has taken them out."""
    sock = raw(device)
    sock.setsockopt(263, 8, 1)  # SOL_PACKET, PACKET_AUXDATA
    print("ready", file=sys.stderr, flush=True)
    left = int(count)
    while left:
        frame, ancillary, _, _ = sock.recvmsg(4096, 128)
        for _, _, data in ancillary:
            status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", data[:20])
            if status & 0x10:  # TP_STATUS_VLAN_VALID
                frame = frame[:12] + struct.pack(">HH", tpid, tci) + frame[12:]
        if frame[6:12] == MARK:
            print(frame.hex())
            left -= 1


globals()[sys.argv[1]](*sys.argv[2:])
