"""How much there is to replay. The table itself belongs to the shared migrations."""

from uuid import UUID

from shared.postgres.database import Transaction


async def remaining(tx: Transaction, after: UUID | None) -> int:
    """How many events were recorded behind `after`, or at all."""
    return int(await tx.fetchval("SELECT count(*) FROM event_history WHERE $1::uuid IS NULL OR event_id > $1", after))
