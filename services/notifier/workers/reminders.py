"""What letters need from time to time: warnings ahead of an expiry, links forgotten when they are over, and gauges."""

from collections.abc import Callable
from datetime import datetime

from services.notifier.commands.write_letter import write_warnings
from services.notifier.store import letter_queue, letters
from shared.postgres.database import Database
from shared.telemetry import metrics

SECONDS = 20.0


async def remind(db: Database, wake: Callable[[], None], clock: Callable[[], datetime]) -> None:
    """One round. Raises Unavailable."""
    now = clock()
    async with db.worker() as tx:
        if await write_warnings(tx, now):
            tx.after_commit(wake)
        await letters.forget_links(tx, now)
    async with db.worker_connection() as connection:
        waiting, late = await letter_queue.backlog(connection)
    metrics.MAIL_PENDING.set(waiting)
    metrics.MAIL_OLDEST_SECONDS.set(late)
