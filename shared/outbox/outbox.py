"""Events out: written in the business transaction, published by the relay after it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from shared.events.envelope import Envelope, Event
from shared.events.ids import new_id
from shared.postgres.database import Transaction
from shared.telemetry.tracing import current_traceparent

# One statement for both tables: a round trip less in the transaction that issues a credential.
_APPEND = """
WITH remembered AS (
    INSERT INTO event_history (event_id, type, subject, version, at) VALUES ($1, $6, $3, $7, $8)
)
INSERT INTO outbox (event_id, topic, key, headers, value) VALUES ($1, $2, $3, $4, $5)
"""
_APPEND_ALL = """
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::bigint[],
                         $8::timestamptz[])
    WITH ORDINALITY AS g(event_id, topic, key, headers, value, type, version, at, nth)
), remembered AS (
    INSERT INTO event_history (event_id, type, subject, version, at) SELECT event_id, type, key, version, at FROM given
)
INSERT INTO outbox (event_id, topic, key, headers, value)
SELECT event_id, topic, key, headers::jsonb, value FROM given ORDER BY nth
"""
_APPEND_AGAIN = "INSERT INTO outbox (event_id, topic, key, headers, value) VALUES ($1, $2, $3, $4, $5)"


async def append(tx: Transaction, event: Event, *, at: datetime | None = None) -> UUID:
    """Write `event` to the outbox and its id to the history; gives the id.

    Returned is not published: the relay sends it after `tx` commits, at least once, in order for its key, provided the
    caller locked the event's subject in `tx` first. `at` is the event's time, now by default. Raises ValueError for an
    event of more than 256 KiB.
    """
    event_id, moment = new_id(), at or datetime.now(UTC)
    envelope = _envelope(event, event_id, moment)
    value = event.to_value()
    await tx.execute(
        _APPEND, event_id, event.TOPIC, event.key, _stored(envelope), value, event.TYPE, event.version, moment
    )
    tx.after_commit(tx.wake_relay)
    return event_id


async def append_all(tx: Transaction, events: Sequence[tuple[Event, datetime, str | None]]) -> None:
    """`append` for many events at once, each with its time and the `traceparent` it was caused under."""
    rows = []
    for event, at, traceparent in events:
        envelope = replace(_envelope(event, new_id(), at), traceparent=traceparent)
        headers = orjson.dumps(_stored(envelope)).decode()
        rows.append((envelope.id, event.TOPIC, event.key, headers, event.to_value(), event.TYPE, event.version, at))
    if rows:
        await tx.execute(_APPEND_ALL, *(list(column) for column in zip(*rows, strict=True)))
        tx.after_commit(tx.wake_relay)


async def append_replayed(tx: Transaction, event: Event, *, event_id: UUID, at: datetime) -> None:
    """Publish a fact once more under the id and time it had at first, so that inboxes recognise it."""
    envelope = _envelope(event, event_id, at)
    await tx.execute(_APPEND_AGAIN, event_id, event.TOPIC, event.key, _stored(envelope), event.to_value())
    tx.after_commit(tx.wake_relay)


async def append_notice(tx: Transaction, topic: str, key: str, envelope: Envelope, value: bytes) -> None:
    """Put a record that is no domain event (a dead-letter notice) on the way to `topic`."""
    await tx.execute(_APPEND_AGAIN, envelope.id, topic, key, _stored(envelope), value)
    tx.after_commit(tx.wake_relay)


async def history(tx: Transaction, after: UUID | None, limit: int) -> list[dict[str, Any]]:
    """A page of `event_history` by event id, which sorts by time: event_id, type, subject, version, at."""
    rows = await tx.fetch(
        "SELECT event_id, type, subject, version, at FROM event_history"
        " WHERE $1::uuid IS NULL OR event_id > $1 ORDER BY event_id LIMIT $2",
        after,
        limit,
    )
    return [dict(row) for row in rows]


def _envelope(event: Event, event_id: UUID, at: datetime) -> Envelope:
    return Envelope(
        id=event_id,
        type=event.TYPE,
        source=f"/{event.TOPIC.split('.')[0]}",
        subject=event.key,
        time=at,
        sequence=event.version,
        traceparent=current_traceparent(),
    )


def _stored(envelope: Envelope) -> list[list[str]]:
    """Headers as JSON pairs: names and values of the envelope are ASCII."""
    return [[name, value.decode()] for name, value in envelope.headers()]
