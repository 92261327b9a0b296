"""Institutions and the profiles they announced."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from services.issuer.domain.errors import SlugTaken, Unknown
from services.issuer.domain.institution import Institution, Profile
from shared.postgres.database import Transaction

_COLUMNS = (
    "institution_id, slug, did, name, url, email, image, linkedin_organization_id, state, suspended_reason, version,"
    " created_at, updated_at"
)


async def add(tx: Transaction, institution: Institution) -> None:
    """Insert a new institution and its first profile. Raises SlugTaken."""
    profile = institution.profile
    added = await tx.fetchval(
        f"INSERT INTO institution ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"  # noqa: S608
        " ON CONFLICT DO NOTHING RETURNING institution_id",
        *(institution.id, institution.slug, institution.did),
        *(profile.name, profile.url, profile.email, profile.image, profile.linkedin_organization_id),
        *(institution.state, institution.suspended_reason, institution.version),
        *(institution.created_at, institution.updated_at),
    )
    if added is None:
        raise SlugTaken(f"The slug {institution.slug!r} belongs to another institution.")
    await add_profile(tx, institution)


async def add_profile(tx: Transaction, institution: Institution) -> None:
    """Keep the profile as it is announced at the institution's present version."""
    profile = institution.profile
    await tx.execute(
        "INSERT INTO institution_profile"
        " (institution_id, version, name, url, email, image, linkedin_organization_id, at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(institution.id, institution.version),
        *(profile.name, profile.url, profile.email, profile.image, profile.linkedin_organization_id),
        institution.updated_at,
    )


async def get(tx: Transaction, institution_id: UUID) -> Institution:
    """One institution. Raises Unknown."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM institution WHERE institution_id = $1", institution_id)  # noqa: S608
    return _institution(row)


async def by_slug(tx: Transaction, slug: str) -> Institution:
    """The institution with a slug. Raises Unknown."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM institution WHERE slug = $1", slug)  # noqa: S608
    return _institution(row)


async def lock(tx: Transaction, institution_id: UUID) -> Institution:
    """One institution, locked against every other change and against issuing, until the end. Raises Unknown."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM institution WHERE institution_id = $1 FOR UPDATE",  # noqa: S608
        institution_id,
    )
    return _institution(row)


async def save(tx: Transaction, institution: Institution) -> None:
    """Write a locked institution back."""
    profile = institution.profile
    await tx.execute(
        "UPDATE institution SET name = $2, url = $3, email = $4, image = $5, linkedin_organization_id = $6,"
        " version = $7, updated_at = $8 WHERE institution_id = $1",
        *(institution.id, profile.name, profile.url, profile.email, profile.image),
        *(profile.linkedin_organization_id, institution.version, institution.updated_at),
    )


async def save_suspension(tx: Transaction, institution: Institution) -> None:
    """Write a locked institution's suspension."""
    await tx.execute(
        "UPDATE institution SET state = 'suspended', suspended_reason = $2, suspended_at = $3, suspended_version = $4,"
        " version = $4, updated_at = $3 WHERE institution_id = $1",
        *(institution.id, institution.suspended_reason, institution.updated_at, institution.version),
    )


async def page(tx: Transaction, after: UUID | None, limit: int) -> list[Institution]:
    """Institutions, newest first, from behind `after` on."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM institution WHERE $1::uuid IS NULL OR institution_id < $1"  # noqa: S608
        " ORDER BY institution_id DESC LIMIT $2",
        *(after, limit),
    )
    return [_institution(row) for row in rows]


async def suspensions(tx: Transaction, ids: Sequence[UUID]) -> dict[tuple[UUID, int], tuple[str, datetime]]:
    """Why and when each of the institutions was suspended, by id and version of the event."""
    rows = await tx.fetch(
        "SELECT institution_id, suspended_version, suspended_reason, suspended_at FROM institution"
        " WHERE institution_id = ANY($1) AND suspended_version IS NOT NULL",
        list(ids),
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


async def profiles(tx: Transaction, ids: Sequence[UUID]) -> dict[tuple[UUID, int], tuple[Profile, datetime]]:
    """Every profile the institutions announced, by id and version of the event."""
    rows = await tx.fetch(
        "SELECT institution_id, version, name, url, email, image, linkedin_organization_id, at FROM institution_profile"
        " WHERE institution_id = ANY($1)",
        list(ids),
    )
    return {(row[0], row[1]): (_profile(row), row["at"]) for row in rows}


async def names(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """Slug and DID of institutions, neither of which ever changes."""
    rows = await tx.fetch("SELECT institution_id, slug, did FROM institution WHERE institution_id = ANY($1)", list(ids))
    return {row[0]: (row[1], row[2]) for row in rows}


def _institution(row: Record | None) -> Institution:
    if row is None:
        raise Unknown("There is no such institution.")
    return Institution(
        id=row["institution_id"],
        slug=row["slug"],
        did=row["did"],
        profile=_profile(row),
        state=row["state"],
        suspended_reason=row["suspended_reason"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _profile(row: Record) -> Profile:
    return Profile(row["name"], row["url"], row["email"], row["image"], row["linkedin_organization_id"])
