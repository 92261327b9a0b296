"""How an endpoint fares: attempts by hour, what waits, its circuit breaker. Nothing here costs more than its bound."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifier.store.deliveries import PROBE_STREAK
from shared.postgres.database import Transaction

MOST_COUNTED = 100_000
_BACKLOG = """
SELECT waiting.pending, (SELECT created_at FROM message WHERE id = (
    SELECT message_id FROM delivery WHERE id = waiting.oldest)) AS oldest_at
FROM (SELECT count(*) AS pending, min(id) AS oldest FROM (
    SELECT id FROM delivery WHERE endpoint_id = $1 AND state = 'pending' ORDER BY next_at, id LIMIT $2
) AS counted) AS waiting
"""
_BREAKER = """
SELECT CASE WHEN open_until > clock_timestamp() THEN 'open' WHEN fail_streak >= $2 THEN 'probing' ELSE 'closed' END
    AS state, CASE WHEN open_until > clock_timestamp() THEN open_until END AS open_until, fail_streak, failing_since
FROM endpoint WHERE id = $1 AND state <> 'deleted'
"""


@dataclass(frozen=True, slots=True)
class Breaker:
    """`open`: nothing is sent before `open_until`; `probing`: one request at a time; `closed`: all is well."""

    state: str
    open_until: datetime | None
    fail_streak: int
    failing_since: datetime | None


async def breaker(tx: Transaction, endpoint_id: UUID) -> Breaker | None:
    """An endpoint's circuit breaker; None when there is no such endpoint."""
    row = await tx.fetchrow(_BREAKER, endpoint_id, PROBE_STREAK)
    return Breaker(**dict(row)) if row else None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many deliveries wait, counted up to `MOST_COUNTED`, and the time of the oldest one's event."""

    pending: int
    oldest_at: datetime | None


async def backlog(tx: Transaction, endpoint_id: UUID) -> Backlog:
    """What waits for an endpoint."""
    row = await tx.fetchrow(_BACKLOG, endpoint_id, MOST_COUNTED)
    assert row is not None
    return Backlog(**dict(row))


@dataclass(frozen=True, slots=True)
class Counted:
    """Attempts of one outcome and duration."""

    outcome: str
    bucket: int
    attempts: int


async def counted(tx: Transaction, endpoint_id: UUID, since: datetime) -> list[Counted]:
    """An endpoint's attempts of the hours since then."""
    rows = await tx.fetch(
        "SELECT outcome, bucket, sum(attempts)::bigint AS attempts FROM endpoint_hour"
        " WHERE endpoint_id = $1 AND hour >= date_trunc('hour', $2::timestamptz) GROUP BY outcome, bucket",
        endpoint_id,
        since,
    )
    return [Counted(**dict(row)) for row in rows]


async def hours(tx: Transaction, endpoint_id: UUID, since: datetime) -> list[dict[str, Any]]:
    """The same by hour (hour, delivered, failed), oldest first, without hours in which nothing was attempted."""
    rows = await tx.fetch(
        "SELECT hour, coalesce(sum(attempts) FILTER (WHERE outcome = 'delivered'), 0)::bigint AS delivered,"
        " coalesce(sum(attempts) FILTER (WHERE outcome <> 'delivered'), 0)::bigint AS failed FROM endpoint_hour"
        " WHERE endpoint_id = $1 AND hour >= date_trunc('hour', $2::timestamptz) GROUP BY hour ORDER BY hour",
        endpoint_id,
        since,
    )
    return [dict(row) for row in rows]
