"""Credentials of ours, their status list entries and how often each was verified."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.events.catalogue.credential import StatusEntry
from shared.postgres.database import Transaction

Position = tuple[str, int]

_ADD = """
WITH added AS (
    INSERT INTO credential (credential_id, institution_id, issuer, document_sha256, issued_at)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (credential_id) DO NOTHING
)
INSERT INTO status_entry (status_list, position, purpose, credential_id, institution_id, version)
SELECT status_list, position, purpose, $1, $2, $6
FROM unnest($7::text[], $8::integer[], $9::text[]) AS given(status_list, position, purpose)
ON CONFLICT (status_list, position) DO NOTHING
"""
_SET = """
WITH known AS (SELECT FROM status_entry WHERE status_list = $1 AND position = $2),
changed AS (
    UPDATE status_entry SET is_set = $3, version = $4 WHERE status_list = $1 AND position = $2 AND version < $4
)
SELECT EXISTS (SELECT FROM known)
"""
_READ = """
SELECT e.status_list, e.position, e.purpose, e.is_set, e.credential_id, e.institution_id
FROM unnest($1::text[], $2::integer[]) AS asked(status_list, position) JOIN status_entry e USING (status_list, position)
"""
_GET = (
    "SELECT credential_id, institution_id, issuer, document_sha256, issued_at FROM credential WHERE credential_id = $1"
)
_COUNT = """
INSERT INTO verification_count AS c (credential_id, institution_id, verified)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS given(credential_id, institution_id, verified)
ORDER BY credential_id
ON CONFLICT (credential_id) DO UPDATE SET verified = c.verified + excluded.verified
RETURNING credential_id, verified
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A credential of ours as it was issued."""

    credential_id: UUID
    institution_id: UUID
    issuer: str
    document_sha256: bytes
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class KnownEntry:
    """Our own copy of a bit, and whose it is."""

    purpose: str
    is_set: bool
    credential_id: UUID
    institution_id: UUID


async def add(tx: Transaction, known: Known, entries: Sequence[StatusEntry], version: int) -> None:
    """Remember a credential and its entries, unset. What is known already stays as it is."""
    await tx.execute(
        _ADD,
        *(known.credential_id, known.institution_id, known.issuer, known.document_sha256, known.issued_at, version),
        [entry.status_list_credential for entry in entries],
        [entry.index for entry in entries],
        [entry.purpose for entry in entries],
    )


async def set_bit(tx: Transaction, entry: StatusEntry, is_set: bool, version: int) -> bool:
    """Set or clear a bit, unless that version or a later one is known; False when the entry is not known."""
    return bool(await tx.fetchval(_SET, entry.status_list_credential, entry.index, is_set, version))


async def entries(tx: Transaction, positions: Sequence[Position]) -> Mapping[Position, KnownEntry]:
    """Those of the positions that are ours."""
    rows = await tx.fetch(_READ, [url for url, _ in positions], [position for _, position in positions])
    return {
        (row["status_list"], row["position"]): KnownEntry(
            row["purpose"], row["is_set"], row["credential_id"], row["institution_id"]
        )
        for row in rows
    }


async def get(tx: Transaction, credential_id: UUID) -> Known | None:
    """One credential of ours, or None."""
    row = await tx.fetchrow(_GET, credential_id)
    return Known(*row) if row else None


async def count_verifications(
    tx: Transaction, counted: Mapping[UUID, int], institutions: Mapping[UUID, UUID]
) -> dict[UUID, int]:
    """Add to the number of verifications of credentials; gives each one's new number. Rows are locked in id order."""
    ids = list(counted)
    rows = await tx.fetch(_COUNT, ids, [institutions[each] for each in ids], [counted[each] for each in ids])
    return {row["credential_id"]: row["verified"] for row in rows}
