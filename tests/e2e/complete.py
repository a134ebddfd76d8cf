# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Whether traces are whole: complete.py STORE [--again] [--jaeger URL] IDS...

--again: a collector was killed, so applications' spans may have been sent to it twice; copies count once.
--jaeger: Jaeger at this URL has each of these traces as the store has it, as whole, and does not warn.

IDS has a JSON line per request: trace_id, span_id of its CLIENT span. Prints what is wrong, a line each, then a summary;
exits 1 if anything is. Reads the store's batches with LZ4's own frames and OpenTelemetry's own protobuf classes.
"""

import argparse
import collections
import http.client
import json
import sqlite3
import sys
import urllib.parse

import lz4.frame
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SAMPLED_REMOTE_PARENT = 0x301  # W3C flags 01; "parent is remote" is known, and true
SAMPLED_LOCAL_PARENT = 0x101
RANDOM = 0x002  # W3C flag of trace ids that are random: as the application's SDK has it
SCOPE = "hopspan"
LZ4_FRAME = b"\x04\x22\x4d\x18"  # no request begins so: there is no field 0


def value_of(value):
    return getattr(value, value.WhichOneof("value"))


class Row:
    """A span, with what is asked of it here and in other tests."""

    __slots__ = ("network", "trace", "id", "parent", "name", "kind", "flags", "start", "end", "role", "direction", "attributes")

    def __init__(self, scope, ids, name, kind, flags, times, attributes):
        self.network = scope == SCOPE
        self.trace, self.id, self.parent = ids
        self.name, self.kind, self.flags = sys.intern(name), kind, flags
        self.start, self.end = times
        self.role, self.direction = attributes.get("hopspan.kind"), attributes.get("hopspan.direction")
        self.attributes = attributes

    def __str__(self):
        return f"trace {self.trace}, span {self.id} ({self.name})"


def row_of_protobuf(scope, span):
    ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
    times = span.start_time_unix_nano, span.end_time_unix_nano
    attributes = {each.key: value_of(each.value) for each in span.attributes}
    return Row(scope, ids, span.name, span.kind, span.flags, times, attributes)


def row_of_json(scope, span):
    ids = span["traceId"], span["spanId"], span.get("parentSpanId", "")
    times = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    attributes = {each["key"]: each["value"].get("stringValue") for each in span.get("attributes", [])}
    return Row(scope, ids, span["name"], span.get("kind", 0), span.get("flags", 0), times, attributes)


def without_attributes(row):
    """Of very many."""
    row.attributes = None
    return row


def unpacked(batch):
    return lz4.frame.decompress(batch) if batch.startswith(LZ4_FRAME) else batch


def rows_read(store):
    database = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    for (batch,) in database.execute("SELECT otlp FROM batch ORDER BY number"):
        for resource in ExportTraceServiceRequest.FromString(unpacked(batch)).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    yield row_of_protobuf(scope.scope.name, span)


def tree_faults(rows, by_id):
    """Ids are unique; each parent is there, and in the same trace."""
    for row in rows:
        if by_id[row.id] is not row:
            yield f"{row}: its id is also that of {by_id[row.id]}"
        if row.parent and row.parent not in by_id:
            yield f"{row}: its parent {row.parent} is missing"
        elif row.parent and by_id[row.parent].trace != row.trace:
            yield f"{row}: its parent is in trace {by_id[row.parent].trace}"


def network_faults(rows, by_id):
    """A transfer stands under the CLIENT span, and so does a retransmission, which begins in its time; all else of the
    network stands under a span of the network, within its time."""
    for row in rows:
        parent = by_id.get(row.parent)
        if not row.network or not parent:
            continue
        outer, again = row.role in ("transfer", "retransmission"), row.role == "retransmission"
        flags = SAMPLED_REMOTE_PARENT if outer else SAMPLED_LOCAL_PARENT
        if row.flags & ~RANDOM != flags:
            yield f"{row}: flags {row.flags:#x}, expected {flags:#x} or {flags | RANDOM:#x}"
        if outer and (parent.network or parent.kind != Span.SPAN_KIND_CLIENT):
            yield f"{row}: stands under {parent.name}, not under a CLIENT span"
        if not outer and not parent.network:
            yield f"{row}: stands under {parent.name}, not under a transfer"
        if row.end <= row.start:
            yield f"{row}: takes no time, of which Jaeger warns"
        if not parent.start <= row.start <= parent.end or (row.end > parent.end and not again):
            yield f"{row}: {row.start} to {row.end} is outside of {parent.name}, {parent.start} to {parent.end}"


def request_faults(requests, rows):
    """Each request has its two transfers under its own CLIENT span, each with hops below."""
    transfers = collections.defaultdict(list)
    parents = {row.parent for row in rows}
    for row in rows:
        if row.role == "transfer":
            transfers[row.trace, row.parent].append(row)
    for trace, span in requests:
        found = transfers.pop((trace, span), [])
        directions = sorted(row.direction for row in found)
        if directions != ["reply", "request"]:
            yield f"trace {trace}, span {span}: its transfers are {directions}, expected a reply and a request"
        for row in found:
            if row.id not in parents:
                yield f"{row}: has no hops"
    for (trace, span), found in transfers.items():
        yield f"trace {trace}, span {span}: {len(found)} transfers of no request that was made"


def client_faults(requests, rows):
    """The ids that the application wrote down are those of its CLIENT spans, in the same traces."""
    clients = {(row.trace, row.id) for row in rows if not row.network and row.kind == Span.SPAN_KIND_CLIENT}
    for trace, span in requests:
        if (trace, span) not in clients:
            yield f"trace {trace}, span {span}: the CLIENT span is not in the store"


class Jaeger:
    """Its query API over one kept connection."""

    def __init__(self, url):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)

    def spans(self, trace):
        """Pairs of scope and span."""
        self.connection.request("GET", f"/api/v3/traces/{trace}")
        response = self.connection.getresponse()
        answer = json.load(response)
        if response.status != 200:
            return
        for resource in answer["result"].get("resourceSpans", []):
            for scope in resource["scopeSpans"]:
                for span in scope.get("spans", []):
                    yield scope.get("scope", {}).get("name"), span


def warnings_of(span):
    return [each["value"] for each in span.get("attributes", []) if each["key"] == "@jaeger@warnings"]


def jaeger_faults(spans, stored, requests, counts):
    """One trace: it is whole, the same as in the store, and nothing is warned of."""
    found = [row_of_json(scope, span) for scope, span in spans]
    by_id = {row.id: row for row in found}
    for row, (_, span) in zip(found, spans):
        for warning in warnings_of(span):
            counts["warnings"] += 1
            yield f"{row}: Jaeger warns: {warning}"
    for row in stored - by_id.keys():
        yield f"span {row} is missing"
    for row in by_id.keys() - stored:
        yield f"{by_id[row]} is not in the store"
    yield from client_faults(requests, found)
    yield from request_faults(requests, found)
    yield from tree_faults(found, by_id)
    yield from network_faults(found, by_id)


def jaeger_read(url, requests, rows):
    """What is wrong with the traces there; prints how many spans they have."""
    jaeger, spans_of, requests_of = Jaeger(url), collections.defaultdict(set), collections.defaultdict(list)
    counts = collections.Counter()
    for row in rows:
        spans_of[row.trace].add(row.id)
    for trace, span in requests:
        requests_of[trace].append((trace, span))
    faults = []
    for trace, stored in spans_of.items():
        spans = list(jaeger.spans(trace))
        counts.update(traces=bool(spans), spans=len(spans))
        faults += (f"Jaeger: {fault}" for fault in jaeger_faults(spans, stored, requests_of[trace], counts))
    print(f"in Jaeger {counts['traces']} traces of {counts['spans']} spans; {counts['warnings']} warnings, {len(faults)} faults")
    return faults


def arguments_read():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("store")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--jaeger")
    parser.add_argument("ids", nargs="+")
    return parser.parse_args()


def main():
    arguments, requests = arguments_read(), []
    for name in arguments.ids:
        with open(name, encoding="ascii") as ids:
            requests += [(line["trace_id"], line["span_id"]) for line in map(json.loads, ids)]
    rows = [without_attributes(row) for row in rows_read(arguments.store)]
    if arguments.again:
        copies = {(row.id, row.trace, row.name, row.start, row.end): row for row in rows if not row.network}
        rows = [row for row in rows if row.network] + list(copies.values())
    by_id = {row.id: row for row in rows}
    faults = [
        *client_faults(requests, rows),
        *request_faults(requests, rows),
        *tree_faults(rows, by_id),
        *network_faults(rows, by_id),
    ]
    if arguments.jaeger:
        faults += jaeger_read(arguments.jaeger, requests, rows)
    for fault in faults[:50]:
        print(fault)
    transfers = collections.Counter(row.direction for row in rows if row.role == "transfer")
    print(
        f"{len(requests)} requests; {len(rows)} spans, {sum(row.network for row in rows)} of the network; "
        f"transfers: {transfers['request']} request, {transfers['reply']} reply; "
        f"{sum(row.role == 'retransmission' for row in rows)} retransmissions; {len(faults)} faults"
    )
    sys.exit(1 if faults or not requests else 0)


if __name__ == "__main__":
    main()
