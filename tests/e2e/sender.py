#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""OpenTelemetry's Python SDK as a sender: sender.py BATCHES SPANS sends so many batches of so many spans each to where
the environment says, and prints a line per span: trace id, span id, parent's id, name, start, end."""

import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult


class Held(SpanExporter):
    """Spans are exported a batch at a time, when told."""

    def __init__(self):
        self.spans = []

    def export(self, spans):
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS


def main(batches, count):
    held, exporter = Held(), OTLPSpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(held))
    tracer = provider.get_tracer("sender", "1.0")
    for batch in range(batches):
        with tracer.start_as_current_span(f"batch {batch}", kind=trace.SpanKind.CLIENT) as root:
            root.set_attribute("text", "wire \u00e9 \U0001f4e1")
            root.set_attribute("numbers", [1, 2, 3])
            for i in range(count - 1):
                with tracer.start_as_current_span(f"span {i}") as span:
                    span.add_event("event", {"real": 0.5})
        if exporter.export(held.spans) is not SpanExportResult.SUCCESS:
            sys.exit("the exporter says that it failed")
        for span in held.spans:
            parent = f"{span.parent.span_id:016x}" if span.parent else ""
            context = span.context
            print(f"{context.trace_id:032x}|{context.span_id:016x}|{parent}|{span.name}|{span.start_time}|{span.end_time}")
        held.spans.clear()


main(*map(int, sys.argv[1:]))
