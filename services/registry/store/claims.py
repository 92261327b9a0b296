"""What learners can claim, who asked for a link, and the codes they were sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.registry.domain.claim import LINKS_A_DAY, PAUSE, ExpiredCode, Request, UnknownCode, UsedCode
from services.registry.domain.share import Standing
from shared.postgres.database import Transaction

_OFFER_LOCK = 7_202_613
_ADD = """
WITH added AS (
    INSERT INTO claim (credential_id, institution_id, status, status_version)
    SELECT credential_id, institution_id, status, version FROM record WHERE credential_id = $1
    ON CONFLICT (credential_id) DO NOTHING RETURNING credential_id
)
INSERT INTO claim_request (credential_id, occasion) SELECT credential_id, 'issued' FROM added WHERE $2::boolean
"""
# Of those a letter is due for: all that are new, and of those asked for the ones whose learner had none for a while.
# None is due for a learner who was erased.
_HOLD = """
SELECT c.credential_id, c.erased_at IS NULL AND (c.credential_id = ANY($2) OR NOT EXISTS (
    SELECT FROM claim_code k WHERE k.credential_id = c.credential_id AND k.created_at > $3::timestamptz - $4::interval
) AND (
    SELECT count(*) FROM claim_code k
    WHERE k.credential_id = c.credential_id AND k.created_at > $3::timestamptz - interval '1 day'
) < $5) AS is_due
FROM claim c WHERE c.credential_id = ANY($1) FOR UPDATE OF c SKIP LOCKED
"""
_ADD_CODES = """
WITH given AS (SELECT * FROM unnest($1::uuid[], $2::bytea[]) AS g(credential_id, digest)),
added AS (
    INSERT INTO claim_code (digest, credential_id, created_at, expires_at)
    SELECT digest, credential_id, $3, $4 FROM given
)
UPDATE claim c SET event_version = event_version + 1 FROM given WHERE c.credential_id = given.credential_id
RETURNING c.credential_id, c.institution_id, c.event_version
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """One credential that its learner can claim, locked until the end of the transaction."""

    credential_id: UUID
    institution_id: UUID
    achievement_id: UUID
    standing: Standing
    status_version: int


async def add(tx: Transaction, credential_id: UUID, *, offer: bool) -> None:
    """Let a recorded credential be claimed, as it stands on the record; `offer` has a link sent. Without effect for one
    that can be claimed already."""
    await tx.execute(_ADD, credential_id, offer)


async def ask(tx: Transaction, credential_id: UUID) -> None:
    """Have a link sent, if there is such a credential with an address: the same statement whether or not."""
    await tx.execute("INSERT INTO claim_request (credential_id, occasion) VALUES ($1, 'asked')", credential_id)


async def requests(tx: Transaction, limit: int) -> list[Request]:
    """The oldest requests; none while another process is at them, until `tx` ends."""
    if not await tx.fetchval("SELECT pg_try_advisory_xact_lock($1)", _OFFER_LOCK):
        return []
    rows = await tx.fetch("SELECT id, credential_id, occasion FROM claim_request ORDER BY id LIMIT $1", limit)
    return [Request(*row) for row in rows]


async def known(tx: Transaction, ids: Sequence[UUID]) -> set[UUID]:
    """Which of the credentials can be claimed."""
    rows = await tx.fetch("SELECT credential_id FROM claim WHERE credential_id = ANY($1)", list(ids))
    return {row["credential_id"] for row in rows}


async def hold(tx: Transaction, ids: Sequence[UUID], new: Sequence[UUID], now: datetime) -> dict[UUID, bool]:
    """Lock those of the credentials that nobody else is at work on; tells whether a letter is due for each. `new` ones
    are due whatever was sent before."""
    rows = await tx.fetch(_HOLD, list(ids), list(new), now, PAUSE, LINKS_A_DAY)
    return {row["credential_id"]: row["is_due"] for row in rows}


async def add_codes(
    tx: Transaction, digests: dict[UUID, bytes], now: datetime, expires_at: datetime
) -> list[tuple[UUID, UUID, int]]:
    """Keep a new code for each of the held credentials; gives (credential, institution, version of the event)."""
    rows = await tx.fetch(_ADD_CODES, list(digests), list(digests.values()), now, expires_at)
    return [(row[0], row[1], row[2]) for row in rows]


async def forget(tx: Transaction, ids: Sequence[int]) -> None:
    """Drop requests that were dealt with."""
    await tx.execute("DELETE FROM claim_request WHERE id = ANY($1)", list(ids))


async def erase(tx: Transaction, credential_id: UUID, at: datetime) -> None:
    """End the links that were sent for a credential, and have no more sent. Tokens stay good: a learner can take back
    what is shared."""
    await tx.execute("UPDATE claim SET erased_at = $2 WHERE credential_id = $1", credential_id, at)
    await tx.execute("DELETE FROM claim_code WHERE credential_id = $1", credential_id)


async def use_code(tx: Transaction, digest: bytes, now: datetime) -> UUID:
    """Use a code up; gives its credential. Raises UnknownCode, UsedCode, ExpiredCode."""
    credential_id: UUID | None = await tx.fetchval(
        "UPDATE claim_code SET used_at = $2 WHERE digest = $1 AND used_at IS NULL AND expires_at > $2"
        " RETURNING credential_id",
        *(digest, now),
    )
    if credential_id is not None:
        return credential_id
    row = await tx.fetchrow("SELECT used_at FROM claim_code WHERE digest = $1", digest)
    if row is None:
        raise UnknownCode
    raise UsedCode if row["used_at"] is not None else ExpiredCode


async def mark_claimed(tx: Transaction, credential_id: UUID, now: datetime) -> tuple[UUID, UUID, int] | None:
    """Note that the credential's learner has come; gives institution, achievement and version of the event, or None
    when they had come before."""
    row = await tx.fetchrow(
        "UPDATE claim c SET claimed_at = $2, event_version = event_version + 1 FROM record r"
        " WHERE c.credential_id = $1 AND r.credential_id = $1 AND claimed_at IS NULL"
        " RETURNING c.institution_id, r.achievement_id, event_version",
        *(credential_id, now),
    )
    return (row[0], row[1], row[2]) if row else None


async def claimed(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, UUID, datetime]]:
    """Institution, achievement and first claim of those credentials that were claimed, by id."""
    rows = await tx.fetch(
        "SELECT credential_id, c.institution_id, r.achievement_id, claimed_at FROM claim c JOIN record r"
        " USING (credential_id) WHERE credential_id = ANY($1) AND claimed_at IS NOT NULL",
        list(ids),
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


async def lock(tx: Transaction, credential_id: UUID) -> Claim | None:
    """One credential that can be claimed, locked until the end, or None."""
    row = await tx.fetchrow(
        "SELECT c.institution_id, r.achievement_id, c.status, is_expired, status_version"
        " FROM claim c JOIN record r USING (credential_id) WHERE credential_id = $1 FOR UPDATE OF c",
        credential_id,
    )
    return Claim(credential_id, row[0], row[1], Standing(row[2], row[3]), row[4]) if row else None


async def save_standing(tx: Transaction, credential_id: UUID, standing: Standing, version: int) -> None:
    """Write how a locked credential stands since the issuer's event of that version."""
    await tx.execute(
        "UPDATE claim SET status = $2, is_expired = $3, status_version = $4 WHERE credential_id = $1",
        *(credential_id, standing.status, standing.is_expired, version),
    )


async def next_version(tx: Transaction, credential_id: UUID) -> int:
    """The version of the next event about the credential, which stays locked until the end."""
    query = "UPDATE claim SET event_version = event_version + 1 WHERE credential_id = $1 RETURNING event_version"
    return int(await tx.fetchval(query, credential_id))
