"""Which projections are out of date, and the inbox rows that stand in the way of a replay."""

from shared.postgres.database import Transaction

_STALE = """
SELECT (SELECT count(*) FROM record x WHERE x.epoch < r.epoch) AS records,
       (SELECT count(*) FROM institution x WHERE x.epoch < r.epoch) AS institutions,
       (SELECT count(*) FROM achievement x WHERE x.epoch < r.epoch) AS achievements,
       (SELECT count(*) FROM platform x WHERE x.epoch < r.epoch) AS platforms
FROM rebuild r WHERE source = '/issuer'
"""
_FORGET = """
DELETE FROM inbox WHERE (event_id, on_day, source) IN (
    SELECT event_id, on_day, inbox.source FROM inbox JOIN rebuild ON rebuild.source = inbox.source
    WHERE inbox.source = '/issuer' AND inbox.at <= rebuild.at LIMIT $1
)
"""


async def begin(tx: Transaction) -> int:
    """Declare everything derived from the issuer's events out of date; gives the new epoch.

    Consumers wait until `tx` ends: each event is then handled either before the new epoch, and will be forgotten, or in
    it, and counts as renewed.
    """
    await tx.execute("LOCK TABLE inbox IN EXCLUSIVE MODE")
    epoch = await tx.fetchval(
        "UPDATE rebuild SET epoch = epoch + 1, at = clock_timestamp() WHERE source = '/issuer' RETURNING epoch"
    )
    return int(epoch)


async def forget_events(tx: Transaction, limit: int) -> int:
    """Drop up to `limit` inbox rows of the issuer's events taken before the epoch began; gives how many."""
    return int((await tx.execute(_FORGET, limit)).split()[-1])


async def stale(tx: Transaction) -> dict[str, int]:
    """How many rows no replayed event has renewed yet."""
    row = await tx.fetchrow(_STALE)
    return dict(row) if row else {}
