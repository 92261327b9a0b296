"""Removes messages with all that came of them, counts and tasks when their time is over, in batches."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from services.notifier.store import holds, retention, tasks
from shared.postgres.database import Database
from shared.telemetry import metrics

SECONDS = 60.0
BETWEEN_SECONDS = 0.05


async def remove_old(db: Database, now: datetime, days: int) -> None:
    """Remove what is older than so many days. Several processes share the work. Raises Unavailable."""
    before = now - timedelta(days=days)
    async with db.worker_connection() as connection:
        await retention.remove_tasks(connection, before)
    await _all(lambda: _messages(db, before))
    await _all(lambda: _counts(db, before))


async def _messages(db: Database, before: datetime) -> int:
    async with db.worker_connection() as connection:
        removed = await retention.remove_messages(connection, before)
    metrics.MESSAGES_REMOVED.inc(removed.messages)
    if removed.waited:
        # Not in the transaction above: endpoints are locked before messages, never after.
        async with db.worker() as tx:
            await tasks.lock_endpoints(tx, [endpoint_id for endpoint_id, _ in removed.waited])
            await holds.release(tx, removed.waited)
    return removed.messages


async def _counts(db: Database, before: datetime) -> int:
    async with db.worker_connection() as connection:
        return await retention.remove_counts(connection, before)


async def _all(remove: Callable[[], Awaitable[int]]) -> None:
    """Batch after batch, each a transaction of its own, with pauses for those who deliver."""
    while True:
        if await remove() < retention.BATCH:
            return
        await asyncio.sleep(BETWEEN_SECONDS)
