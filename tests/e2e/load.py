#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Spans at a rate, from an application that does not give up.

    load.py URL RATE SECONDS FILE    so many spans a second to URL; what was answered with 200 is added to FILE
    load.py check URL FILE           whether Jaeger's query API at URL has each span of FILE once, and no other of
                                     its traces

A trace has TRACE spans and comes in batches of BATCH; a batch that is not answered is sent again, unchanged.
"""

import http.client
import json
import os
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service

BATCH, TRACE = 100, 200


def batch_make(trace_id, first):
    request = service.ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    attribute = resource.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", "load"
    spans = resource.scope_spans.add().spans
    now = time.time_ns()
    for i in range(first, first + BATCH):
        span = spans.add(trace_id=trace_id, span_id=(i + 1).to_bytes(8, "big"), name="load", kind=1)
        span.start_time_unix_nano, span.end_time_unix_nano = now + i, now + i + 1000
        if i:
            span.parent_span_id = (1).to_bytes(8, "big")
    return request.SerializeToString()


class Sender:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.address, self.path, self.connection = (parts.hostname, parts.port), parts.path or "/v1/traces", None

    def try_once(self, body):
        self.connection = self.connection or http.client.HTTPConnection(*self.address, timeout=10)
        self.connection.request("POST", self.path, body, {"Content-Type": "application/x-protobuf"})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status == 200

    def send(self, body):
        while True:
            try:
                if self.try_once(body):
                    return
            except (OSError, http.client.HTTPException):
                self.connection.close()
                self.connection = None
            time.sleep(0.05)


def load(url, rate, seconds, path):
    sender, start, sent = Sender(url), time.monotonic(), 0
    with open(path, "a", encoding="utf-8") as file:
        while sent < rate * seconds:
            trace_id = os.urandom(16)
            for first in range(0, TRACE, BATCH):
                sender.send(batch_make(trace_id, first))
                file.write(f"{trace_id.hex()} {first + 1} {first + BATCH}\n")
                file.flush()
                sent += BATCH
                time.sleep(max(0, start + sent / rate - time.monotonic()))
    print(f"{sent} spans in {time.monotonic() - start:.1f} s")


def spans_of(url, trace_id):
    try:
        with urllib.request.urlopen(f"{url}/api/v3/traces/{trace_id}", timeout=30) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError:
        return []
    return [
        span
        for resource in found["result"].get("resourceSpans", [])
        for scope in resource["scopeSpans"]
        for span in scope.get("spans", [])
    ]


def check(url, path):
    expected, wrong = {}, 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            trace_id, first, last = line.split()
            expected.setdefault(trace_id, set()).update(f"{i:016x}" for i in range(int(first), int(last) + 1))
    for trace_id, ids in expected.items():
        seen = Counter(span["spanId"] for span in spans_of(url, trace_id))
        missing, twice = ids - set(seen), [i for i, count in seen.items() if count > 1]
        wrong += len(missing) + len(twice)
        if missing or twice:
            print(f"{trace_id}: {len(missing)} missing, {len(twice)} twice")
    print(f"{sum(map(len, expected.values()))} spans in {len(expected)} traces, {wrong} wrong")
    sys.exit(bool(wrong))


if sys.argv[1] == "check":
    check(*sys.argv[2:])
else:
    load(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
