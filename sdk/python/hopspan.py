# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Tell the network which span a socket is working for (see hopspan.h).

    import hopspan
    hopspan.instrument()

is all that a program with OpenTelemetry needs whose requests go through http.client, as those of requests, urllib3,
urllib and boto3 do. Others call set_context() before they write to their socket. Without hopspan on the host nothing
happens.
"""

import errno
import functools
import http.client
import struct
import weakref

from opentelemetry import trace

SOL_HOPSPAN = 0x6873
HOPSPAN_CONTEXT = 1
HOPSPAN_RECEIVED = 2
CONTEXT_VERSION = 1

# hopspan is not at work here; the socket is none, or neither TCP nor UDP.
_IGNORED = (errno.ENOPROTOOPT, errno.ENOTSOCK, errno.EOPNOTSUPP)
_RECEIVED = struct.Struct("=BB6x16s8sQ")
_KINDS = (trace.SpanKind.CLIENT, trace.SpanKind.PRODUCER)
_span_ids = weakref.WeakKeyDictionary()  # of the sockets, which take no attributes


def set_context(sock, span_context):
    """What is written to the socket from now on belongs to this span; an invalid span context: to none.

    Returns whether the kernel took it.
    """
    trace_id, span_id = (span_context.trace_id, span_context.span_id) if span_context.is_valid else (0, 0)
    ids = trace_id.to_bytes(16, "big") + span_id.to_bytes(8, "big")
    value = struct.pack("!BB6x24s", CONTEXT_VERSION, span_context.trace_flags, ids)
    try:
        sock.setsockopt(SOL_HOPSPAN, HOPSPAN_CONTEXT, value)
    except OSError as error:
        if error.errno not in _IGNORED:
            raise
        return False
    return True


def received(sock):
    """What the peer's latest stamped packet to this socket carried: its span context, and when it came.

    The time is in ns of time.monotonic_ns(). None: nothing has come, or hopspan is not at work here.
    """
    try:
        value = sock.getsockopt(SOL_HOPSPAN, HOPSPAN_RECEIVED, _RECEIVED.size)
    except OSError as error:
        if error.errno not in (*_IGNORED, errno.ENODATA):
            raise
        return None
    _, flags, trace_id, span_id, time_ns = _RECEIVED.unpack(value)
    ids = (int.from_bytes(octets, "big") for octets in (trace_id, span_id))
    return trace.SpanContext(*ids, is_remote=True, trace_flags=trace.TraceFlags(flags)), time_ns


def follow_span(sock):
    """Gives the socket the current span if that is a client's or producer's, else takes back an earlier one."""
    span = trace.get_current_span()
    context = span.get_span_context()
    if not context.is_valid or getattr(span, "kind", None) not in _KINDS:
        context = trace.INVALID_SPAN_CONTEXT
    if _span_ids.get(sock, 0) == context.span_id:
        return  # headers and body may be separate writes
    _span_ids[sock] = context.span_id
    try:
        set_context(sock, context)
    except OSError:
        pass  # a request must not fail for its measurement


def instrument():
    """From now on the sockets of http.client follow the current span."""
    send = http.client.HTTPConnection.send
    if hasattr(send, "__wrapped__"):
        return

    @functools.wraps(send)
    def follow_and_send(self, data):
        if self.sock is None and self.auto_open:
            self.connect()
        if self.sock is not None:
            follow_span(self.sock)
        return send(self, data)

    http.client.HTTPConnection.send = follow_and_send


def uninstrument():
    http.client.HTTPConnection.send = getattr(
        http.client.HTTPConnection.send, "__wrapped__", http.client.HTTPConnection.send
    )
