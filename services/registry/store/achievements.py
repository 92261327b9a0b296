"""Achievements as their events describe them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres.database import Transaction

_PUT = """
INSERT INTO achievement AS a (achievement_id, institution_id, name, achievement_type, revision, document, published_at,
                              updated_at, version, epoch)
SELECT $1, $2, $3, $4, $5, $6, $7, $7, $8, epoch FROM rebuild WHERE source = '/issuer'
ON CONFLICT (achievement_id) DO UPDATE
SET name = excluded.name, achievement_type = excluded.achievement_type, revision = excluded.revision,
    document = excluded.document, updated_at = excluded.updated_at, version = excluded.version, epoch = excluded.epoch,
    state = CASE WHEN a.epoch < excluded.epoch THEN 'published' ELSE a.state END,
    state_version = CASE WHEN a.epoch < excluded.epoch THEN 0 ELSE a.state_version END
WHERE a.version < excluded.version OR a.epoch < excluded.epoch
"""
_ARCHIVE = """
WITH known AS (SELECT FROM achievement WHERE achievement_id = $1),
changed AS (
    UPDATE achievement a SET state = 'archived', state_version = $2, updated_at = $3, epoch = r.epoch
    FROM rebuild r
    WHERE achievement_id = $1 AND r.source = '/issuer' AND (state_version < $2 OR a.epoch < r.epoch)
)
SELECT EXISTS (SELECT FROM known)
"""
_COLUMNS = "achievement_id, institution_id, name, achievement_type, revision, document, state, published_at, updated_at"


@dataclass(frozen=True, slots=True)
class Revision:
    """One public revision of an achievement; `document` is its JSON."""

    achievement_id: UUID
    institution_id: UUID
    name: str
    achievement_type: str | None
    revision: int
    document: bytes


@dataclass(frozen=True, slots=True)
class Achievement:
    """An achievement as the public sees it."""

    achievement_id: UUID
    institution_id: UUID
    name: str
    achievement_type: str | None
    revision: int
    document: bytes
    state: str
    published_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; None narrows nothing."""

    institution_id: UUID | None = None
    state: str | None = None
    achievement_type: str | None = None


async def put(tx: Transaction, revision: Revision, version: int, at: datetime) -> None:
    """Write a revision, unless that version or a later one is known."""
    await tx.execute(
        _PUT,
        *(revision.achievement_id, revision.institution_id, revision.name, revision.achievement_type),
        *(revision.revision, revision.document, at, version),
    )


async def archive(tx: Transaction, achievement_id: UUID, version: int, at: datetime) -> bool:
    """Mark an achievement archived; False when it is not known."""
    return bool(await tx.fetchval(_ARCHIVE, achievement_id, version, at))


async def get(tx: Transaction, achievement_id: UUID) -> Achievement | None:
    """One achievement, or None."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM achievement WHERE achievement_id = $1", achievement_id)  # noqa: S608
    return Achievement(*row) if row else None


async def page(tx: Transaction, filters: Filters, after: UUID | None, limit: int) -> Sequence[Achievement]:
    """Achievements by id, from behind `after` on."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM achievement WHERE ($1::uuid IS NULL OR institution_id = $1)"  # noqa: S608
        " AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR achievement_type = $3)"
        " AND ($4::uuid IS NULL OR achievement_id > $4) ORDER BY achievement_id LIMIT $5",
        *(filters.institution_id, filters.state, filters.achievement_type, after, limit),
    )
    return [Achievement(*row) for row in rows]
