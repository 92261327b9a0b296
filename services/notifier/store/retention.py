"""Removing what is older than it is to be kept."""

from datetime import datetime

from shared.postgres.database import Transaction

BATCH = 500
# With its deliveries and their attempts. One that a dispatcher has at this moment is left until it has recorded it.
_MESSAGES = """
DELETE FROM message WHERE id = ANY(ARRAY(
    SELECT id FROM message old WHERE created_at < $1 AND NOT EXISTS (
        SELECT FROM delivery WHERE message_id = old.id AND leased_at IS NOT NULL)
    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
_HOURS = """
DELETE FROM endpoint_hour WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM endpoint_hour WHERE hour < $1 ORDER BY hour LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
_TASKS = "DELETE FROM task WHERE finished_at < $1"


async def remove_messages(tx: Transaction, before: datetime) -> int:
    """Remove a batch of messages of events before then; gives how many, less than `BATCH` when there are no more."""
    return _count(await tx.execute(_MESSAGES, before, BATCH))


async def remove_counts(tx: Transaction, before: datetime) -> int:
    """The same for counts of attempts of hours before then."""
    return _count(await tx.execute(_HOURS, before, BATCH))


async def remove_tasks(tx: Transaction, before: datetime) -> None:
    """Remove tasks that ended before then."""
    await tx.execute(_TASKS, before)


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
