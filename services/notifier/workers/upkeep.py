"""What is looked at from time to time: endpoints that lost their date, and how much waits."""

from services.notifier.store import deliveries, endpoints
from shared.postgres.database import Database
from shared.telemetry import metrics

SECONDS = 5.0


async def keep_up(db: Database) -> None:
    """Wake endpoints that have something to send and no date, and set the gauges. Raises Unavailable."""
    async with db.worker_connection() as connection:
        await deliveries.repair(connection)
        waiting, oldest = await deliveries.backlog(connection)
        metrics.WEBHOOK_PENDING.set(waiting)
        metrics.WEBHOOK_OLDEST_SECONDS.set(oldest)
        counts = await endpoints.count_by_state(connection)
    for state in ("active", "paused", "disabled"):
        metrics.ENDPOINTS.labels(state).set(counts.get(state, 0))
