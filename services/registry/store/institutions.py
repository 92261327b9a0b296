"""Institutions as their events describe them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres.database import Transaction

# A profile of an older epoch is overwritten with its state, which the events that follow set again.
_PUT = """
INSERT INTO institution AS i (institution_id, slug, did, name, url, email, image, registered_at, updated_at, version,
                              linkedin_organization_id, epoch)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, epoch FROM rebuild WHERE source = '/issuer'
ON CONFLICT (institution_id) DO UPDATE
SET slug = excluded.slug, did = excluded.did, name = excluded.name, url = excluded.url, email = excluded.email,
    image = excluded.image, linkedin_organization_id = excluded.linkedin_organization_id,
    updated_at = excluded.updated_at, version = excluded.version, epoch = excluded.epoch,
    state = CASE WHEN i.epoch < excluded.epoch THEN 'active' ELSE i.state END,
    state_version = CASE WHEN i.epoch < excluded.epoch THEN 0 ELSE i.state_version END
WHERE i.version < excluded.version OR i.epoch < excluded.epoch
"""
_SUSPEND = """
WITH known AS (SELECT FROM institution WHERE institution_id = $1),
changed AS (
    UPDATE institution i SET state = 'suspended', state_version = $2, updated_at = $3, epoch = r.epoch
    FROM rebuild r
    WHERE institution_id = $1 AND r.source = '/issuer' AND (state_version < $2 OR i.epoch < r.epoch)
)
SELECT EXISTS (SELECT FROM known)
"""
_COLUMNS = (
    "institution_id, slug, did, name, url, email, image, linkedin_organization_id, state, registered_at, updated_at"
)


@dataclass(frozen=True, slots=True)
class Profile:
    """What an institution's event says of it."""

    institution_id: UUID
    slug: str
    did: str
    name: str
    url: str
    email: str | None
    image: str | None
    linkedin_organization_id: int | None


@dataclass(frozen=True, slots=True)
class Institution:
    """An institution as the public sees it."""

    institution_id: UUID
    slug: str
    did: str
    name: str
    url: str
    email: str | None
    image: str | None
    linkedin_organization_id: int | None
    state: str
    registered_at: datetime
    updated_at: datetime


async def put(tx: Transaction, profile: Profile, version: int, at: datetime) -> None:
    """Write a profile, unless that version or a later one is known."""
    await tx.execute(
        _PUT,
        *(profile.institution_id, profile.slug, profile.did, profile.name, profile.url),
        *(profile.email, profile.image, at, version, profile.linkedin_organization_id),
    )


async def suspend(tx: Transaction, institution_id: UUID, version: int, at: datetime) -> bool:
    """Mark an institution suspended; False when it is not known."""
    return bool(await tx.fetchval(_SUSPEND, institution_id, version, at))


async def get(tx: Transaction, institution_id: UUID) -> Institution | None:
    """One institution, or None."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM institution WHERE institution_id = $1", institution_id)  # noqa: S608
    return Institution(*row) if row else None


async def by_slug(tx: Transaction, slug: str) -> Institution | None:
    """One institution by its slug, or None."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM institution WHERE slug = $1", slug)  # noqa: S608
    return Institution(*row) if row else None


async def page(tx: Transaction, after: UUID | None, limit: int) -> Sequence[Institution]:
    """Institutions by id, from behind `after` on."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM institution WHERE $1::uuid IS NULL OR institution_id > $1"  # noqa: S608
        " ORDER BY institution_id LIMIT $2",
        after,
        limit,
    )
    return [Institution(*row) for row in rows]
