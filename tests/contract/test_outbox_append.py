"""What `shared.outbox.outbox` writes, and when."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from shared.events.envelope import MAX_VALUE_BYTES, Envelope
from shared.outbox import outbox
from shared.postgres.database import Database
from tests.contract.events import registered


async def rows(db: Database) -> list[dict[str, object]]:
    async with db.worker() as tx:
        return [dict(row) for row in await tx.fetch("SELECT * FROM outbox ORDER BY id")]


async def test_a_tenants_event_is_written_with_its_envelope_and_remembered_without_its_value(
    database: Database,
) -> None:
    subject, at = uuid4(), datetime(2026, 3, 1, 12, tzinfo=UTC)
    event = registered(subject, version=7)
    async with database.tenant(uuid4()) as tx:
        event_id = await outbox.append(tx, event, at=at)
    (row,) = await rows(database)
    assert (row["topic"], row["key"], row["value"]) == ("registry.events", str(subject), event.to_value())
    read = Envelope.from_headers([(name, value.encode()) for name, value in row["headers"]])  # type: ignore[attr-defined]
    assert read == Envelope(event_id, event.TYPE, "/registry", str(subject), at, 7)
    async with database.worker() as tx:
        remembered = await outbox.history(tx, None, 10)
    assert remembered == [{"event_id": event_id, "type": event.TYPE, "subject": str(subject), "version": 7, "at": at}]


async def test_the_trace_of_the_request_is_saved_with_the_event(database: Database) -> None:
    span = NonRecordingSpan(SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1)))
    with trace.use_span(span):
        async with database.worker() as tx:
            await outbox.append(tx, registered(uuid4()))
    (row,) = await rows(database)
    assert ["traceparent", f"00-{0xABC:032x}-{0xDEF:016x}-01"] in row["headers"]  # type: ignore[operator]


async def test_the_relay_is_woken_by_the_commit_and_not_before(database: Database) -> None:
    async with database.worker() as tx:
        await outbox.append(tx, registered(uuid4()))
        assert not database.wakeup.is_set()
    assert database.wakeup.is_set()


async def test_an_event_of_a_transaction_that_failed_is_nowhere(database: Database) -> None:
    async def fail() -> None:
        async with database.worker() as tx:
            await outbox.append(tx, registered(uuid4()))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await rows(database) == []
    assert not database.wakeup.is_set()
    async with database.worker() as tx:
        assert await outbox.history(tx, None, 10) == []


async def test_a_replayed_event_has_its_first_id_and_time(database: Database) -> None:
    event, at = registered(uuid4()), datetime(2026, 3, 1, 12, 30, 15, 250000, tzinfo=UTC)
    async with database.worker() as tx:
        event_id = await outbox.append(tx, event, at=at)
    async with database.worker() as tx:
        (told,) = await outbox.history(tx, None, 10)
        await outbox.append_replayed(tx, event, event_id=told["event_id"], at=told["at"])
    first, again = await rows(database)
    assert (again["event_id"], again["headers"], again["value"]) == (event_id, first["headers"], first["value"])
    async with database.worker() as tx:
        assert len(await outbox.history(tx, None, 10)) == 1


async def test_the_history_is_read_in_pages(database: Database) -> None:
    ids = []
    for version in range(1, 6):
        async with database.worker() as tx:
            ids.append(await outbox.append(tx, registered(uuid4(), version)))
    async with database.worker() as tx:
        first = await outbox.history(tx, None, 3)
        second = await outbox.history(tx, first[-1]["event_id"], 3)
    assert [row["event_id"] for row in (*first, *second)] == ids


async def test_a_value_over_the_limit_is_refused_at_the_writer(database: Database) -> None:
    event = registered(uuid4()).model_copy(update={"document_sha256": "0" * MAX_VALUE_BYTES})
    async with database.worker() as tx:
        with pytest.raises(ValueError, match="more than"):
            await outbox.append(tx, event)
    assert await rows(database) == []
