"""Deliveries whose tries are used up."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifier.store import tasks
from shared.postgres.database import Transaction

_SELECT = """
SELECT d.id, d.message_id, m.type, d.endpoint_id, d.attempt AS attempts, m.created_at, a.at AS last_at,
    a.status AS last_status, a.error AS last_error, a.answer AS last_answer
FROM delivery d JOIN message m ON m.id = d.message_id
LEFT JOIN attempt a ON a.delivery_id = d.id AND a.n = d.attempt
WHERE d.state = 'exhausted' AND d.id < $1
"""
_OF_ENDPOINT = "AND d.endpoint_id = $3 "
_NEWEST_FIRST = "ORDER BY d.id DESC LIMIT $2"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An exhausted delivery and its last attempt."""

    id: int
    message_id: str
    type: str
    endpoint_id: UUID
    attempts: int
    created_at: datetime
    last_at: datetime | None
    last_status: int | None
    last_error: str | None
    last_answer: str | None


async def listing(tx: Transaction, endpoint_id: UUID | None, before: int | None, limit: int) -> list[DeadLetter]:
    """A page, newest first."""
    rows = await tx.fetch(
        _SELECT + (_OF_ENDPOINT if endpoint_id else "") + _NEWEST_FIRST,
        before or 2**63 - 1,
        limit,
        *([endpoint_id] if endpoint_id else []),
    )
    return [DeadLetter(**dict(row)) for row in rows]


async def cancel(tx: Transaction, delivery_id: int) -> bool:
    """Take one off the list; tells whether it was there."""
    endpoint_id = await tx.fetchval("SELECT endpoint_id FROM delivery WHERE id = $1", delivery_id)
    await tasks.lock_endpoints(tx, [endpoint_id] if endpoint_id else [])
    tag = await tx.execute("UPDATE delivery SET state = 'cancelled' WHERE id = $1 AND state = 'exhausted'", delivery_id)
    return tag.endswith(" 1")
