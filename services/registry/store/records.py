"""The record of credentials, and how often each was verified."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.registry.domain.record import Difference, Record, Registered, Status, difference
from shared.postgres.database import Transaction

_ADD = """
WITH recorded AS (
    INSERT INTO record (credential_id, institution_id, achievement_id, issuer, status, version, document,
                        document_sha256, issued_at, registered_at, changed_at, epoch)
    SELECT $1, $2, $3, $4, 'active', $5, $6, $7, $8, $9, $8, epoch FROM rebuild WHERE source = '/issuer'
    ON CONFLICT (credential_id) DO NOTHING RETURNING credential_id, institution_id
)
INSERT INTO count_change (credential_id, institution_id, issued)
SELECT credential_id, institution_id, 1 FROM recorded RETURNING true
"""
_REPLACE = """
UPDATE record SET institution_id = $2, achievement_id = $3, issuer = $4, status = 'active', version = $5, document = $6,
                  document_sha256 = $7, issued_at = $8, changed_at = $8,
                  epoch = (SELECT epoch FROM rebuild WHERE source = '/issuer')
WHERE credential_id = $1
"""
_CHANGE = """
UPDATE record SET status = $2, version = $3, changed_at = $4,
                  epoch = (SELECT epoch FROM rebuild WHERE source = '/issuer')
WHERE credential_id = $1
"""
_COUNT = """
INSERT INTO count_change (credential_id, institution_id, issued, revoked, suspended, verified)
VALUES ($1, $2, $3, $4, $5, $6)
"""
# The version of credential.verified counts the verifications, so an event that comes twice, or late, adds nothing.
_VERIFIED = """
WITH known AS (SELECT verified FROM demand WHERE credential_id = $1 FOR UPDATE),
risen AS (
    INSERT INTO demand AS d (credential_id, institution_id, verified, last_verified_at)
    SELECT $1, $2, $3, $4 FROM (SELECT count(*) FROM known) AS read_first
    ON CONFLICT (credential_id) DO UPDATE
    SET verified = excluded.verified, last_verified_at = greatest(d.last_verified_at, excluded.last_verified_at)
    WHERE d.verified < excluded.verified RETURNING verified
)
INSERT INTO count_change (credential_id, institution_id, verified)
SELECT $1, $2, risen.verified - coalesce((SELECT verified FROM known), 0) FROM risen
"""
_GET = """
SELECT r.credential_id, r.institution_id, r.achievement_id, r.issuer, r.status, r.document_sha256, r.issued_at,
       r.registered_at, r.changed_at, coalesce(d.verified, 0) AS verified
FROM record r LEFT JOIN demand d USING (credential_id) WHERE r.credential_id = $1
"""


@dataclass(frozen=True, slots=True)
class Locked:
    """A record's state, held by the transaction. `is_stale`: a rebuild was asked for since it was written."""

    institution_id: UUID
    status: Status
    version: int
    is_stale: bool


@dataclass(frozen=True, slots=True)
class Served:
    """What a reader of a credential gets."""

    document: bytes
    document_sha256: bytes


async def add(tx: Transaction, registered: Registered, now: datetime) -> bool:
    """Record a credential and count it; False when it is on the record already, which then stays as it is."""
    return bool(await tx.fetchval(_ADD, *_values(registered), now))


async def replace(tx: Transaction, registered: Registered, before: Locked) -> None:
    """Write a locked record anew, as it was when it was issued; when it was registered stays."""
    await tx.execute(_REPLACE, *_values(registered))
    await _count(tx, registered.credential_id, registered.institution_id, difference(before.status, "active"))


async def lock(tx: Transaction, credential_id: UUID) -> Locked | None:
    """The state of a record, locked until the end, or None when there is none."""
    row = await tx.fetchrow(
        "SELECT institution_id, status, version, record.epoch < rebuild.epoch AS is_stale FROM record, rebuild"
        " WHERE credential_id = $1 AND source = '/issuer' FOR UPDATE OF record",
        credential_id,
    )
    return Locked(*row) if row else None


async def change_status(
    tx: Transaction, credential_id: UUID, before: Locked, after: Status, version: int, at: datetime
) -> None:
    """Give a locked record its new status, and count the step."""
    await tx.execute(_CHANGE, credential_id, after, version, at)
    await _count(tx, credential_id, before.institution_id, difference(before.status, after))


async def count_verification(
    tx: Transaction, credential_id: UUID, institution_id: UUID, verified: int, at: datetime
) -> None:
    """`verified` verifications have been heard of; nothing changes when that many were known."""
    await tx.execute(_VERIFIED, credential_id, institution_id, verified, at)


async def get(tx: Transaction, credential_id: UUID) -> Record | None:
    """What is known of one credential, or None."""
    row = await tx.fetchrow(_GET, credential_id)
    return Record(*row) if row else None


async def document(tx: Transaction, credential_id: UUID) -> Served | None:
    """The signed document of one credential, or None."""
    row = await tx.fetchrow("SELECT document, document_sha256 FROM record WHERE credential_id = $1", credential_id)
    return Served(*row) if row else None


async def documents(tx: Transaction, ids: list[UUID]) -> dict[UUID, bytes]:
    """Several signed documents, by id."""
    rows = await tx.fetch("SELECT credential_id, document FROM record WHERE credential_id = ANY($1)", ids)
    return {row["credential_id"]: row["document"] for row in rows}


async def by_ids(tx: Transaction, ids: list[UUID]) -> dict[UUID, Record]:
    """Several credentials, by id."""
    query = _GET.replace("r.credential_id = $1", "r.credential_id = ANY($1)")
    return {row["credential_id"]: Record(*row) for row in await tx.fetch(query, ids)}


async def _count(tx: Transaction, credential_id: UUID, institution_id: UUID, step: Difference) -> None:
    if step != Difference():
        values = (step.issued, step.revoked, step.suspended, step.verified)
        await tx.execute(_COUNT, credential_id, institution_id, *values)


def _values(registered: Registered) -> tuple[Any, ...]:
    return (
        registered.credential_id,
        registered.institution_id,
        registered.achievement_id,
        registered.issuer,
        registered.version,
        registered.document,
        registered.document_sha256,
        registered.issued_at,
    )
