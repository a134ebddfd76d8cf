# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The frames that dpdk.py has forwarded: made from the vector of the default stamp, read again when they came out."""
import os
import random
import struct
import subprocess

VECTOR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../vectors/default-0.txt")
ETHERNET_LEN, IPV6_LEN, HEADER_LEN, UDP_LEN = 14, 40, 168, 8
PAYLOAD_LEN_AT, NEXT_HEADER_AT, HEADER_AT = ETHERNET_LEN + 4, ETHERNET_LEN + 6, ETHERNET_LEN + IPV6_LEN
LENGTHS_AT, DATA_AT = HEADER_AT + 10, HEADER_AT + 16  # NodeLen, flags, RemainingLen; node data
TAGGED_LEN_MIN = HEADER_AT + HEADER_LEN + UDP_LEN + 2  # what 64 octets become
WORD, NODE_WORDS, HOPS = 4, 6, 4
UDP, NODE_ID = 17, 7
PACKETS = 500  # in a capture: all of them stay in a processor's second cache
FIELDS = ["remlen", "node.id", "node.hlim", "node.iif", "node.eif", "node.tsf", "node.trdelay"]
INVALID = " || ".join("ipv6.opt.ioam.trace.invalid_" + what for what in ("nodelen", "remlen", "type"))


def frame(length, number, tagged):
    """A UDP datagram in a frame of that length. What is not tagged has the header, too, but is said to be UDP."""
    text = "".join(line.split("#")[0] for line in open(VECTOR, encoding="utf-8"))
    vector = bytes.fromhex(text)
    octets = bytearray(struct.pack("!6sIH", bytes(6), 0x02000000, number) + b"\x86\xdd" + vector[:IPV6_LEN])
    if length >= TAGGED_LEN_MIN:
        octets += vector[IPV6_LEN:IPV6_LEN + HEADER_LEN]
        octets[HEADER_AT] = UDP
    udp_len = length - len(octets)
    octets += struct.pack("!HHHH", 40000, 4433, udp_len, 0xffff) + bytes(udp_len - UDP_LEN)
    octets[PAYLOAD_LEN_AT:PAYLOAD_LEN_AT + 2] = struct.pack("!H", length - HEADER_AT)
    octets[NEXT_HEADER_AT] = 0 if tagged else UDP
    return bytes(octets)


def frames(length, share=100):
    """Of each hundred so many tagged, in any order: those with the lower numbers."""
    numbers = list(range(PACKETS))
    random.Random(length).shuffle(numbers)
    return [frame(length, number, number < PACKETS * share // 100) for number in numbers]


def full(octets):
    """The same with its overflow flag set: the highest of four, behind NodeLen."""
    return octets[:LENGTHS_AT] + bytes([octets[LENGTHS_AT] | 0x04]) + octets[LENGTHS_AT + 1:]


def capture_write(path, octets):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for each in octets:
            out.write(struct.pack("<IIII", 0, 0, len(each), len(each)) + each)


def capture_read(path):
    octets, result, at = open(path, "rb").read(), [], 24
    while at < len(octets):
        length = struct.unpack_from("<I", octets, at + 8)[0]
        result.append(octets[at + 16:at + 16 + length])
        at += 16 + length
    return result


def has_room(octets):
    return octets[NEXT_HEADER_AT] == 0 and not octets[LENGTHS_AT] & 0x04


def without_node(octets):
    """Without what a node may change where there is room: RemainingLen, and the first hop's data."""
    slot = DATA_AT + (HOPS - 1) * NODE_WORDS * WORD
    return octets[:LENGTHS_AT] + octets[LENGTHS_AT + 2:slot] + octets[slot + NODE_WORDS * WORD:]


def tshark(path, words):
    return subprocess.run(["tshark", "-r", path] + words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
                          text=True).stdout.splitlines()


def wrong(path_in, path_out):
    """What is wrong with what came out, or None: octets by themselves, node data by tshark's reading."""
    before, after = capture_read(path_in), capture_read(path_out)
    if len(before) != len(after):
        return f"{len(after)} of {len(before)} frames came out"
    for number, (old, new) in enumerate(zip(before, after), 1):
        if (without_node(old), len(old)) != (without_node(new), len(new)) if has_room(old) else old != new:
            return f"frame {number} was changed"
    words = ["-T", "fields", "-E", "occurrence=f", "-E", "separator=/s", "-e", "frame.number"]
    for field in FIELDS:
        words += ["-e", "ipv6.opt.ioam.trace." + field]
    read = {int(line.split()[0]): line.split()[1:] for line in tshark(path_out, words) if line.split()[1:]}
    for number, old in enumerate(before, 1):
        if not has_room(old):
            continue
        *known, fraction, delay = read[number]
        if known != [str((HOPS - 1) * NODE_WORDS), f"0x{NODE_ID:06x}", "64", "0x0001", "0x0002"] or not (
                int(fraction, 0) < 10**9 and int(delay, 0) < 10**9):
            return f"frame {number}: tshark reads {read[number]}"
    if tshark(path_out, ["-Y", INVALID]):
        return "tshark finds a trace invalid"
    return None
