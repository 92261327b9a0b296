"""Platforms as their events describe them."""

from collections.abc import Sequence
from uuid import UUID

from services.registry.domain.share import Platform
from shared.postgres.database import Transaction

# The state is of no older version than the profile's row: platforms are registered before they are suspended, for ever.
_PUT = """
INSERT INTO platform AS p (platform_id, slug, name, url, version, epoch)
SELECT $1, $2, $3, $4, $5, epoch FROM rebuild WHERE source = '/issuer'
ON CONFLICT (platform_id) DO UPDATE
SET slug = excluded.slug, name = excluded.name, url = excluded.url, version = excluded.version, epoch = excluded.epoch
WHERE p.version < excluded.version OR p.epoch < excluded.epoch
"""
_COLUMNS = "platform_id, slug, name, url, state"


async def put(tx: Transaction, platform_id: UUID, slug: str, name: str, url: str, version: int) -> None:
    """Write a profile, unless that version or a later one is known."""
    await tx.execute(_PUT, platform_id, slug, name, url, version)


async def suspend(tx: Transaction, platform_id: UUID) -> bool:
    """Mark a platform suspended; False when it is not known."""
    query = "UPDATE platform SET state = 'suspended' WHERE platform_id = $1 RETURNING true"
    return bool(await tx.fetchval(query, platform_id))


async def get(tx: Transaction, platform_id: UUID) -> Platform | None:
    """One platform, or None."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM platform WHERE platform_id = $1", platform_id)  # noqa: S608
    return Platform(*row) if row else None


async def by_slug(tx: Transaction, slug: str) -> Platform | None:
    """One platform by its slug, or None."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM platform WHERE slug = $1", slug)  # noqa: S608
    return Platform(*row) if row else None


async def by_ids(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, Platform]:
    """Several platforms, by id."""
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM platform WHERE platform_id = ANY($1)", list(ids))  # noqa: S608
    return {row["platform_id"]: Platform(*row) for row in rows}


async def page(tx: Transaction, after: UUID | None, limit: int) -> Sequence[Platform]:
    """Platforms that credentials can be shared with, by id, from behind `after` on."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM platform WHERE state = 'active' AND ($1::uuid IS NULL OR platform_id > $1)"  # noqa: S608
        " ORDER BY platform_id LIMIT $2",
        *(after, limit),
    )
    return [Platform(*row) for row in rows]
