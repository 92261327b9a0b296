"""Removes messages with all that came of them, counts and tasks when their time is over, in batches."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from services.notifier.store import retention
from shared.postgres.database import Database, Transaction
from shared.telemetry import metrics

SECONDS = 60.0
BETWEEN_SECONDS = 0.05


async def remove_old(db: Database, now: datetime, days: int) -> None:
    """Remove what is older than so many days. Several processes share the work. Raises Unavailable."""
    before = now - timedelta(days=days)
    async with db.worker_connection() as connection:
        await retention.remove_tasks(connection, before)
    metrics.MESSAGES_REMOVED.inc(await _all(db, retention.remove_messages, before))
    await _all(db, retention.remove_counts, before)


async def _all(db: Database, remove: Callable[[Transaction, datetime], Awaitable[int]], before: datetime) -> int:
    """Batch after batch, each a transaction of its own, with pauses for those who deliver."""
    total = 0
    while True:
        async with db.worker_connection() as connection:
            removed = await remove(connection, before)
        total += removed
        if removed < retention.BATCH:
            return total
        await asyncio.sleep(BETWEEN_SECONDS)
