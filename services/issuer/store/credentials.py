"""Issued credentials and the changes of their status."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from services.issuer.domain.credential import Action, Credential, Position, StatusChange
from services.issuer.domain.errors import Unknown
from shared.credentials.sealing import Sealed
from shared.postgres.database import Transaction

TABLE = "credential"
_COLUMNS = (
    "id, institution_id, achievement_id, revision, status, version, recipient_kind, recipient_id, revocation_list,"
    " revocation_index, suspension_list, suspension_index, valid_until, issued_at, changed_at, reason, expired_version"
)
_SHOWN = "CASE WHEN status <> 'revoked' AND expired_version IS NOT NULL THEN 'expired' ELSE status END"
_EXPIRE = f"""
WITH due AS (
    SELECT id FROM credential WHERE valid_until <= $1 AND expired_version IS NULL AND status <> 'revoked'
    ORDER BY valid_until LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE credential SET version = version + 1, expired_version = version + 1, changed_at = $1
WHERE id IN (SELECT id FROM due) RETURNING {_COLUMNS}
"""  # noqa: S608
# Of several requests for the same address one gets each credential; whoever is at work on it is waited for.
_ERASE = """
WITH found AS (
    SELECT id FROM credential WHERE institution_id = $1 AND recipient_index = ANY($2) ORDER BY id LIMIT $3 FOR UPDATE
)
UPDATE credential SET recipient_index = NULL, recipient_ciphertext = NULL, kek_id = NULL, version = version + 1,
    erased_version = version + 1, erased_at = $4
WHERE id IN (SELECT id FROM found) RETURNING id, institution_id, version, erased_at
"""


@dataclass(frozen=True, slots=True)
class Signed:
    """A credential with its document and what is stored of its learner."""

    credential: Credential
    issuer: str
    document: bytes
    recipient: Sealed
    recipient_index: bytes


@dataclass(frozen=True, slots=True)
class BuiltFrom:
    """The versions that a document was built and signed from."""

    institution_version: int
    revision: int


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; None narrows nothing."""

    achievement_id: UUID | None = None
    status: str | None = None
    issued_since: datetime | None = None
    issued_until: datetime | None = None
    recipient_indexes: Sequence[bytes] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a credential's status, as it was made."""

    credential_id: UUID
    version: int
    action: Action
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Erased:
    """A credential of which nobody knows any more whom it was issued to, and the version of the event that said so."""

    credential_id: UUID
    institution_id: UUID
    version: int
    at: datetime


async def add_if_current(tx: Transaction, signed: Signed, built: BuiltFrom) -> bool:
    """Insert the credential if institution, signing key and achievement are still what it was built from.

    False when one of them changed: the caller builds it anew. The institution's version covers its state and its active
    key; its row is share-locked, so a rotation or suspension that comes later waits until this transaction has ended
    and no credential is ever committed under a key that was retired before.
    """
    credential = signed.credential
    added = await tx.fetchval(
        "INSERT INTO credential (id, institution_id, achievement_id, revision, status, version, recipient_kind,"
        " recipient_id, recipient_index, recipient_ciphertext, kek_id, revocation_list, revocation_index,"
        " suspension_list, suspension_index, issuer, document, valid_until, issued_at, changed_at)"
        " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $19"
        " FROM institution i, achievement a WHERE i.institution_id = $2 AND i.version = $20 AND i.state = 'active'"
        " AND a.id = $3 AND a.institution_id = $2 AND a.status = 'published' AND a.revision = $4"
        " FOR KEY SHARE OF i RETURNING true",
        *(credential.id, credential.institution_id, credential.achievement_id, built.revision),
        *(credential.status, credential.version, credential.recipient_kind, credential.recipient_id),
        *(signed.recipient_index, signed.recipient.ciphertext, signed.recipient.kek_id),
        *(credential.revocation.list_id, credential.revocation.index),
        *(credential.suspension.list_id, credential.suspension.index),
        *(signed.issuer, signed.document, credential.valid_until, credential.issued_at, built.institution_version),
    )
    return bool(added)


async def lock(tx: Transaction, credential_id: UUID) -> Credential:
    """One credential, locked until the end. Raises Unknown."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM credential WHERE id = $1 FOR UPDATE", credential_id)  # noqa: S608
    return _credential(row)


async def get(tx: Transaction, credential_id: UUID) -> tuple[Credential, bytes]:
    """One credential and its signed document. Raises Unknown."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS}, document FROM credential WHERE id = $1", credential_id)  # noqa: S608
    credential = _credential(row)
    assert row is not None
    return credential, row["document"]


async def save_change(tx: Transaction, change: StatusChange) -> None:
    """Write a locked credential's new status and keep the change with its reason."""
    after = change.credential
    await tx.execute(
        "WITH changed AS (INSERT INTO credential_change (credential_id, institution_id, version, action, reason, at)"
        " VALUES ($1, $2, $4, $7, $5, $6))"
        " UPDATE credential SET status = $3, version = $4, reason = $5, changed_at = $6 WHERE id = $1",
        *(after.id, after.institution_id, after.status, after.version),
        *(change.reason, after.changed_at, change.action),
    )


async def page(
    tx: Transaction, institution_id: UUID, filters: Filters, after: UUID | None, limit: int
) -> list[Credential]:
    """An institution's credentials, newest first, from behind `after` on."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM credential WHERE institution_id = $1"  # noqa: S608
        f" AND ($2::uuid IS NULL OR achievement_id = $2) AND ($3::text IS NULL OR {_SHOWN} = $3)"
        " AND ($4::timestamptz IS NULL OR issued_at >= $4) AND ($5::timestamptz IS NULL OR issued_at < $5)"
        " AND ($6::bytea[] IS NULL OR recipient_index = ANY($6))"
        " AND ($7::uuid IS NULL OR id < $7) ORDER BY id DESC LIMIT $8",
        *(institution_id, filters.achievement_id, filters.status, filters.issued_since, filters.issued_until),
        *(filters.recipient_indexes, after, limit),
    )
    return [_credential(row) for row in rows]


async def last_issued_at(tx: Transaction, institution_id: UUID) -> datetime | None:
    """When the institution issued last; None when it never did."""
    issued_at: datetime | None = await tx.fetchval(
        "SELECT issued_at FROM credential WHERE institution_id = $1 ORDER BY id DESC LIMIT 1", institution_id
    )
    return issued_at


async def signed_documents(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, tuple[Credential, str, bytes]]:
    """Credentials with issuer and document, by id."""
    rows = await tx.fetch(f"SELECT {_COLUMNS}, issuer, document FROM credential WHERE id = ANY($1)", list(ids))  # noqa: S608
    return {row["id"]: (_credential(row), row["issuer"], row["document"]) for row in rows}


async def recipients(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, Sealed]:
    """Who the credentials are about, sealed, by id; without those of whom that was erased."""
    rows = await tx.fetch(
        "SELECT id, recipient_ciphertext, kek_id FROM credential"
        " WHERE id = ANY($1) AND recipient_ciphertext IS NOT NULL",
        list(ids),
    )
    return {row["id"]: Sealed(row["recipient_ciphertext"], row["kek_id"]) for row in rows}


async def erase(
    tx: Transaction, institution_id: UUID, indexes: Sequence[bytes], limit: int, now: datetime
) -> list[Erased]:
    """Forget whom up to `limit` of an institution's credentials were issued to, found by the indexes of the address."""
    rows = await tx.fetch(_ERASE, institution_id, list(indexes), limit, now)
    return [Erased(*row) for row in rows]


async def erasures(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, Erased]:
    """Those of the credentials that were erased, by id."""
    rows = await tx.fetch(
        "SELECT id, institution_id, erased_version, erased_at FROM credential"
        " WHERE id = ANY($1) AND erased_version IS NOT NULL",
        list(ids),
    )
    return {row["id"]: Erased(*row) for row in rows}


async def expire(tx: Transaction, now: datetime, limit: int) -> list[Credential]:
    """Mark up to `limit` credentials expired whose last moment has passed; gives them. Whoever is at work on one keeps
    it: it is found the next time."""
    return [_credential(row) for row in await tx.fetch(_EXPIRE, now, limit)]


async def changes(tx: Transaction, ids: Sequence[UUID]) -> dict[tuple[UUID, int], Change]:
    """Every status change of the credentials, by id and version."""
    rows = await tx.fetch(
        "SELECT credential_id, version, action, reason, at FROM credential_change WHERE credential_id = ANY($1)",
        list(ids),
    )
    return {(row["credential_id"], row["version"]): Change(*row) for row in rows}


def _credential(row: Record | None) -> Credential:
    if row is None:
        raise Unknown("There is no such credential.")
    return Credential(
        id=row["id"],
        institution_id=row["institution_id"],
        achievement_id=row["achievement_id"],
        revision=row["revision"],
        status=row["status"],
        version=row["version"],
        recipient_kind=row["recipient_kind"],
        recipient_id=row["recipient_id"],
        revocation=Position(row["revocation_list"], row["revocation_index"]),
        suspension=Position(row["suspension_list"], row["suspension_index"]),
        valid_until=row["valid_until"],
        issued_at=row["issued_at"],
        changed_at=row["changed_at"],
        reason=row["reason"],
        expired_version=row["expired_version"],
    )
