#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""What a router wrote in three namespaces under two configurations, as tshark reads it.

    namespaces_judge.py CAPTURE NODE_WIDE META CONFIGURATION...

A configuration is NAMESPACE:TIME:DATA:DATA_WIDE:SCHEMA_ID:SCHEMA,... with "-" for what is not set. Every packet has one
node's data that one of the configurations has written, all of it; each configuration and namespace occurs. Times are
within a second of the capture's. Without metadata (META 0) there is no delay in the first second of a time format.
"""
import collections
import subprocess
import sys

NODE = "ipv6.opt.ioam.trace.node."
FIELDS = ("frame.number", "frame.time_epoch", "ipv6.hlim", "ipv6.opt.ioam.trace.ns", "ipv6.opt.ioam.trace.flag.o",
          NODE + "tss", NODE + "tsf", NODE + "nsdata", NODE + "nsdata_wide", NODE + "oss.scid", NODE + "oss.data",
          NODE + "oss.len", NODE + "hlim", NODE + "id", NODE + "id_wide", NODE + "iif", NODE + "eif",
          NODE + "trdelay", NODE + "qdepth", NODE + "iif_wide", NODE + "eif_wide")
INVALID = ("nodelen", "remlen", "type")
TAI = 37
NTP = 2208988800


def rows(capture):
    command = ["tshark", "-n", "-r", capture, "-T", "fields", "-Y", "udp && ipv6.opt.ioam.trace.ns"]
    for field in FIELDS:
        command += ["-e", field]
    read = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in read.stdout.splitlines():
        yield dict(zip(FIELDS, line.split("\t")))


def number(text):
    return int(text.replace(":", "") or "-1", 16 if text.startswith("0x") else 10)


def unix_time(form, row):
    seconds, fraction = number(row[NODE + "tss"]), number(row[NODE + "tsf"])
    if form == "ptp":
        return seconds - TAI + fraction / 1e9 if fraction < 10**9 else None
    if form == "ntp":
        return seconds - NTP + fraction / 2**32
    return seconds + fraction / 1e6 if fraction < 10**6 else None


def data_of(row):
    octets = row[NODE + "oss.data"].replace(":", "")
    scid = number(row[NODE + "oss.scid"])
    return (number(row[NODE + "nsdata"]), number(row[NODE + "nsdata_wide"]), scid, octets)


def wanted_of(text):
    namespace, form, data, wide, schema_id, schema = text.split(":")
    none = {"data": 0xFFFFFFFF, "wide": 0xFFFFFFFFFFFFFFFF, "id": 0xFFFFFF}
    return int(namespace), form, (none["data"] if data == "-" else int(data),
                                  none["wide"] if wide == "-" else int(wide),
                                  none["id"] if schema_id == "-" else int(schema_id), "" if schema == "-" else schema)


def judge(row, configurations, node_wide):
    """The number of the configuration that has written this packet's data, or what is wrong with it."""
    namespace = number(row["ipv6.opt.ioam.trace.ns"])
    for index, configuration in enumerate(configurations):
        form, data = configuration[namespace]
        if data != data_of(row):
            continue
        seen = unix_time(form, row)
        if seen is None or abs(seen - float(row["frame.time_epoch"])) > 1:
            return f"time {row[NODE + 'tss']} {row[NODE + 'tsf']} is not {form}"
        if row[NODE + "hlim"].split(",") != [row["ipv6.hlim"]] * 2 or number(row[NODE + "id_wide"]) != node_wide:
            return f"hop limit or id: {row}"
        if number(row[NODE + "qdepth"]) > (0 if row["ipv6.hlim"] == "63" else 65536):  # the forwarder's own queue
            return f"queue {row[NODE + 'qdepth']}"
        return index
    return f"no configuration writes {data_of(row)}"


class Delays:
    """Each packet has its delay, unless the time format is too new for one."""

    def __init__(self, meta):
        self.meta, self.now, self.since = meta, {}, {}

    def judge(self, row, namespace, index):
        at, delay = float(row["frame.time_epoch"]), number(row[NODE + "trdelay"])
        if self.now.get(namespace, index) != index:
            self.since[namespace] = at
        self.now[namespace] = index
        fresh = at - self.since.get(namespace, 0) < 1.1
        return delay < 10**9 or (delay == 0xFFFFFFFF and fresh and not self.meta)


def main():
    capture, node_wide, delays = sys.argv[1], int(sys.argv[2], 0), Delays(sys.argv[3] == "1")
    configurations = []
    for text in sys.argv[4:]:
        configurations.append({namespace: (form, data) for namespace, form, data in map(wanted_of, text.split(","))})
    seen = collections.Counter()
    for row in rows(capture):
        verdict = judge(row, configurations, node_wide)
        if isinstance(verdict, str):
            sys.exit(f"packet {row['frame.number']}, namespace {row['ipv6.opt.ioam.trace.ns']}: {verdict}\n{row}")
        namespace = number(row["ipv6.opt.ioam.trace.ns"])
        if not delays.judge(row, namespace, verdict):
            sys.exit(f"packet {row['frame.number']}: delay {row[NODE + 'trdelay']}\n{row}")
        seen[verdict, namespace] += 1
    for index, configuration in enumerate(configurations):
        for namespace in configuration:
            if not seen[index, namespace]:
                sys.exit(f"configuration {index} wrote nothing in namespace {namespace}: {seen}")
    print(f"{sum(seen.values())} packets: {dict(seen)}")


if __name__ == "__main__":
    main()
