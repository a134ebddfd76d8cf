#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Spans for a collector, and whether they are where they should be. A trace is a request; its number tells all of it.

    kafka.py send URL FIRST COUNT SPANS RATE   traces FIRST to FIRST + COUNT - 1, each of SPANS spans, RATE a second
    kafka.py read FILE FIRST COUNT SPANS       FILE has the octets of these, each span once and as it was sent
    kafka.py jaeger URL FIRST COUNT SPANS      Jaeger's query API has them, each once, and warns of nothing
"""

import concurrent.futures
import json
import sys
import time
import urllib.error
import urllib.request

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

START_NS = 1_795_226_400_000_000_000


def trace_id(number):
    return b"kafka.py" + number.to_bytes(8, "big")


def span_id(index):
    return (index + 1).to_bytes(8, "big")


def attribute(span, key, value):
    pair = span.attributes.add(key=key)
    if isinstance(value, int):
        pair.value.int_value = value
    else:
        pair.value.string_value = value


def request(number, spans):
    """A root and its children, with what a span of the network has."""
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    attribute(resource.resource, "service.name", "network")
    scope = resource.scope_spans.add()
    scope.scope.name = "load"
    for index in range(spans):
        start = START_NS + number * 1_000_000 + index * 1000
        span = scope.spans.add(trace_id=trace_id(number), span_id=span_id(index), name=f"r{index} eth1", kind=1)
        span.parent_span_id = span_id(0) if index else b""
        span.start_time_unix_nano = start
        span.end_time_unix_nano = start + 500 if index else start + spans * 1000
        span.flags = 0x301
        attribute(span, "hopspan.about", f"0.{number:06} ms in r{index}, 0.{index:03} of it waiting for eth1")
        attribute(span, "hopspan.kind", "node")
        attribute(span, "hopspan.node", f"r{index}")
        attribute(span, "hopspan.time_unix_ns", start)
        attribute(span, "hopspan.queue_bytes", number * index)
    return message


def post(url, body):
    """Until it is taken: what was not answered with 200 was not stored."""
    while True:
        try:
            with urllib.request.urlopen(
                urllib.request.Request(url, body, {"Content-Type": "application/x-protobuf"}), timeout=20
            ) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            time.sleep(0.1)


def send(url, first, count, spans, rate):
    begin = time.monotonic()
    for number in range(first, first + count):
        post(url, request(number, spans).SerializeToString())
        ahead = begin + (number - first + 1) / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
    took = time.monotonic() - begin
    print(f"sent {count} traces of {spans} spans in {took:.1f} s")


def read(file, first, count, spans):
    """Messages one after the other are one request."""
    seen, twice, wrong, missing = set(), 0, 0, 0
    with open(file, "rb") as stream:
        message = ExportTraceServiceRequest.FromString(stream.read())
    expected = {}
    for number in range(first, first + count):
        for span in request(number, spans).resource_spans[0].scope_spans[0].spans:
            expected[(span.trace_id, span.span_id)] = span.SerializeToString(deterministic=True)
    for resource in message.resource_spans:
        names = [pair.value.string_value for pair in resource.resource.attributes if pair.key == "service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                key = (span.trace_id, span.span_id)
                twice += key in seen
                seen.add(key)
                same = expected.get(key) == span.SerializeToString(deterministic=True)
                wrong += not (same and names == ["network"] and scope.scope.name == "load")
    missing = len(expected.keys() - seen)
    print(f"of {len(expected)} spans {missing} missing, {twice} twice, {wrong} not as sent")
    return missing or twice or wrong


def jaeger_trace(url, number, spans):
    """1 for each way in which the trace is not whole."""
    try:
        with urllib.request.urlopen(f"{url}/api/v3/traces/{trace_id(number).hex()}", timeout=20) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return 1
    found = [
        (span["spanId"], span.get("parentSpanId", ""), span["name"])
        for resource in json.loads(text)["result"]["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope.get("spans", [])
    ]
    expected = [
        (span.span_id.hex(), span.parent_span_id.hex(), span.name)
        for span in request(number, spans).resource_spans[0].scope_spans[0].spans
    ]
    return int(sorted(found) != sorted(expected) or b"@jaeger@warnings" in text)


def jaeger(url, first, count, spans):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        wrong = sum(pool.map(lambda number: jaeger_trace(url, number, spans), range(first, first + count)))
    print(f"of {count} traces {wrong} are not whole in Jaeger, or there twice, or with warnings")
    return wrong


def main(verb, where, *numbers):
    return {"send": send, "read": read, "jaeger": jaeger}[verb](where, *map(int, numbers))


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
