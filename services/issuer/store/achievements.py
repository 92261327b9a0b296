"""Achievements and the revisions the public saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.issuer.domain.achievement import Achievement
from services.issuer.domain.errors import Unknown
from shared.postgres.database import Transaction

_COLUMNS = (
    "id, institution_id, status, revision, version, event_version, content, created_at, updated_at, published_at,"
    " archived_at"
)


@dataclass(frozen=True, slots=True)
class Revision:
    """One public document of an achievement, and the event that announced it."""

    achievement_id: UUID
    institution_id: UUID
    revision: int
    event_version: int
    document: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; None narrows nothing."""

    status: str | None = None
    achievement_type: str | None = None
    tag: str | None = None


async def add(tx: Transaction, achievement: Achievement) -> None:
    """Insert a draft."""
    await tx.execute(
        f"INSERT INTO achievement ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",  # noqa: S608
        *(achievement.id, achievement.institution_id, achievement.status),
        *(achievement.revision, achievement.version, achievement.event_version, achievement.content),
        *(achievement.created_at, achievement.updated_at, achievement.published_at, achievement.archived_at),
    )


async def get(tx: Transaction, achievement_id: UUID) -> Achievement:
    """One achievement. Raises Unknown."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM achievement WHERE id = $1", achievement_id)  # noqa: S608
    return _achievement(row)


async def lock(tx: Transaction, achievement_id: UUID) -> Achievement:
    """One achievement, locked against every other change until the end. Raises Unknown."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM achievement WHERE id = $1 FOR UPDATE", achievement_id)  # noqa: S608
    return _achievement(row)


async def save(tx: Transaction, achievement: Achievement) -> None:
    """Write a locked achievement back."""
    await tx.execute(
        "UPDATE achievement SET status = $2, revision = $3, version = $4, event_version = $5, content = $6,"
        " updated_at = $7, published_at = $8, archived_at = $9 WHERE id = $1",
        *(achievement.id, achievement.status, achievement.revision, achievement.version, achievement.event_version),
        *(achievement.content, achievement.updated_at, achievement.published_at, achievement.archived_at),
    )


async def page(
    tx: Transaction, institution_id: UUID, filters: Filters, after: UUID | None, limit: int
) -> list[Achievement]:
    """An institution's achievements, newest first, from behind `after` on."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM achievement WHERE institution_id = $1"  # noqa: S608
        " AND ($2::text IS NULL OR status = $2)"
        " AND ($3::text IS NULL OR content->>'achievementType' = $3)"
        " AND ($4::text IS NULL OR content->'tag' ? $4)"
        " AND ($5::uuid IS NULL OR id < $5) ORDER BY id DESC LIMIT $6",
        *(institution_id, filters.status, filters.achievement_type, filters.tag, after, limit),
    )
    return [_achievement(row) for row in rows]


async def add_revision(tx: Transaction, revision: Revision) -> None:
    """Keep what the public sees from now on."""
    await tx.execute(
        "INSERT INTO achievement_revision (achievement_id, institution_id, revision, event_version, document, at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        *(revision.achievement_id, revision.institution_id, revision.revision),
        *(revision.event_version, revision.document, revision.at),
    )


async def get_revision(tx: Transaction, achievement_id: UUID, revision: int) -> Revision:
    """One public revision. Raises Unknown."""
    row = await tx.fetchrow(
        "SELECT achievement_id, institution_id, revision, event_version, document, at FROM achievement_revision"
        " WHERE achievement_id = $1 AND revision = $2",
        *(achievement_id, revision),
    )
    if row is None:
        raise Unknown("There is no such revision.")
    return Revision(*row)


async def revisions(tx: Transaction, ids: Sequence[UUID]) -> dict[tuple[UUID, int], Revision]:
    """All public revisions of the achievements, by id and version of the event."""
    rows = await tx.fetch(
        "SELECT achievement_id, institution_id, revision, event_version, document, at FROM achievement_revision"
        " WHERE achievement_id = ANY($1)",
        list(ids),
    )
    return {(row["achievement_id"], row["event_version"]): Revision(*row) for row in rows}


async def archived(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, datetime]]:
    """Institution and time of those achievements that are archived."""
    rows = await tx.fetch(
        "SELECT id, institution_id, archived_at FROM achievement WHERE id = ANY($1) AND status = 'archived'", list(ids)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _achievement(row: Record | None) -> Achievement:
    if row is None:
        raise Unknown("There is no such achievement.")
    return Achievement(
        id=row["id"],
        institution_id=row["institution_id"],
        status=row["status"],
        revision=row["revision"],
        version=row["version"],
        event_version=row["event_version"],
        content=row["content"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        published_at=row["published_at"],
        archived_at=row["archived_at"],
    )
