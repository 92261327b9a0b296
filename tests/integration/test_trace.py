"""One trace from the institution's request to the platform's webhook, through outbox, bus and four processes."""

import asyncio
import time

from tests.fixtures.receiver import Receiver
from tests.fixtures.services import StartStack
from tests.fixtures.trace_sink import Span, TraceSink, trace_sink

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
SERVER, CLIENT, CONSUMER = 2, 3, 5
SECONDS = 20


async def test_one_trace_spans_request_events_and_webhook(start_stack: StartStack, receiver: Receiver) -> None:
    with trace_sink() as sink:
        stack = start_stack("kafka", env={"LAUREL_OTLP_ENDPOINT": sink.endpoint})
        async with stack.api() as api:
            institution = await api.institution()
            await api.endpoint(institution, receiver.url("traced"), ["credential.issued", "credential.registered"])
            achievement = await api.achievement(institution)
            api.http.headers["traceparent"] = f"00-{TRACE}-{CALLER}-01"
            await api.issue(institution, achievement)
            deliveries = await receiver.wait("traced", 2)
        spans = await until_complete(sink)
    show(spans)
    (request,) = [span for span in spans if span.kind == SERVER]
    assert (request.service, request.name, request.parent_id) == (
        "laurel-issuer",
        "POST /v1/credentials",
        CALLER,
    )
    handled = {span.service: span for span in spans if span.name == "process issuer.events"}
    assert set(handled) == {"laurel-registry", "laurel-verifier", "laurel-notifier"}
    assert {(span.kind, span.parent_id) for span in handled.values()} == {(CONSUMER, request.span_id)}
    registered = [span for span in spans if span.name == "process registry.events"]
    assert {span.parent_id for span in registered} == {handled["laurel-registry"].span_id}
    webhooks = {span.span_id: span for span in spans if span.kind == CLIENT}
    assert {span.parent_id for span in webhooks.values()} == {request.span_id, handled["laurel-registry"].span_id}
    received = {delivery.headers["traceparent"] for delivery in deliveries}
    assert received == {f"00-{TRACE}-{span_id}-01" for span_id in webhooks}


async def until_complete(sink: TraceSink) -> list[Span]:
    """The spans of the trace, once both webhooks' are among them; exporters send each half second."""
    deadline = time.monotonic() + SECONDS
    while True:
        spans = [span for span in list(sink.spans) if span.trace_id == TRACE]
        names = [span.name for span in spans]
        if names.count("POST webhook") >= 2 and names.count("process issuer.events") >= 3 and len(names) >= 7:
            await asyncio.sleep(0.7)
            return [span for span in list(sink.spans) if span.trace_id == TRACE]
        assert time.monotonic() < deadline, names
        await asyncio.sleep(0.1)


def show(spans: list[Span]) -> None:
    """Print the trace as a tree, for people who run this test with -s."""

    def below(parent: str, depth: int) -> None:
        for span in spans:
            if span.parent_id == parent:
                print(f"{'  ' * depth}{span.service}: {span.name}")
                below(span.span_id, depth + 1)

    below(CALLER, 0)
