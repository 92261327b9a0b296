"""Removing what is older than it is to be kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres.database import Transaction

BATCH = 500
# With its deliveries and their attempts. One that a dispatcher has at this moment is left until it has recorded it. One
# that waits to be sent in order may be in the way of a later one of its subject.
_MESSAGES = """
WITH old AS MATERIALIZED (
    SELECT id FROM message WHERE created_at < $1 AND NOT EXISTS (
        SELECT FROM delivery WHERE message_id = message.id AND leased_at IS NOT NULL)
    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM message WHERE id = ANY(ARRAY(SELECT id FROM old)) RETURNING id
)
SELECT removed.id, d.endpoint_id, d.subject FROM removed
LEFT JOIN delivery d ON d.message_id = removed.id AND d.state = 'pending' AND d.subject IS NOT NULL
"""
_HOURS = """
DELETE FROM endpoint_hour WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM endpoint_hour WHERE hour < $1 ORDER BY hour LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
_TASKS = "DELETE FROM task WHERE finished_at < $1"


@dataclass(frozen=True, slots=True)
class Removed:
    """How many messages went, less than `BATCH` when there are no more, and the (endpoint, subject) that some of them
    were still to be sent for in order."""

    messages: int
    waited: Sequence[tuple[UUID, str]]


async def remove_messages(tx: Transaction, before: datetime) -> Removed:
    """Remove a batch of messages of events before then."""
    rows = await tx.fetch(_MESSAGES, before, BATCH)
    waited = sorted({(row["endpoint_id"], row["subject"]) for row in rows if row["subject"] is not None})
    return Removed(len({row["id"] for row in rows}), waited)


async def remove_counts(tx: Transaction, before: datetime) -> int:
    """The same for counts of attempts of hours before then."""
    return _count(await tx.execute(_HOURS, before, BATCH))


async def remove_tasks(tx: Transaction, before: datetime) -> None:
    """Remove tasks that ended before then."""
    await tx.execute(_TASKS, before)


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
