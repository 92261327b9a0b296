"""Logs that name their trace, traces that go on, spans that arrive, and metrics that mean something."""

import asyncio
import gzip
import json
import re
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client import REGISTRY

from shared.telemetry import metrics
from shared.telemetry.tracing import context_of, current_trace_id, current_traceparent, link_to

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{SPAN}-01"


async def speak(*args: str, **environment: str) -> tuple[list[dict[str, Any]], str]:
    """Run the speaker: its log lines and the traceparent it would pass on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.unit.telemetry.speaker", *args, stdout=asyncio.subprocess.PIPE, env=environment
    )
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0
    lines = out.decode().splitlines()
    (passed_on,) = (line for line in lines if not line.startswith("{"))
    return [json.loads(line) for line in lines if line.startswith("{")], passed_on


async def test_every_line_is_json_and_names_service_and_trace() -> None:
    lines, passed_on = await speak(SAMPLED)
    assert [line["event"] for line in lines] == ["thing.happened", "a library speaks", "thing.failed", "thing.ended"]
    assert {line["service"] for line in lines} == {"speaker"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line["timestamp"]) for line in lines)
    assert [line.get("trace_id") for line in lines] == [TRACE] * 3 + [None]
    assert "RuntimeError: broken" in lines[2]["exception"]
    assert passed_on.startswith(f"00-{TRACE}-")
    assert passed_on.split("-")[2] != SPAN
    assert passed_on.endswith("-01"), "what its beginner decided is passed on"


async def test_more_is_said_where_asked() -> None:
    lines, _ = await speak(LEVEL="debug")
    assert "thing.detail" in [line["event"] for line in lines]
    lines, _ = await speak(LEVEL="error")
    assert [line["event"] for line in lines] == ["thing.failed"]


async def test_a_trace_has_ids_even_when_nobody_collects_it() -> None:
    lines, passed_on = await speak()
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[02]", passed_on)
    assert lines[0]["trace_id"] == passed_on.split("-")[1]


@pytest.fixture
async def collector() -> AsyncIterator[tuple[str, list[tuple[Mapping[str, str], bytes]]]]:
    """An OTLP/HTTP collector: its address and what it got."""
    got: list[tuple[Mapping[str, str], bytes]] = []

    async def collect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        got.append(({"line": first, **headers}, body))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(collect, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", got


async def test_spans_arrive_at_the_collector(collector: tuple[str, list[tuple[Mapping[str, str], bytes]]]) -> None:
    url, got = collector
    await speak(SAMPLED, ENDPOINT=f"{url}/")
    spans = {}
    for headers, body in got:
        assert headers["line"] == "POST /v1/traces HTTP/1.1"
        raw = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        for resource in ExportTraceServiceRequest.FromString(raw).resource_spans:
            names = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
            assert names["service.name"] == "laurel-speaker"
            spans |= {span.name: span for scope in resource.scope_spans for span in scope.spans}
    assert spans.keys() == {"outer", "inner"}
    assert spans["outer"].trace_id.hex() == TRACE
    assert spans["outer"].parent_span_id.hex() == SPAN
    assert spans["inner"].parent_span_id == spans["outer"].span_id


async def test_a_collector_that_is_away_holds_up_nobody() -> None:
    lines, _ = await asyncio.wait_for(speak(SAMPLED, ENDPOINT="http://127.0.0.1:1"), 10)
    assert "thing.ended" in [line["event"] for line in lines]


@pytest.mark.parametrize(
    "header", [None, "", "nonsense", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{SPAN}", f"ff-{TRACE}-{SPAN}-01"]
)
def test_a_header_that_names_no_span_begins_a_new_trace(header: str | None) -> None:
    assert not trace.get_current_span(context_of(header)).get_span_context().is_valid
    assert link_to(header) is None


def test_a_header_that_names_a_span_is_understood() -> None:
    link = link_to(SAMPLED)
    assert link is not None
    assert (f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") == (TRACE, SPAN)
    state = trace.get_current_span(context_of(SAMPLED, "vendor=1")).get_span_context().trace_state
    assert state.get("vendor") == "1"


def test_outside_of_a_span_there_is_no_trace() -> None:
    assert current_traceparent() is None
    assert current_trace_id() is None


def test_every_metric_says_what_it_means() -> None:
    ours = [value for name, value in vars(metrics).items() if name.isupper() and not name.startswith("_")]
    assert len(ours) > 15
    for metric in ours:
        (family,) = metric.describe()
        assert family.documentation.endswith("."), family.name
    assert REGISTRY.get_sample_value("outbox_rows") is not None
