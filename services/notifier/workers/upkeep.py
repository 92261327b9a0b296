"""What is looked at from time to time: endpoints that lost their date, and how much waits."""

from collections.abc import Callable
from datetime import datetime

from services.notifier.store import deliveries, endpoints, secrets
from shared.postgres.database import Database
from shared.telemetry import metrics

SECONDS = 5.0


async def keep_up(db: Database, clock: Callable[[], datetime]) -> None:
    """Wake endpoints that have something to send and no date, forget secrets that ended, and set the gauges. Raises
    Unavailable."""
    async with db.worker_connection() as connection:
        await deliveries.repair(connection)
        await secrets.forget_expired(connection, clock())
        waiting, oldest = await deliveries.backlog(connection)
        metrics.WEBHOOK_PENDING.set(waiting)
        metrics.WEBHOOK_OLDEST_SECONDS.set(oldest)
        counts = await endpoints.count_by_state(connection)
    for state in ("unverified", "active", "paused", "disabled"):
        metrics.ENDPOINTS.labels(state).set(counts.get(state, 0))
