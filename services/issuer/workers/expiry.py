"""Credentials expire by themselves; somebody has to say so."""

from collections.abc import Callable
from datetime import datetime

from services.issuer.commands.expire_credentials import expire_credentials
from shared.postgres.database import Database

SECONDS = 1.0
_BATCH = 500
_BATCHES = 10  # a turn ends, so that a whole cohort's last day does not keep the process from stopping


async def expire_due(db: Database, clock: Callable[[], datetime]) -> None:
    """Tell of credentials that have expired, a batch a transaction; the rest has its turn next. Raises Unavailable."""
    for _ in range(_BATCHES):
        async with db.worker() as tx:
            if await expire_credentials(tx, _BATCH, now=clock()) < _BATCH:
                return
