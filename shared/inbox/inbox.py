"""Which events were handled already. The offset of the bus only saves time; this table decides."""

from collections.abc import Sequence

from shared.events.envelope import Envelope
from shared.events.ids import day_of
from shared.postgres.database import Transaction

KEEP_DAYS = 30

_TAKE = """
INSERT INTO inbox (event_id, on_day, source) SELECT * FROM unnest($1::uuid[], $2::date[], $3::text[])
ON CONFLICT DO NOTHING RETURNING event_id, source
"""


async def take(tx: Transaction, envelopes: Sequence[Envelope]) -> set[tuple[str, str]]:
    """Claim events for `tx`; gives (source, id) of those never handled before. Undone when `tx` is rolled back."""
    if not envelopes:
        return set()
    rows = await tx.fetch(
        _TAKE,
        [envelope.id for envelope in envelopes],
        [day_of(envelope.id) for envelope in envelopes],
        [envelope.source for envelope in envelopes],
    )
    return {(row["source"], str(row["event_id"])) for row in rows}


async def turn(tx: Transaction) -> None:
    """Make the partitions of the coming days and drop those older than `KEEP_DAYS`."""
    await tx.execute("SELECT laurel_turn_inbox($1)", KEEP_DAYS)
