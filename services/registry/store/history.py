"""Which events were sent, by id. The table itself belongs to the shared migrations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres.database import Transaction


@dataclass(frozen=True, slots=True)
class Remembered:
    """An event sent before: its id and time stay the same for ever."""

    event_id: UUID
    type: str
    credential_id: UUID
    version: int
    at: datetime


async def page(tx: Transaction, types: Sequence[str], after: UUID | None, limit: int) -> list[Remembered]:
    """A page of the events of `types` that were sent, in the order of their ids, from behind `after` on."""
    rows = await tx.fetch(
        "SELECT event_id, type, subject::uuid, version, at FROM event_history"
        " WHERE type = ANY($1) AND ($2::uuid IS NULL OR event_id > $2) ORDER BY event_id LIMIT $3",
        list(types),
        after,
        limit,
    )
    return [Remembered(*row) for row in rows]


async def count_after(tx: Transaction, types: Sequence[str], after: UUID) -> int:
    """How many were sent behind that one."""
    query = "SELECT count(*) FROM event_history WHERE type = ANY($1) AND event_id > $2"
    return int(await tx.fetchval(query, list(types), after))
