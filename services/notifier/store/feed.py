"""An institution's messages in the order in which they are pulled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres.database import Transaction

SCAN = 1000
_FIELDS = ("position", "id", "type", "event_id", "body", "created_at")
# A range of places, so that no plan reads more than it has; what was removed at the beginning is jumped over. Its end
# is computed beforehand: under row-level security a condition that computes is not looked up in an index.
_NEXT = """
WITH begun AS (
    SELECT last, greatest($1, (SELECT min(position) - 1 FROM message)) AS start FROM feed
), place AS MATERIALIZED (
    SELECT last, start, start + $2 AS beyond FROM begun
)
SELECT place.last, place.beyond, m.* FROM place LEFT JOIN LATERAL (
    SELECT position, id, type, event_id, body, created_at FROM message
    WHERE position > place.start AND position <= place.beyond
) m ON true ORDER BY m.position
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message at its place."""

    position: int
    id: str
    type: str
    event_id: UUID
    body: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """What lies beyond a place. `reached` is where to go on; there is `more` to look at beyond it."""

    entries: list[Entry]
    reached: int
    more: bool


async def stretch(tx: Transaction, after: int, types: Sequence[str], limit: int) -> Stretch:
    """The next messages of these types (of any for none), at most `limit`, of the institution of `tx`.

    Messages of other types are passed over, at most `SCAN` of them, so that a rare type costs no more than any other.
    Places and messages are of one snapshot: at the end the place reached is the newest, even if its message is gone.
    """
    most = SCAN if types else limit
    rows = await tx.fetch(_NEXT, after, most)
    if not rows:
        return Stretch([], after, False)
    newest, end = rows[0]["last"], rows[0]["beyond"]
    wanted = [row for row in rows if row["position"] is not None and (not types or row["type"] in types)][:limit]
    reached = wanted[-1]["position"] if len(wanted) == limit else max(after, min(end, newest))
    return Stretch([Entry(**{name: row[name] for name in _FIELDS}) for row in wanted], reached, reached < newest)


async def last(tx: Transaction, institution_id: UUID) -> int:
    """The place of the newest message; 0 before the first."""
    return int(await tx.fetchval("SELECT last FROM feed WHERE institution_id = $1", institution_id) or 0)


async def lasts(connection: Transaction, institutions: Sequence[UUID]) -> dict[UUID, int]:
    """The same for several institutions, without those that have none."""
    rows = await connection.fetch(
        "SELECT institution_id, last FROM feed WHERE institution_id = ANY($1)", list(institutions)
    )
    return {row["institution_id"]: row["last"] for row in rows}
