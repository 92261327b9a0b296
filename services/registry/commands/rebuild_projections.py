"""Declare what was derived from the issuer's events out of date, so that a replay of them writes it anew."""

from services.registry.store import counts, rebuilds
from shared.postgres.database import Database

_BATCH = 20_000


async def rebuild_projections(db: Database) -> int:
    """Begin a new epoch, count anew and forget the issuer's events; gives how many were forgotten.

    Readers keep what there is until a replayed event overwrites it; nothing is announced twice. Interrupted, it can be
    asked for again. Raises Unavailable.
    """
    async with db.worker() as tx:
        await rebuilds.begin(tx)
        await counts.recount(tx)
    forgotten = 0
    while True:
        async with db.worker() as tx:
            batch = await rebuilds.forget_events(tx, _BATCH)
        forgotten += batch
        if batch < _BATCH:
            return forgotten
