"""Messages and what became of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.postgres.database import Transaction

# What an endpoint asks for, but for its filter: a condition on an `event` and an endpoint, `listening`. It never hears
# of itself, and of other endpoints only where it asked for that by name. Who names achievements hears nothing of a
# credential whose achievement is not known (docs/decisions/0099).
ASKED_FOR = """
    listening.id IS DISTINCT FROM event.about
    AND (event.type = ANY(listening.events) OR event.about IS NULL AND '*' = ANY(listening.events))
    AND coalesce(event.achievement_id = ANY(listening.achievements),
        listening.achievements IS NULL OR NOT starts_with(event.type, 'credential.'))
    AND coalesce(event.issuer_id = ANY(listening.institutions), true)
"""
# First each institution's next positions in its feed are taken, in order of id, and then its endpoints are locked, in
# order of id as the recorder of attempts does: so nobody waits in a circle. `listening` is empty without the positions.
# The endpoints' update is unconditional: only so does it see what a claim that ran meanwhile made of `due_at`. Bodies
# are read as JSON when somebody has a filter, and then once each.
_FAN_OUT = f"""
WITH event AS (
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::timestamptz[],
        $8::text[], $9::uuid[], $10::uuid[], $11::uuid[])
    WITH ORDINALITY AS event(id, institution_id, event_id, type, body, traceparent, created_at, subject, achievement_id,
        about, issuer_id, nth)
), placed AS (
    INSERT INTO feed AS place (institution_id, last)
    SELECT institution_id, count(*) FROM event GROUP BY institution_id ORDER BY institution_id
    ON CONFLICT (institution_id) DO UPDATE SET last = place.last + excluded.last RETURNING institution_id, last
), listening AS MATERIALIZED (
    SELECT id, institution_id, events, achievements, institutions, filter_path, payload, ordered FROM endpoint
    WHERE (SELECT count(*) FROM placed) > 0
        AND institution_id = ANY($2) AND events && ($4 || ARRAY['*']) AND state <> 'deleted'
    ORDER BY id FOR NO KEY UPDATE
), said AS MATERIALIZED (
    SELECT id, convert_from(body, 'UTF8')::jsonb -> 'data' AS data FROM event
    WHERE EXISTS (SELECT FROM listening WHERE filter_path IS NOT NULL)
), wanted AS (
    SELECT event.id, listening.id AS endpoint_id, event.nth, listening.payload,
        CASE WHEN listening.ordered THEN event.subject END AS subject
    FROM event JOIN listening ON listening.institution_id = event.institution_id AND {ASKED_FOR}
    LEFT JOIN said ON said.id = event.id
    WHERE listening.filter_path IS NULL OR said.data @@ listening.filter_path
), added AS (
    INSERT INTO message (id, institution_id, event_id, type, body, traceparent, created_at, subject, about, position)
    SELECT id, institution_id, event_id, type, body, traceparent, created_at, subject, about,
        placed.last + 1 - row_number() OVER (PARTITION BY institution_id ORDER BY nth DESC)
    FROM event JOIN placed USING (institution_id) ORDER BY nth
    ON CONFLICT (institution_id, event_id) DO NOTHING RETURNING id, institution_id
), queued AS (
    INSERT INTO delivery (institution_id, message_id, endpoint_id, subject)
    SELECT added.institution_id, added.id, wanted.endpoint_id, wanted.subject
    FROM added JOIN wanted USING (id) ORDER BY wanted.nth
    RETURNING endpoint_id
), woken AS (
    UPDATE endpoint SET due_at = least(due_at, greatest(open_until, clock_timestamp()))
    WHERE id IN (SELECT endpoint_id FROM queued) AND state = 'active'
)
SELECT DISTINCT added.id FROM added JOIN wanted USING (id) WHERE wanted.payload = 'full'
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class NewMessage:
    """What one event has to say to one tenant's endpoints. `created_at` is the event's time, `subject` what it is
    about; `full_data` is called when somebody wants it whole. `about` is the endpoint that the event is about, where it
    is about one; `issuer_id` is the institution that it names, which is not the tenant where that is a platform."""

    id: str
    institution_id: UUID
    event_id: UUID
    type: str
    body: bytes
    traceparent: str | None
    created_at: datetime
    subject: str | None
    achievement_id: UUID | None
    full_data: Callable[[], bytes]
    about: UUID | None = None
    issuer_id: UUID | None = None


async def fan_out(tx: Transaction, batch: Sequence[NewMessage]) -> None:
    """Add messages of events that none was made of before, with their places in the feed and a delivery for each
    listener, and wake the listeners. Nothing here can fail on account of one message."""
    rows = await tx.fetch(
        _FAN_OUT,
        [message.id for message in batch],
        [message.institution_id for message in batch],
        [message.event_id for message in batch],
        [message.type for message in batch],
        [message.body for message in batch],
        [message.traceparent for message in batch],
        [message.created_at for message in batch],
        [message.subject for message in batch],
        [message.achievement_id for message in batch],
        [message.about for message in batch],
        [message.issuer_id for message in batch],
    )
    if rows:
        await _complete(tx, batch, {row["id"] for row in rows})


async def _complete(tx: Transaction, batch: Sequence[NewMessage], wanted: set[str]) -> None:
    """Add the whole data to the messages that somebody wants so: a second statement for those who ask for it alone."""
    whole = {message.id: message.full_data() for message in batch if message.id in wanted}
    await tx.execute(
        "UPDATE message SET full_data = whole.data FROM unnest($1::text[], $2::bytea[]) AS whole(id, data)"
        " WHERE message.id = ANY($1) AND message.id = whole.id",
        list(whole),
        list(whole.values()),
    )


async def add_for(tx: Transaction, message: NewMessage, endpoint_id: UUID, *, full: bool) -> None:
    """Add a message for one endpoint alone, which `tx` has locked, and wake it."""
    await tx.execute(
        "INSERT INTO message (id, institution_id, event_id, type, body, created_at, full_data)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        message.id,
        message.institution_id,
        message.event_id,
        message.type,
        message.body,
        message.created_at,
        message.full_data() if full else None,
    )
    await tx.execute(
        "INSERT INTO delivery (institution_id, message_id, endpoint_id) VALUES ($1, $2, $3)",
        message.institution_id,
        message.id,
        endpoint_id,
    )
    await tx.execute(
        "UPDATE endpoint SET due_at = least(due_at, greatest(open_until, clock_timestamp())) WHERE id = $1", endpoint_id
    )


@dataclass(frozen=True, slots=True)
class Message:
    """One event for one institution; `deliveries` are its endpoints' states."""

    id: str
    event_id: UUID
    type: str
    body: bytes
    created_at: datetime
    deliveries: list[dict[str, Any]]


_SELECT = """
SELECT m.id, m.event_id, m.type, m.body, m.created_at, coalesce((
    SELECT jsonb_agg(jsonb_build_object('endpoint_id', d.endpoint_id, 'state', d.state, 'attempts', d.attempt,
        'next_at', CASE WHEN d.state = 'pending'
            THEN to_char(d.next_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') END) ORDER BY d.id)
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


_RESEND = """
UPDATE delivery SET state = 'pending', trigger = 'manual', leased_at = NULL, held_from = NULL,
    next_at = least(clock_timestamp(), (SELECT first.next_at FROM delivery first
        WHERE first.endpoint_id = delivery.endpoint_id AND first.state = 'pending'
        ORDER BY first.next_at LIMIT 1)) - interval '1 millisecond'
WHERE message_id = $1 AND endpoint_id = ANY($2)
"""


async def resend(tx: Transaction, message_id: str, endpoint_id: UUID | None) -> int:
    """Put a message's deliveries (or one endpoint's) first in line, whatever became of them; gives how many.

    The next automatic try is replaced, numbering goes on, and an open circuit breaker lets it through.
    """
    rows = await tx.fetch(
        "SELECT id FROM endpoint WHERE id IN (SELECT endpoint_id FROM delivery WHERE message_id = $1)"
        " AND ($2::uuid IS NULL OR id = $2) AND state <> 'deleted' ORDER BY id FOR NO KEY UPDATE",
        message_id,
        endpoint_id,
    )
    endpoints = [row["id"] for row in rows]
    await tx.execute(_RESEND, message_id, endpoints)
    await tx.execute(
        "UPDATE endpoint SET open_until = NULL, due_at = clock_timestamp() WHERE id = ANY($1) AND state = 'active'",
        endpoints,
    )
    return len(endpoints)
