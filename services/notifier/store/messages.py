"""Messages and what became of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.postgres.database import Transaction

# One statement an event: the message only when somebody listens, a delivery for each listener, and their wake-up.
# An endpoint that is due already is left alone, so that a busy one is not locked by every event.
_FAN_OUT = """
WITH listening AS (
    SELECT id FROM endpoint WHERE institution_id = $2 AND (events @> ARRAY[$4] OR events @> ARRAY['*'])
), added AS (
    INSERT INTO message (id, institution_id, event_id, type, body, traceparent, created_at)
    SELECT $1, $2, $3, $4, $5, $6, $7 WHERE EXISTS (SELECT FROM listening)
    ON CONFLICT DO NOTHING RETURNING id
), queued AS (
    INSERT INTO delivery (institution_id, message_id, endpoint_id)
    SELECT $2, added.id, listening.id FROM added, listening RETURNING endpoint_id
), woken AS (
    UPDATE endpoint SET due_at = clock_timestamp() FROM queued
    WHERE endpoint.id = queued.endpoint_id AND (due_at IS NULL OR due_at > clock_timestamp())
)
SELECT count(*) FROM queued
"""


@dataclass(frozen=True, slots=True)
class Message:
    """One event for one institution; `deliveries` are its endpoints' states."""

    id: str
    event_id: UUID
    type: str
    body: bytes
    created_at: datetime
    deliveries: list[dict[str, Any]]


async def fan_out(
    tx: Transaction,
    message_id: str,
    institution_id: UUID,
    event_id: UUID,
    type_name: str,
    body: bytes,
    traceparent: str | None,
    at: datetime,
) -> int:
    """Add a message and its deliveries; gives how many endpoints will get it."""
    return int(await tx.fetchval(_FAN_OUT, message_id, institution_id, event_id, type_name, body, traceparent, at) or 0)


_SELECT = """
SELECT m.id, m.event_id, m.type, m.body, m.created_at, coalesce((
    SELECT jsonb_agg(jsonb_build_object('endpoint_id', d.endpoint_id, 'state', d.state, 'attempts', d.attempt,
        'next_at', CASE WHEN d.state = 'pending' THEN d.next_at END) ORDER BY d.id)
    FROM delivery d WHERE d.message_id = m.id), '[]') AS deliveries
FROM message m
"""


async def get(tx: Transaction, message_id: str) -> Message | None:
    """One message that `tx` may see, or None."""
    row = await tx.fetchrow(f"{_SELECT} WHERE m.id = $1", message_id)
    return Message(**dict(row)) if row else None


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; None does not narrow."""

    type: str | None = None
    endpoint: UUID | None = None
    state: str | None = None
    since: datetime | None = None


async def listing(tx: Transaction, filters: Filters, after: tuple[datetime, str] | None, limit: int) -> list[Message]:
    """A page, newest first."""
    rows = await tx.fetch(
        f"""{_SELECT} WHERE ($1::text IS NULL OR m.type = $1) AND ($4::timestamptz IS NULL OR m.created_at >= $4)
        AND ($5::timestamptz IS NULL OR (m.created_at, m.id) < ($5, $6))
        AND (($2::uuid IS NULL AND $3::text IS NULL) OR EXISTS (
            SELECT FROM delivery d WHERE d.message_id = m.id AND ($2::uuid IS NULL OR d.endpoint_id = $2)
            AND ($3::text IS NULL OR d.state = $3)))
        ORDER BY m.created_at DESC, m.id DESC LIMIT $7""",
        filters.type,
        filters.endpoint,
        filters.state,
        filters.since,
        after[0] if after else None,
        after[1] if after else None,
        limit,
    )
    return [Message(**dict(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One POST and what came of it."""

    delivery_id: int
    endpoint_id: UUID
    n: int
    trigger: str
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    answer: str


async def attempts(tx: Transaction, message_id: str, after: tuple[int, int] | None, limit: int) -> list[Attempt]:
    """A page of a message's attempts, by endpoint and number."""
    place = after or (0, 0)
    rows = await tx.fetch(
        "SELECT a.delivery_id, d.endpoint_id, a.n, a.trigger, a.at, a.duration_ms, a.status, a.error, a.answer"
        " FROM attempt a JOIN delivery d ON d.id = a.delivery_id"
        " WHERE d.message_id = $1 AND (a.delivery_id, a.n) > ($2, $3) ORDER BY a.delivery_id, a.n LIMIT $4",
        message_id,
        *place,
        limit,
    )
    return [Attempt(**dict(row)) for row in rows]


async def resend(tx: Transaction, message_id: str, endpoint_id: UUID | None) -> int:
    """Put a message's deliveries (or one endpoint's) first in line, whatever became of them; gives how many.

    The next automatic try is replaced, and numbering goes on.
    """
    rows = await tx.fetch(
        "UPDATE delivery SET state = 'pending', trigger = 'manual', next_at = clock_timestamp(), finished_at = NULL"
        " WHERE message_id = $1 AND ($2::uuid IS NULL OR endpoint_id = $2) RETURNING endpoint_id",
        message_id,
        endpoint_id,
    )
    await tx.execute(
        "UPDATE endpoint SET due_at = clock_timestamp() WHERE id = ANY($1)", [row["endpoint_id"] for row in rows]
    )
    return len(rows)
