"""Platforms and the profiles they announced."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from services.issuer.domain.errors import SlugTaken, Unknown
from services.issuer.domain.platform import Platform
from shared.postgres.database import Transaction

_COLUMNS = "platform_id, slug, name, url, email, state, suspended_reason, version, created_at, updated_at"


@dataclass(frozen=True, slots=True)
class Told:
    """What one event said of a platform: a profile, or why it was suspended."""

    slug: str
    name: str
    url: str
    email: str | None
    reason: str | None
    at: datetime


async def add(tx: Transaction, platform: Platform) -> None:
    """Insert a new platform and its first profile. Raises SlugTaken."""
    added = await tx.fetchval(
        f"INSERT INTO platform ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"  # noqa: S608
        " ON CONFLICT DO NOTHING RETURNING platform_id",
        *(platform.id, platform.slug, platform.name, platform.url, platform.email),
        *(platform.state, platform.suspended_reason, platform.version, platform.created_at, platform.updated_at),
    )
    if added is None:
        raise SlugTaken(f"The slug {platform.slug!r} belongs to another platform.")
    await _add_profile(tx, platform)


async def get(tx: Transaction, platform_id: UUID) -> Platform:
    """One platform. Raises Unknown."""
    return _platform(await tx.fetchrow(f"SELECT {_COLUMNS} FROM platform WHERE platform_id = $1", platform_id))  # noqa: S608


async def lock(tx: Transaction, platform_id: UUID) -> Platform:
    """One platform, locked until the end. Raises Unknown."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM platform WHERE platform_id = $1 FOR UPDATE", platform_id)  # noqa: S608
    return _platform(row)


async def save(tx: Transaction, platform: Platform) -> None:
    """Write a locked platform's new profile and keep it."""
    await tx.execute(
        "UPDATE platform SET name = $2, url = $3, email = $4, version = $5, updated_at = $6 WHERE platform_id = $1",
        *(platform.id, platform.name, platform.url, platform.email, platform.version, platform.updated_at),
    )
    await _add_profile(tx, platform)


async def save_suspension(tx: Transaction, platform: Platform) -> None:
    """Write a locked platform's suspension."""
    await tx.execute(
        "UPDATE platform SET state = 'suspended', suspended_reason = $2, suspended_at = $3, suspended_version = $4,"
        " version = $4, updated_at = $3 WHERE platform_id = $1",
        *(platform.id, platform.suspended_reason, platform.updated_at, platform.version),
    )


async def page(tx: Transaction, after: UUID | None, limit: int) -> list[Platform]:
    """Platforms, newest first, from behind `after` on."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM platform WHERE $1::uuid IS NULL OR platform_id < $1"  # noqa: S608
        " ORDER BY platform_id DESC LIMIT $2",
        *(after, limit),
    )
    return [_platform(row) for row in rows]


async def told(tx: Transaction, ids: Sequence[UUID]) -> dict[tuple[UUID, int], Told]:
    """What every event of the platforms said, by id and version of the event."""
    rows = await tx.fetch(
        "SELECT platform_id, f.version, slug, f.name, f.url, f.email, NULL AS reason, f.at FROM platform_profile f"
        " JOIN platform USING (platform_id) WHERE platform_id = ANY($1)"
        " UNION ALL SELECT platform_id, suspended_version, slug, name, url, email, suspended_reason, suspended_at"
        " FROM platform WHERE platform_id = ANY($1) AND suspended_version IS NOT NULL",
        list(ids),
    )
    return {(row[0], row[1]): Told(*row[2:]) for row in rows}


async def _add_profile(tx: Transaction, platform: Platform) -> None:
    await tx.execute(
        "INSERT INTO platform_profile (platform_id, version, name, url, email, at) VALUES ($1, $2, $3, $4, $5, $6)",
        *(platform.id, platform.version, platform.name, platform.url, platform.email, platform.updated_at),
    )


def _platform(row: Record | None) -> Platform:
    if row is None:
        raise Unknown("There is no such platform.")
    return Platform(*row)
