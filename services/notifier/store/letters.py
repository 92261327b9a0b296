"""Letters: those to be written, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.notifier.domain.letter import LearnerKind, LetterKind
from shared.credentials.sealing import Sealed
from shared.postgres.database import Transaction

LINKS = "letter"
# A letter to a learner waits while nobody knows the address; a link that nobody can be sent any more is not kept.
_ADD = """
INSERT INTO letter (id, institution_id, kind, credential_id, endpoint_id, event_id, link, link_kek_id, link_expires_at,
    created_at, next_at)
SELECT $1, $2, $3, $4, $5, $6, CASE WHEN a.erased_at IS NULL THEN $7::bytea END,
    CASE WHEN a.erased_at IS NULL THEN $8::text END, $9, $10,
    CASE WHEN $4::uuid IS NULL OR a.known THEN clock_timestamp() END
FROM (SELECT) AS this LEFT JOIN addressee a ON a.credential_id = $4
ON CONFLICT DO NOTHING
"""
_WARN = """
INSERT INTO letter (id, institution_id, kind, credential_id, created_at)
SELECT gen_random_uuid(), institution_id, $1, credential_id, $2::timestamptz FROM addressee a
WHERE status = 'active' AND address IS NOT NULL AND valid_until > $2::timestamptz + $4::interval
    AND valid_until <= $2::timestamptz + $3::interval AND issued_at <= valid_until - $3::interval
    AND NOT EXISTS (SELECT FROM letter l WHERE l.credential_id = a.credential_id AND l.kind = $1)
ORDER BY valid_until LIMIT $5
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class NewLetter:
    """A letter to be written, about a credential or about an endpoint."""

    id: UUID
    institution_id: UUID
    kind: LetterKind
    created_at: datetime
    credential_id: UUID | None = None
    endpoint_id: UUID | None = None
    event_id: UUID | None = None
    link: Sealed | None = None
    link_expires_at: datetime | None = None


async def add(tx: Transaction, letter: NewLetter) -> None:
    """Put a letter in line, unless its event, or its credential, has had one of the kind."""
    await tx.execute(
        _ADD,
        letter.id,
        letter.institution_id,
        letter.kind,
        letter.credential_id,
        letter.endpoint_id,
        letter.event_id,
        letter.link.ciphertext if letter.link else None,
        letter.link.kek_id if letter.link else None,
        letter.link_expires_at,
        letter.created_at,
    )


async def add_warnings(
    tx: Transaction, kind: LearnerKind, ahead: timedelta, least: timedelta, now: datetime, limit: int
) -> int:
    """Put warnings in line for credentials that expire within `ahead` and not within `least`, at most `limit`; gives
    how many. One issued later than `ahead` before its end never had that much time, and is not warned."""
    tag = await tx.execute(_WARN, kind, now, ahead, least, limit)
    return int(tag.rpartition(" ")[2])


@dataclass(frozen=True, slots=True)
class Letter:
    """What its institution may know of a letter: never the address."""

    id: UUID
    institution_id: UUID
    kind: str
    credential_id: UUID | None
    endpoint_id: UUID | None
    language: str | None
    state: str
    reason: str | None
    attempt: int
    edition: int
    next_at: datetime | None
    link_expires_at: datetime | None
    created_at: datetime
    settled_at: datetime | None


_SELECT = """
SELECT id, institution_id, kind, credential_id, endpoint_id, language, state, reason, attempt, edition, next_at,
    link_expires_at, created_at, settled_at
FROM letter
"""


async def get(tx: Transaction, letter_id: UUID) -> Letter | None:
    """One letter that `tx` may see, or None."""
    row = await tx.fetchrow(f"{_SELECT} WHERE id = $1", letter_id)
    return Letter(**dict(row)) if row else None


async def lock(tx: Transaction, letter_id: UUID) -> Letter | None:
    """The same, held until `tx` ends."""
    row = await tx.fetchrow(f"{_SELECT} WHERE id = $1 FOR UPDATE", letter_id)
    return Letter(**dict(row)) if row else None


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; None does not narrow."""

    kind: str | None = None
    state: str | None = None
    credential: UUID | None = None
    about_endpoints: bool = False


async def listing(tx: Transaction, filters: Filters, after: tuple[datetime, UUID] | None, limit: int) -> list[Letter]:
    """A page, newest first."""
    rows = await tx.fetch(
        f"""{_SELECT} WHERE ($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR state = $2)
        AND ($3::uuid IS NULL OR credential_id = $3)
        AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5))
        AND (endpoint_id IS NOT NULL OR NOT $7)
        ORDER BY created_at DESC, id DESC LIMIT $6""",
        filters.kind,
        filters.state,
        filters.credential,
        *(after or (None, None)),
        limit,
        filters.about_endpoints,
    )
    return [Letter(**dict(row)) for row in rows]


async def attempts(tx: Transaction, letter_id: UUID, most: int) -> Sequence[dict[str, Any]]:
    """The last tries of a letter, oldest first."""
    rows = await tx.fetch(
        "SELECT n, at, duration_ms, code, status, error FROM letter_attempt WHERE letter_id = $1"
        " ORDER BY n DESC LIMIT $2",
        letter_id,
        most,
    )
    return [dict(row) for row in reversed(rows)]


async def send_again(tx: Transaction, letter_id: UUID) -> None:
    """Put a letter first in line as a new edition, whatever became of it."""
    await tx.execute(
        "UPDATE letter SET state = 'pending', reason = NULL, settled_at = NULL, edition = edition + 1, tries = 0,"
        " leased_at = NULL, next_at = clock_timestamp() WHERE id = $1",
        letter_id,
    )


async def bounce(tx: Transaction, letter_id: UUID, reason: str, now: datetime) -> None:
    """A mail server said, after accepting a letter, that it cannot be delivered."""
    await tx.execute(
        "UPDATE letter SET state = 'bounced', reason = $2, settled_at = $3, leased_at = NULL WHERE id = $1",
        letter_id,
        reason,
        now,
    )


async def forget_links(tx: Transaction, now: datetime) -> None:
    """Links that lead nowhere any more are not kept."""
    await tx.execute(
        "UPDATE letter SET link = NULL, link_kek_id = NULL WHERE link IS NOT NULL AND link_expires_at <= $1", now
    )
