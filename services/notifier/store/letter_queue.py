"""The queue of letters: taking one that is due, recording how its try went. Times are the database's."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.notifier.domain.letter import Addressee, Branding, ClaimedLetter, LetterState
from shared.credentials.sealing import Sealed
from shared.postgres.database import Transaction

INTERRUPTED = "interrupted"
# A lease that ran out shows in `leased_at`: its mailer died with the letter, which may have been sent.
_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id, institution_id, attempt, leased_at FROM letter
    WHERE state = 'pending' AND next_at IS NOT NULL AND next_at <= now()
    ORDER BY (kind <> 'claim-link'), next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
), interrupted AS (
    INSERT INTO letter_attempt (institution_id, letter_id, n, at, duration_ms, error)
    SELECT institution_id, id, attempt, leased_at, 0, $2 FROM due WHERE leased_at IS NOT NULL
    ON CONFLICT DO NOTHING
), claimed AS (
    UPDATE letter SET attempt = letter.attempt + 1, tries = tries + 1, next_at = now() + $1::interval, leased_at = now()
    FROM due WHERE letter.id = due.id RETURNING letter.*
)
SELECT c.id, c.institution_id, c.kind, c.credential_id, c.endpoint_id, e.url AS endpoint_url,
    e.description AS endpoint_description, c.link, c.link_kek_id, c.link_expires_at, c.edition, c.attempt, c.tries,
    c.created_at, a.address, a.kek_id, a.language, a.title, a.valid_until, a.status, b.name, b.url, b.image, b.email
FROM claimed c LEFT JOIN addressee a ON a.credential_id = c.credential_id
LEFT JOIN branding b ON b.institution_id = c.institution_id LEFT JOIN endpoint e ON e.id = c.endpoint_id
"""
# One statement, so that the usual try is one exchange with the database. What came of a try after its lease ran out
# replaces the word that it was interrupted; a letter that another mailer took, or that was resent or erased meanwhile,
# is not settled by it.
_RECORD = """
WITH recorded AS (
    INSERT INTO letter_attempt (institution_id, letter_id, n, at, duration_ms, code, status, error)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (letter_id, n) DO UPDATE SET at = excluded.at, duration_ms = excluded.duration_ms, code = excluded.code,
        status = excluded.status, error = excluded.error
)
UPDATE letter SET state = $9, reason = $10, next_at = $11, language = coalesce($12, language), leased_at = NULL,
    settled_at = CASE WHEN $9 <> 'pending' THEN $4::timestamptz END
WHERE id = $2 AND state = 'pending' AND attempt = $3 AND leased_at IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Try:
    """How one try went and what follows. `state` is the letter's, `next_at` of the next try where it stays pending."""

    letter: ClaimedLetter
    at: datetime
    duration_ms: int
    code: int | None
    status: str | None
    error: str | None
    state: LetterState
    reason: str | None
    next_at: datetime | None
    language: str | None


async def claim(connection: Transaction, lease: timedelta) -> ClaimedLetter | None:
    """Take the letter that is due first, for as long as `lease`; None when none is due."""
    row = await connection.fetchrow(_CLAIM, lease, INTERRUPTED)
    return _claimed(row) if row else None


def _claimed(row: Any) -> ClaimedLetter:
    addressee = branding = None
    if row["credential_id"] is not None:
        address = _sealed(row["address"], row["kek_id"])
        addressee = Addressee(address, row["language"], row["title"], row["valid_until"], row["status"])
    if row["name"] is not None:
        branding = Branding(row["name"], row["url"], row["image"], row["email"])
    plain = (
        "id",
        "institution_id",
        "kind",
        "credential_id",
        "endpoint_id",
        "endpoint_url",
        "endpoint_description",
        "link_expires_at",
        "edition",
        "attempt",
        "tries",
        "created_at",
    )
    return ClaimedLetter(
        **{name: row[name] for name in plain},
        link=_sealed(row["link"], row["link_kek_id"]),
        addressee=addressee,
        branding=branding,
    )


def _sealed(ciphertext: bytes | None, kek_id: str | None) -> Sealed | None:
    return Sealed(ciphertext, kek_id) if ciphertext is not None and kek_id is not None else None


async def record(tx: Transaction, done: Try) -> None:
    """Store a try, and settle its letter."""
    await tx.execute(
        _RECORD,
        done.letter.institution_id,
        done.letter.id,
        done.letter.attempt,
        done.at,
        done.duration_ms,
        done.code,
        done.status,
        done.error,
        done.state,
        done.reason,
        done.next_at,
        done.language,
    )


async def backlog(connection: Transaction) -> tuple[int, float]:
    """How many letters wait, and how many seconds the one that is due longest has waited."""
    row = await connection.fetchrow(
        "SELECT count(*) AS n, coalesce(extract(epoch FROM clock_timestamp() - min(next_at)), 0)::float AS late"
        " FROM letter WHERE state = 'pending'"
    )
    assert row is not None
    return row["n"], max(0.0, row["late"])
