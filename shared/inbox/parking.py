"""Events set aside: the failing one, and every later one of its key behind it, so that order holds when it is redriven.

The lock of a key is taken by whoever parks behind it and by whoever redrives it; so no event is parked behind a key
that was emptied at the same moment.
"""

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.bus.port import Received
from shared.events.envelope import Envelope
from shared.events.ids import new_id
from shared.events.notice import ParkedNotice
from shared.inbox.dispatch import Handlers, Incoming, InvalidMessage, call, read
from shared.inbox.inbox import take
from shared.outbox.outbox import append_notice
from shared.postgres.database import Transaction, Unavailable

RETRIES = (0.1, 0.5, 2.0)
NOTICE_TYPE = ParkedNotice.TYPE
_DETAIL_LIMIT = 2000

_PARK = """
INSERT INTO parked_event
    (topic, partition, "offset", recorded_at, key, event_id, type, headers, value, reason, detail, retry_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, clock_timestamp() + make_interval(secs => $12))
ON CONFLICT DO NOTHING RETURNING id
"""
# The value goes at once: it may hold a learner's data, and nobody needs it any more.
_REDRIVEN = "UPDATE parked_event SET redriven_at = clock_timestamp(), value = '', detail = '' WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an event was set aside. `retry_in` is None when trying again cannot help."""

    reason: str
    detail: str
    retry_in: float | None = None


def failure_of(error: Exception, tries: int) -> Failure:
    """Classify what a handler raised: its own verdict is final, anything else is tried RETRIES times more."""
    if isinstance(error, InvalidMessage):
        return Failure(error.reason, error.detail)
    retry_in = RETRIES[tries] if tries < len(RETRIES) else None
    return Failure("handler-failed", f"{type(error).__name__}: {error}", retry_in)


async def parked_places(tx: Transaction, places: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (topic, key) have an event waiting; their locks are held by `tx` from then on."""
    waiting = await _waiting(tx, places)
    if not waiting:
        return set()
    for place in sorted(waiting):
        await lock(tx, place)
    return await _waiting(tx, waiting)


async def _waiting(tx: Transaction, places: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    rows = await tx.fetch(
        "SELECT DISTINCT topic, key FROM parked_event JOIN unnest($1::text[], $2::text[]) AS asked(topic, key)"
        " USING (topic, key) WHERE redriven_at IS NULL",
        [topic for topic, _ in places],
        [key for _, key in places],
    )
    return {(row["topic"], row["key"]) for row in rows}


async def lock(tx: Transaction, place: tuple[str, str]) -> None:
    """Serialise with whoever else parks behind or redrives this key."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", "\n".join(place))


async def park(tx: Transaction, group: str, incoming: Incoming, failure: Failure) -> None:
    """Set an event aside and send a dead-letter notice, unless it stands there already."""
    record, envelope = incoming.record, incoming.envelope
    inserted = await tx.fetchval(
        _PARK,
        record.topic,
        record.partition,
        record.offset,
        datetime.fromtimestamp(record.timestamp_ms / 1000, UTC),
        incoming.key,
        envelope.id if envelope else None,
        _clean(envelope.type) if envelope else None,
        [[name, base64.b64encode(value).decode()] for name, value in record.headers],
        record.value or b"",
        failure.reason,
        _clean(failure.detail),
        failure.retry_in,
    )
    if inserted is not None and failure.retry_in is None and failure.reason != "behind":
        await _notify(tx, group, incoming, failure)


async def _notify(tx: Transaction, group: str, incoming: Incoming, failure: Failure) -> None:
    """Tell outside watchers that a person is needed, without the event's value: a log cannot forget a learner."""
    record, envelope = incoming.record, incoming.envelope
    notice = Envelope(
        id=new_id(), type=NOTICE_TYPE, source=f"/{group}", subject=incoming.key, time=datetime.now(UTC), sequence=0
    )
    told = ParkedNotice(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        event_id=envelope.id if envelope else None,
        type=_clean(envelope.type) if envelope else None,
        reason=failure.reason,
    )
    await append_notice(tx, f"{group}.dead-letter", incoming.key, notice, told.to_value())


async def redrive(
    tx: Transaction, group: str, place: tuple[str, str], handlers: Handlers
) -> tuple[int, Failure | None]:
    """Handle the waiting events of a key in order, stopping at the first that fails again.

    Gives how many were handled, and the failure that stopped it. Each event is undone alone when it fails.
    Raises Unavailable.
    """
    await lock(tx, place)
    rows = await tx.fetch(
        "SELECT * FROM parked_event WHERE topic = $1 AND key = $2 AND redriven_at IS NULL ORDER BY id", *place
    )
    for done, row in enumerate(rows):
        incoming = read(_record_of(row), handlers)
        failure = await _attempt(tx, group, incoming, handlers, row["tries"] + 1)
        if failure is not None:
            await _record_failure(tx, row["id"], failure)
            if failure.retry_in is None and row["retry_at"] is not None:
                await _notify(tx, group, incoming, failure)
            return done, failure
        await tx.execute(_REDRIVEN, row["id"])
    return len(rows), None


async def _attempt(tx: Transaction, group: str, incoming: Incoming, handlers: Handlers, tries: int) -> Failure | None:
    if incoming.unreadable is not None or incoming.envelope is None:
        error = incoming.unreadable
        return Failure(error.reason, error.detail) if error else Failure("unreadable", "no envelope")
    try:
        async with tx.savepoint():
            if await take(tx, [incoming.envelope]):
                await call(tx, incoming, handlers, group)
    except Unavailable:
        raise
    except Exception as error:
        return failure_of(error, tries)
    return None


async def _record_failure(tx: Transaction, parked_id: int, failure: Failure) -> None:
    await tx.execute(
        "UPDATE parked_event SET tries = tries + 1, reason = $2, detail = $3,"
        " retry_at = clock_timestamp() + make_interval(secs => $4) WHERE id = $1",
        parked_id,
        failure.reason,
        _clean(failure.detail),
        failure.retry_in,
    )


async def due_places(tx: Transaction) -> Sequence[tuple[str, str]]:
    """Keys whose head is to be tried again by now."""
    rows = await tx.fetch(
        "SELECT DISTINCT topic, key FROM parked_event WHERE redriven_at IS NULL AND retry_at <= clock_timestamp()"
    )
    return [(row["topic"], row["key"]) for row in rows]


async def any_retry(tx: Transaction) -> bool:
    """Whether some key waits to be tried again by itself."""
    return bool(
        await tx.fetchval("SELECT EXISTS (SELECT FROM parked_event WHERE redriven_at IS NULL AND retry_at IS NOT NULL)")
    )


async def place_of(tx: Transaction, parked_id: int) -> tuple[str, str] | None:
    """The (topic, key) of a waiting parked event, or None."""
    row = await tx.fetchrow("SELECT topic, key FROM parked_event WHERE id = $1 AND redriven_at IS NULL", parked_id)
    return (row["topic"], row["key"]) if row else None


async def count_parked(tx: Transaction, place: tuple[str, str] | None = None) -> int:
    """How many events wait, of one key or in all."""
    topic, key = place or (None, None)
    return int(
        await tx.fetchval(
            "SELECT count(*) FROM parked_event WHERE redriven_at IS NULL"
            " AND ($1::text IS NULL OR (topic = $1 AND key = $2))",
            topic,
            key,
        )
    )


async def forget_redriven(tx: Transaction, days: int) -> None:
    """Delete what was redriven more than `days` days ago."""
    await tx.execute("DELETE FROM parked_event WHERE redriven_at < clock_timestamp() - make_interval(days => $1)", days)


async def list_parked(tx: Transaction, after: int, limit: int) -> list[dict[str, Any]]:
    """Waiting events by id, without their values, which may hold personal data."""
    rows = await tx.fetch(
        'SELECT id, topic, partition, "offset", key, event_id, type, reason, detail, tries, retry_at, parked_at'
        " FROM parked_event WHERE redriven_at IS NULL AND id > $1 ORDER BY id LIMIT $2",
        after,
        limit,
    )
    return [dict(row) for row in rows]


def _record_of(row: Any) -> Received:
    return Received(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        key=row["key"].encode(),
        value=row["value"],
        headers=[(name, base64.b64decode(value)) for name, value in row["headers"]],
        timestamp_ms=int(row["recorded_at"].timestamp() * 1000),
    )


def _clean(text: str) -> str:
    return text.replace("\x00", "\\x00")[:_DETAIL_LIMIT]
