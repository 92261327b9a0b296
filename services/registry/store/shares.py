"""Which credentials are shown where, by whose consent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.registry.domain.profile import Issuer
from services.registry.domain.share import Share, ShareChange, ShareState, ShownStatus, Withdrawer
from shared.postgres.database import Transaction

_COLUMNS = (
    "share_id, credential_id, institution_id, achievement_id, platform_id, state, status, consent_version, consent,"
    " shared_at, shared_version, withdrawn_at, withdrawn_by, withdrawn_version, removed_at"
)
_OF_SUSPENDED = """
SELECT s.share_id, s.credential_id FROM platform p JOIN share s USING (platform_id) JOIN claim c USING (credential_id)
WHERE p.state = 'suspended' AND s.state = 'shared' LIMIT $1 FOR UPDATE OF c SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; None narrows nothing."""

    platform_id: UUID | None = None
    state: ShareState | None = None


async def add(tx: Transaction, share: Share, issuer: Issuer | None) -> None:
    """Insert a live consent, and what the platform is told of the institution; the caller has locked the claim."""
    await tx.execute(
        "INSERT INTO share (share_id, credential_id, institution_id, achievement_id, platform_id, state, status,"
        " consent_version, consent, shared_at, shared_version, issuer_name, issuer_url, issuer_linkedin_id)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        *(share.share_id, share.credential_id, share.institution_id, share.achievement_id, share.platform_id),
        *(share.state, share.status, share.consent_version, share.consent, share.shared_at, share.shared_version),
        *((issuer.name, issuer.url, issuer.linkedin_organization_id) if issuer else (None, None, None)),
    )


async def latest(tx: Transaction, credential_id: UUID, platform_id: UUID) -> Share | None:
    """The last consent for a credential on a platform, or None."""
    row = await tx.fetchrow(
        f"SELECT {_COLUMNS} FROM share WHERE credential_id = $1 AND platform_id = $2 ORDER BY share_id DESC LIMIT 1",  # noqa: S608
        *(credential_id, platform_id),
    )
    return Share(*row) if row else None


async def count_since(tx: Transaction, credential_id: UUID, platform_id: UUID, since: datetime) -> int:
    """How often a credential was shared with a platform since then."""
    query = "SELECT count(*) FROM share WHERE credential_id = $1 AND platform_id = $2 AND shared_at > $3"
    return int(await tx.fetchval(query, credential_id, platform_id, since))


async def withdraw(tx: Transaction, share_id: UUID, by: Withdrawer, version: int, now: datetime) -> Share:
    """End a locked consent that lives; `version` is that of the event."""
    row = await tx.fetchrow(
        "UPDATE share SET state = 'withdrawn', withdrawn_by = $2, withdrawn_version = $3, withdrawn_at = $4"  # noqa: S608
        f" WHERE share_id = $1 RETURNING {_COLUMNS}",
        *(share_id, by, version, now),
    )
    assert row is not None
    return Share(*row)


async def set_status(tx: Transaction, credential_id: UUID, status: ShownStatus) -> list[Share]:
    """Write the credential's status to its shares; gives the live ones."""
    rows = await tx.fetch(
        f"UPDATE share SET status = $2 WHERE credential_id = $1 AND state <> 'removed' RETURNING {_COLUMNS}",  # noqa: S608
        *(credential_id, status),
    )
    return [share for share in (Share(*row) for row in rows) if share.state == "shared"]


async def add_change(tx: Transaction, change: ShareChange) -> None:
    """Keep what the platform of a share was told."""
    await tx.execute(
        "INSERT INTO share_change (credential_id, version, share_id, status, changed_at) VALUES ($1, $2, $3, $4, $5)",
        *(change.credential_id, change.version, change.share_id, change.status, change.changed_at),
    )


async def hold_of_suspended(tx: Transaction, limit: int) -> list[tuple[UUID, UUID]]:
    """(share, credential) of shares with suspended platforms, the claims locked; what others hold is left for later."""
    return [(row[0], row[1]) for row in await tx.fetch(_OF_SUSPENDED, limit)]


async def lock(tx: Transaction, share_id: UUID) -> Share | None:
    """One share that `tx` may see, locked until the end, or None."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM share WHERE share_id = $1 FOR UPDATE", share_id)  # noqa: S608
    return Share(*row) if row else None


async def confirm_removed(tx: Transaction, share_id: UUID, now: datetime) -> None:
    """Note that the platform of a locked share shows the credential no more."""
    await tx.execute("UPDATE share SET state = 'removed', removed_at = $2 WHERE share_id = $1", share_id, now)


async def of_credential(tx: Transaction, credential_id: UUID, after: UUID | None, limit: int) -> list[Share]:
    """A credential's shares, newest first, from behind `after` on."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM share WHERE credential_id = $1 AND ($2::uuid IS NULL OR share_id < $2)"  # noqa: S608
        " ORDER BY share_id DESC LIMIT $3",
        *(credential_id, after, limit),
    )
    return [Share(*row) for row in rows]


async def page(tx: Transaction, filters: Filters, after: UUID | None, limit: int) -> list[Share]:
    """The shares that `tx` may see, newest first, from behind `after` on."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM share WHERE ($1::uuid IS NULL OR platform_id = $1)"  # noqa: S608
        " AND ($2::text IS NULL OR state = $2) AND ($3::uuid IS NULL OR share_id < $3) ORDER BY share_id DESC LIMIT $4",
        *(filters.platform_id, filters.state, after, limit),
    )
    return [Share(*row) for row in rows]


async def told(tx: Transaction, credential_ids: Sequence[UUID]) -> list[tuple[Share, Issuer | None]]:
    """Every consent for the credentials, and what its platform was told of the institution."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS}, issuer_name, issuer_url, issuer_linkedin_id FROM share WHERE credential_id = ANY($1)",  # noqa: S608
        list(credential_ids),
    )
    values = [tuple(row) for row in rows]
    return [(Share(*row[:-3]), Issuer(*row[-3:]) if row[-3] is not None else None) for row in values]


async def changes(tx: Transaction, credential_ids: Sequence[UUID]) -> list[ShareChange]:
    """Everything that the credentials' platforms were told of their status."""
    rows = await tx.fetch(
        "SELECT credential_id, version, share_id, status, changed_at FROM share_change WHERE credential_id = ANY($1)",
        list(credential_ids),
    )
    return [ShareChange(*row) for row in rows]
