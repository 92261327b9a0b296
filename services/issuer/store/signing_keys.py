"""The institutions' signing keys. Private halves leave here sealed."""

from collections.abc import Sequence
from uuid import UUID

from asyncpg import Record

from services.issuer.domain.errors import Unknown
from services.issuer.domain.signing_key import SigningKey
from shared.credentials.sealing import Sealed
from shared.postgres.database import Transaction

TABLE = "signing_key"
_COLUMNS = (
    "id, institution_id, number, algorithm, did, public_key_multibase, ciphertext, kek_id, state, activated_at,"
    " activated_version, retired_at, retired_version, compromised_at, compromised_version, compromised_reason"
)


async def add(tx: Transaction, key: SigningKey) -> None:
    """Insert a new active key; the one before must not be active any more."""
    await tx.execute(
        "INSERT INTO signing_key (id, institution_id, number, algorithm, did, public_key_multibase, ciphertext, kek_id,"
        " state, activated_at, activated_version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *(key.id, key.institution_id, key.number, key.algorithm, key.did, key.public_key_multibase),
        *(key.private_key.ciphertext, key.private_key.kek_id, key.state, key.activated_at, key.activated_version),
    )


async def save(tx: Transaction, key: SigningKey) -> None:
    """Write a key's state back; its institution is locked."""
    await tx.execute(
        "UPDATE signing_key SET state = $2, retired_at = $3, retired_version = $4, compromised_at = $5,"
        " compromised_version = $6, compromised_reason = $7 WHERE id = $1",
        *(key.id, key.state, key.retired_at, key.retired_version),
        *(key.compromised_at, key.compromised_version, key.compromised_reason),
    )


async def get(tx: Transaction, key_id: UUID) -> SigningKey:
    """One key. Raises Unknown."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM signing_key WHERE id = $1", key_id)  # noqa: S608
    if row is None:
        raise Unknown("There is no such key.")
    return _key(row)


async def active(tx: Transaction, institution_id: UUID) -> list[SigningKey]:
    """The keys an institution signs with now, one an algorithm, oldest first."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM signing_key WHERE institution_id = $1 AND state = 'active' ORDER BY number",  # noqa: S608
        institution_id,
    )
    return [_key(row) for row in rows]


async def of_institutions(tx: Transaction, ids: Sequence[UUID]) -> list[SigningKey]:
    """All keys of the institutions, oldest first."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM signing_key WHERE institution_id = ANY($1) ORDER BY institution_id, number",  # noqa: S608
        list(ids),
    )
    return [_key(row) for row in rows]


def _key(row: Record) -> SigningKey:
    return SigningKey(
        id=row["id"],
        institution_id=row["institution_id"],
        number=row["number"],
        algorithm=row["algorithm"],
        did=row["did"],
        public_key_multibase=row["public_key_multibase"],
        private_key=Sealed(row["ciphertext"], row["kek_id"]),
        state=row["state"],
        activated_at=row["activated_at"],
        activated_version=row["activated_version"],
        retired_at=row["retired_at"],
        retired_version=row["retired_version"],
        compromised_at=row["compromised_at"],
        compromised_version=row["compromised_version"],
        compromised_reason=row["compromised_reason"],
    )
