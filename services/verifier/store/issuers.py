"""Institutions that may issue, and every key they signed with."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from services.verifier.domain.issuer import Issuer, Key
from shared.postgres.database import Transaction

_PUT = """
INSERT INTO issuer AS i (institution_id, did, name, url, version) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (institution_id) DO UPDATE
SET did = excluded.did, name = excluded.name, url = excluded.url, version = excluded.version
WHERE i.version < excluded.version
"""
_SUSPEND = """
WITH known AS (SELECT FROM issuer WHERE institution_id = $1),
changed AS (
    UPDATE issuer SET state = 'suspended', suspended_at = $3, state_version = $2
    WHERE institution_id = $1 AND state_version < $2
)
SELECT EXISTS (SELECT FROM known)
"""
_ACTIVATE = """
INSERT INTO issuer_key (verification_method, institution_id, did, public_key_multibase, activated_at)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (verification_method) DO NOTHING
"""
_RETIRE = "UPDATE issuer_key SET retired_at = coalesce(retired_at, $2) WHERE verification_method = $1 RETURNING true"
# Of two declarations the earlier time holds: the more is disbelieved.
_COMPROMISE = """
UPDATE issuer_key SET compromised_at = least(coalesce(compromised_at, $2), $2),
                      compromised_reason = coalesce(compromised_reason, $3)
WHERE verification_method = $1 RETURNING true
"""
_GET = """
SELECT i.institution_id, i.name, i.state, k.verification_method, k.public_key_multibase, k.activated_at, k.retired_at,
       k.compromised_at, k.compromised_reason
FROM issuer i LEFT JOIN issuer_key k USING (institution_id) WHERE i.did = $1
"""


_GET_BY_KEY = """
SELECT i.institution_id, i.name, i.state, k.verification_method, k.public_key_multibase, k.activated_at, k.retired_at,
       k.compromised_at, k.compromised_reason
FROM issuer i JOIN issuer_key k USING (institution_id) WHERE k.public_key_multibase = $1 LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Profile:
    """What an institution's event says of it."""

    institution_id: UUID
    did: str
    name: str
    url: str


async def put(tx: Transaction, profile: Profile, version: int) -> None:
    """Write a profile, unless that version or a later one is known."""
    await tx.execute(_PUT, profile.institution_id, profile.did, profile.name, profile.url, version)


async def suspend(tx: Transaction, institution_id: UUID, version: int, at: datetime) -> bool:
    """Mark an institution suspended; False when it is not known."""
    return bool(await tx.fetchval(_SUSPEND, institution_id, version, at))


async def activate_key(
    tx: Transaction, verification_method: str, institution_id: UUID, did: str, multibase: str, at: datetime
) -> None:
    """Add a key; one that is known stays as it is."""
    await tx.execute(_ACTIVATE, verification_method, institution_id, did, multibase, at)


async def retire_key(tx: Transaction, verification_method: str, at: datetime) -> bool:
    """Note when a key was retired; False when it is not known."""
    return bool(await tx.fetchval(_RETIRE, verification_method, at))


async def compromise_key(tx: Transaction, verification_method: str, at: datetime, reason: str) -> bool:
    """Note since when a key is not to be believed; False when it is not known."""
    return bool(await tx.fetchval(_COMPROMISE, verification_method, at, reason))


async def by_multikey(tx: Transaction, multikey: str) -> Issuer | None:
    """The registered issuer whose key it is, known by the key alone: as the did:key that it is."""
    row = await tx.fetchrow(_GET_BY_KEY, multikey)
    if row is None:
        return None
    did = f"did:key:{multikey}"
    keys = {f"{did}#{multikey}": _key(row)}
    return Issuer(did, row["institution_id"], row["name"], row["state"] == "suspended", keys)


async def by_did(tx: Transaction, did: str) -> Issuer | None:
    """A registered issuer with all its keys, or None. `did` is compared byte for byte."""
    rows = await tx.fetch(_GET, did)
    if not rows:
        return None
    keys = {row["verification_method"]: _key(row) for row in rows if row["verification_method"] is not None}
    first = rows[0]
    return Issuer(did, first["institution_id"], first["name"], first["state"] == "suspended", keys)


def _key(row: Record) -> Key:
    return Key(
        row["public_key_multibase"],
        activated_at=row["activated_at"],
        retired_at=row["retired_at"],
        compromised_at=row["compromised_at"],
        compromised_reason=row["compromised_reason"],
    )
