"""W3C trace context across HTTP, outbox, bus and webhook, and spans to whoever collects them.

Spans are recorded and exported only when `LAUREL_OTLP_ENDPOINT` is set; the context travels either way, so that a
platform's trace goes on through us.
"""

import os
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from opentelemetry.trace import Link, Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

_PROPAGATOR = TraceContextTextMapPropagator()
tracer = trace.get_tracer("laurel")


def setup_tracing(service: str, endpoint: str | None) -> TracerProvider:
    """Install the process's tracer. `endpoint` is an OTLP/HTTP base URL, or None to export nothing.

    A trace begun by another is sampled as its beginner decided. One begun here is sampled when it can be exported;
    else its spans are mere ids, which cost little.
    """
    resource = Resource.create({"service.name": f"laurel-{service}", "service.instance.id": f"{service}-{os.getpid()}"})
    sampler = ParentBased(ALWAYS_ON if endpoint else ALWAYS_OFF)
    provider = TracerProvider(resource=resource, sampler=sampler, shutdown_on_exit=False)
    if endpoint:
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=2)
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    trace.set_tracer_provider(provider)
    return provider


def current_traceparent() -> str | None:
    """The `traceparent` of the span in progress, or None outside any."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def current_trace_id() -> str | None:
    """The trace in progress as 32 hexadecimal digits, or None outside any."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def inject(headers: MutableMapping[str, str]) -> None:
    """Add `traceparent` (and `tracestate`) of the span in progress to the headers of a request going out."""
    _PROPAGATOR.inject(headers)


def context_of(traceparent: str | None, tracestate: str | None = None) -> Context:
    """The remote context a header names; an empty one for None or nonsense."""
    if not traceparent:
        return Context()
    carrier = {"traceparent": traceparent}
    if tracestate:
        carrier["tracestate"] = tracestate
    return _PROPAGATOR.extract(carrier, context=Context())


@contextmanager
def span_from(
    traceparent: str | None,
    name: str,
    kind: SpanKind,
    attributes: Mapping[str, AttributeValue] | None = None,
    links: tuple[Link, ...] = (),
) -> Iterator[Span]:
    """A span whose parent is the remote span `traceparent` names (a root where None)."""
    span = tracer.start_span(name, context_of(traceparent), kind=kind, attributes=attributes, links=links)
    with trace.use_span(span, end_on_exit=True):
        yield span


def link_to(traceparent: str | None) -> Link | None:
    """A link to the span `traceparent` names, or None where it names none."""
    context = trace.get_current_span(context_of(traceparent)).get_span_context()
    return Link(context) if context.is_valid else None
