"""Whom credentials were issued to, and how institutions and platforms are shown: projections of events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifier.domain.letter import Branding
from shared.credentials.sealing import Sealed
from shared.postgres.database import Transaction

TABLE = "addressee"
_REMEMBER = """
INSERT INTO addressee AS a (credential_id, institution_id, known, address, kek_id, address_index, language, title,
    issued_at, valid_until, version)
VALUES ($1, $2, true, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (credential_id) DO UPDATE SET known = true, address = excluded.address, kek_id = excluded.kek_id,
    address_index = excluded.address_index, language = excluded.language, title = excluded.title,
    issued_at = excluded.issued_at, valid_until = excluded.valid_until,
    version = excluded.version
WHERE a.erased_at IS NULL AND NOT a.known
RETURNING xmax <> 0 AS expected
"""
_ERASE = """
INSERT INTO addressee (credential_id, institution_id, known, erased_at) VALUES ($1, $2, true, $3)
ON CONFLICT (credential_id) DO UPDATE SET known = true, address = NULL, kek_id = NULL, address_index = NULL,
    language = NULL, erased_at = excluded.erased_at
"""
_ERASE_LETTERS = """
UPDATE letter SET link = NULL, link_kek_id = NULL, leased_at = NULL, language = NULL,
    state = CASE WHEN state = 'pending' THEN 'suppressed' ELSE state END,
    reason = CASE WHEN state = 'pending' THEN 'no-address' ELSE reason END,
    settled_at = coalesce(settled_at, $2)
WHERE credential_id = ANY($1)
"""


@dataclass(frozen=True, slots=True)
class Issued:
    """What credential.issued tells. `address` and `index` are None for a learner without an address."""

    credential_id: UUID
    institution_id: UUID
    address: Sealed | None
    index: bytes | None
    language: str | None
    title: str
    issued_at: datetime
    valid_until: datetime | None
    version: int


async def remember(tx: Transaction, issued: Issued) -> None:
    """Keep whom a credential was issued to, and let letters go that waited for it. One that was erased stays so."""
    expected = await tx.fetchval(
        _REMEMBER,
        issued.credential_id,
        issued.institution_id,
        issued.address.ciphertext if issued.address else None,
        issued.address.kek_id if issued.address else None,
        issued.index,
        issued.language,
        issued.title,
        issued.issued_at,
        issued.valid_until,
        issued.version,
    )
    if expected:
        await tx.execute(
            "UPDATE letter SET next_at = clock_timestamp()"
            " WHERE credential_id = $1 AND state = 'pending' AND next_at IS NULL",
            issued.credential_id,
        )


async def expect(tx: Transaction, credential_id: UUID, institution_id: UUID) -> None:
    """Make sure of a row, known or not, and hold it: whoever comes second waits here for the first to commit, and sees
    what became of it."""
    await tx.execute(
        "INSERT INTO addressee AS a (credential_id, institution_id) VALUES ($1, $2)"
        " ON CONFLICT (credential_id) DO UPDATE SET known = a.known WHERE false",
        credential_id,
        institution_id,
    )


async def change_status(tx: Transaction, credential_id: UUID, status: str, version: int) -> bool:
    """Note a newer status; tells whether somebody is known who could be written to about it."""
    row = await tx.fetchrow(
        "UPDATE addressee SET status = $2, version = $3 WHERE credential_id = $1 AND version < $3"
        " RETURNING address IS NOT NULL AS reachable",
        credential_id,
        status,
        version,
    )
    return bool(row and row["reachable"])


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of a credential's learner: nothing of one without an address, or one that was erased."""

    language: str | None = None
    address: Sealed | None = None
    index: bytes | None = None


async def find(tx: Transaction, credential_id: UUID) -> Known:
    """Who the learner of a credential is, as far as it is known."""
    row = await tx.fetchrow(
        "SELECT language, address, kek_id, address_index FROM addressee WHERE credential_id = $1", credential_id
    )
    if row is None or row["address"] is None:
        return Known()
    return Known(row["language"], Sealed(row["address"], row["kek_id"]), row["address_index"])


async def index_of(tx: Transaction, credential_id: UUID) -> bytes | None:
    """The keyed hash of a learner's address; None where there is none, or none any more."""
    found: bytes | None = await tx.fetchval(
        "SELECT address_index FROM addressee WHERE credential_id = $1", credential_id
    )
    return found


async def erase(tx: Transaction, indexes: Sequence[bytes], now: datetime) -> int:
    """Forget an address wherever it is, and what was to be sent to it; gives of how many credentials."""
    rows = await tx.fetch(
        "UPDATE addressee SET address = NULL, kek_id = NULL, address_index = NULL, language = NULL, erased_at = $2"
        " WHERE address_index = ANY($1) RETURNING credential_id",
        list(indexes),
        now,
    )
    await tx.execute(_ERASE_LETTERS, [row["credential_id"] for row in rows], now)
    return len(rows)


async def erase_of(tx: Transaction, credential_id: UUID, institution_id: UUID, now: datetime) -> None:
    """The same for one credential. Its row stands for it even where there was none: whatever is told again of the
    credential names nobody."""
    await tx.execute(_ERASE, credential_id, institution_id, now)
    await tx.execute(_ERASE_LETTERS, [credential_id], now)


async def brand(tx: Transaction, institution_id: UUID, branding: Branding, version: int) -> None:
    """Keep the newest profile of an institution, or of a platform, which is a tenant under its own id."""
    await tx.execute(
        "INSERT INTO branding AS b (institution_id, name, url, image, email, version) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (institution_id) DO UPDATE SET name = excluded.name, url = excluded.url,"
        " image = excluded.image, email = excluded.email, version = excluded.version"
        " WHERE b.version < excluded.version",
        institution_id,
        branding.name,
        branding.url,
        branding.image,
        branding.email,
        version,
    )
