"""Learners' tokens, by digest; and what of them and of claim codes is over."""

from datetime import datetime, timedelta
from uuid import UUID

from shared.postgres.database import Transaction

_KEPT = timedelta(days=30)


async def add(tx: Transaction, digest: bytes, credential_id: UUID, now: datetime, expires_at: datetime) -> None:
    """Keep a new token."""
    await tx.execute(
        "INSERT INTO learner_token (digest, credential_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        *(digest, credential_id, now, expires_at),
    )


async def find(tx: Transaction, digest: bytes, now: datetime) -> UUID | None:
    """The credential that a live token is for, or None."""
    credential_id: UUID | None = await tx.fetchval(
        "SELECT credential_id FROM learner_token WHERE digest = $1 AND expires_at > $2", digest, now
    )
    return credential_id


async def end(tx: Transaction, digest: bytes) -> None:
    """Forget one token."""
    await tx.execute("DELETE FROM learner_token WHERE digest = $1", digest)


async def end_all(tx: Transaction, credential_id: UUID) -> None:
    """Forget every token for a credential."""
    await tx.execute("DELETE FROM learner_token WHERE credential_id = $1", credential_id)


async def purge(tx: Transaction, now: datetime) -> None:
    """Forget tokens that have expired, and codes that did a month ago: until then a late learner is told why."""
    await tx.execute("DELETE FROM learner_token WHERE expires_at <= $1", now)
    await tx.execute("DELETE FROM claim_code WHERE expires_at <= $1", now - _KEPT)
