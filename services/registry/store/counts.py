"""How many credentials there are. What is folded plus what is not folded yet is exact at any time."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.registry.domain.counts import Counts
from shared.postgres.database import Transaction

_FOLD_LOCK = 7_202_612
_FOLD = """
WITH taken AS (
    DELETE FROM count_change WHERE id IN (
        SELECT c.id FROM count_change c JOIN record USING (credential_id) ORDER BY c.id LIMIT $1
    ) RETURNING credential_id, issued, revoked, suspended, verified
), added AS (
INSERT INTO achievement_count AS a (achievement_id, institution_id, issued, revoked, suspended, verified)
SELECT r.achievement_id, r.institution_id, sum(t.issued), sum(t.revoked), sum(t.suspended), sum(t.verified)
FROM taken t JOIN record r USING (credential_id) GROUP BY r.achievement_id, r.institution_id
ON CONFLICT (achievement_id) DO UPDATE
SET issued = a.issued + excluded.issued, revoked = a.revoked + excluded.revoked,
    suspended = a.suspended + excluded.suspended, verified = a.verified + excluded.verified
)
SELECT count(*) FROM taken
"""
_SUM = """
SELECT {key} AS id, sum(issued)::bigint AS issued, sum(revoked)::bigint AS revoked,
       sum(suspended)::bigint AS suspended, sum(verified)::bigint AS verified
FROM (
    SELECT achievement_id, institution_id, issued, revoked, suspended, verified FROM achievement_count WHERE {filter}
    UNION ALL
    SELECT r.achievement_id, r.institution_id, c.issued, c.revoked, c.suspended, c.verified
    FROM count_change c JOIN record r USING (credential_id) WHERE r.{filter}
) AS every GROUP BY 1
"""
_OF_ACHIEVEMENTS = _SUM.format(key="achievement_id", filter="achievement_id = ANY($1)")
_OF_INSTITUTIONS = _SUM.format(key="institution_id", filter="institution_id = ANY($1)")
_OF_ALL = """
SELECT coalesce(sum(issued), 0)::bigint, coalesce(sum(revoked), 0)::bigint, coalesce(sum(suspended), 0)::bigint,
       coalesce(sum(verified), 0)::bigint
FROM (
    SELECT issued, revoked, suspended, verified FROM achievement_count
    UNION ALL SELECT issued, revoked, suspended, verified FROM count_change
) AS every
"""
_RECOUNT = """
INSERT INTO achievement_count (achievement_id, institution_id, issued, revoked, suspended, verified)
SELECT achievement_id, r.institution_id, count(*), count(*) FILTER (WHERE status = 'revoked'),
       count(*) FILTER (WHERE status = 'suspended'), coalesce(sum(d.verified), 0)
FROM record r LEFT JOIN demand d USING (credential_id) GROUP BY achievement_id, r.institution_id
"""


async def fold(tx: Transaction, limit: int) -> int:
    """Add up to `limit` differences to the counts; gives how many. None while another process is at it.

    Differences of credentials that are not on the record yet wait for them.
    """
    if not await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", _FOLD_LOCK):
        return 0
    return int(await tx.fetchval(_FOLD, limit))


async def recount(tx: Transaction) -> None:
    """Count the record anew, whatever the counts say; consumers wait meanwhile."""
    await tx.execute("LOCK TABLE count_change IN EXCLUSIVE MODE")
    await tx.execute("DELETE FROM count_change WHERE credential_id IN (SELECT credential_id FROM record)")
    await tx.execute("DELETE FROM achievement_count")
    await tx.execute(_RECOUNT)


async def of_achievements(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, Counts]:
    """Counts by achievement; one without credentials is left out."""
    return _by_id(await tx.fetch(_OF_ACHIEVEMENTS, list(ids)))


async def of_institutions(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, Counts]:
    """Counts by institution; one without credentials is left out."""
    return _by_id(await tx.fetch(_OF_INSTITUTIONS, list(ids)))


async def of_all(tx: Transaction) -> tuple[Counts, int, int]:
    """All credentials, and how many institutions and achievements there are."""
    row = await tx.fetchrow(_OF_ALL)
    assert row is not None
    others = await tx.fetchrow(
        "SELECT (SELECT count(*) FROM institution) AS institutions, (SELECT count(*) FROM achievement) AS achievements"
    )
    assert others is not None
    return Counts(*row), others["institutions"], others["achievements"]


def _by_id(rows: Sequence[Any]) -> dict[UUID, Counts]:
    return {row["id"]: Counts(row["issued"], row["revoked"], row["suspended"], row["verified"]) for row in rows}
