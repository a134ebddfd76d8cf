# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Whether a store's traces are whole: complete.py STORE [--again] IDS...

--again: a collector was killed, so applications' spans may have been sent to it twice; copies count once.

IDS has a JSON line per request: trace_id, span_id of its CLIENT span. Prints what is wrong, a line each, then a summary;
exits 1 if anything is. Reads the store's batches with LZ4's own frames and OpenTelemetry's own protobuf classes.
"""

import collections
import json
import sqlite3
import sys

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
    """A span, with what is asked of it here."""

    def __init__(self, scope, span):
        self.network = scope == SCOPE
        self.trace, self.id, self.parent = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
        self.name, self.kind, self.flags = span.name, span.kind, span.flags
        self.start, self.end = span.start_time_unix_nano, span.end_time_unix_nano
        self.attributes = {each.key: value_of(each.value) for each in span.attributes}
        self.role, self.direction = self.attributes.get("hopspan.kind"), self.attributes.get("hopspan.direction")

    def __str__(self):
        return f"trace {self.trace}, span {self.id} ({self.name})"


def unpacked(batch):
    return lz4.frame.decompress(batch) if batch.startswith(LZ4_FRAME) else batch


def rows_read(store):
    database = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    for (batch,) in database.execute("SELECT otlp FROM batch ORDER BY number"):
        for resource in ExportTraceServiceRequest.FromString(unpacked(batch)).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    yield Row(scope.scope.name, span)


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
    """A transfer stands under the CLIENT span; all else of the network under a span of the network, within its time."""
    for row in rows:
        parent = by_id.get(row.parent)
        if not row.network or not parent:
            continue
        transfer = row.role == "transfer"
        flags = SAMPLED_REMOTE_PARENT if transfer else SAMPLED_LOCAL_PARENT
        if row.flags & ~RANDOM != flags:
            yield f"{row}: flags {row.flags:#x}, expected {flags:#x} or {flags | RANDOM:#x}"
        if transfer and (parent.network or parent.kind != Span.SPAN_KIND_CLIENT):
            yield f"{row}: stands under {parent.name}, not under a CLIENT span"
        if not transfer and not parent.network:
            yield f"{row}: stands under {parent.name}, not under a transfer"
        if row.end < row.start:
            yield f"{row}: ends before it starts"
        if row.start < parent.start or row.end > parent.end:
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


def main():
    requests, again = [], "--again" in sys.argv
    for name in sys.argv[2 + again:]:
        with open(name, encoding="ascii") as ids:
            requests += [(line["trace_id"], line["span_id"]) for line in map(json.loads, ids)]
    rows = list(rows_read(sys.argv[1]))
    if again:
        copies = {(row.id, row.trace, row.name, row.start, row.end): row for row in rows if not row.network}
        rows = [row for row in rows if row.network] + list(copies.values())
    by_id = {row.id: row for row in rows}
    faults = [
        *client_faults(requests, rows),
        *request_faults(requests, rows),
        *tree_faults(rows, by_id),
        *network_faults(rows, by_id),
    ]
    for fault in faults[:50]:
        print(fault)
    transfers = collections.Counter(row.direction for row in rows if row.role == "transfer")
    print(
        f"{len(requests)} requests; {len(rows)} spans, {sum(row.network for row in rows)} of the network; "
        f"transfers: {transfers['request']} request, {transfers['reply']} reply; {len(faults)} faults"
    )
    sys.exit(1 if faults or not requests else 0)


if __name__ == "__main__":
    main()
