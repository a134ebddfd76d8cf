# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""OpenTelemetry as shop and cart use it: the SDK's own OTLP exporter, to OTEL_EXPORTER_OTLP_ENDPOINT."""

import signal
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def start(service):
    """Returns the provider; its shutdown() sends what is left. SIGTERM ends the program through its finally blocks."""
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    return provider
