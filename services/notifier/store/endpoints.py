"""Endpoints and their secrets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifier.domain.endpoint import Endpoint
from shared.credentials.sealing import Sealed
from shared.postgres.database import Transaction

SECRETS = "endpoint_secret"
_SELECT = """
SELECT id, institution_id, url, description, events, state, disabled_reason, fail_streak, failing_since, version,
    created_at
FROM endpoint WHERE state <> 'deleted'
"""


def _record(row: Any) -> Endpoint:
    return Endpoint(**dict(row))


async def add(tx: Transaction, endpoint: Endpoint, secret: Sealed) -> None:
    """Insert an endpoint and its first secret."""
    await tx.execute(
        "INSERT INTO endpoint (id, institution_id, url, description, events, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        endpoint.id,
        endpoint.institution_id,
        endpoint.url,
        endpoint.description,
        endpoint.events,
        endpoint.created_at,
    )
    await tx.execute(
        "INSERT INTO endpoint_secret (institution_id, endpoint_id, n, ciphertext, kek_id) VALUES ($1, $2, 1, $3, $4)",
        endpoint.institution_id,
        endpoint.id,
        secret.ciphertext,
        secret.kek_id,
    )


async def get(tx: Transaction, endpoint_id: UUID) -> Endpoint | None:
    """One endpoint that `tx` may see, or None."""
    row = await tx.fetchrow(_SELECT + "AND id = $1", endpoint_id)
    return _record(row) if row else None


async def lock(tx: Transaction, endpoint_id: UUID) -> Endpoint | None:
    """The same, held until `tx` ends."""
    row = await tx.fetchrow(_SELECT + "AND id = $1 FOR NO KEY UPDATE", endpoint_id)
    return _record(row) if row else None


async def listing(tx: Transaction, after: UUID | None, limit: int) -> list[Endpoint]:
    """A page, oldest first."""
    rows = await tx.fetch(_SELECT + "AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2", after, limit)
    return [_record(row) for row in rows]


async def save(tx: Transaction, endpoint: Endpoint) -> None:
    """Write what an institution can change."""
    await tx.execute(
        "UPDATE endpoint SET url = $2, description = $3, events = $4, state = $5, disabled_reason = $6, version = $7,"
        " due_at = CASE WHEN $5 = 'active' THEN due_at END WHERE id = $1",
        endpoint.id,
        endpoint.url,
        endpoint.description,
        endpoint.events,
        endpoint.state,
        endpoint.disabled_reason,
        endpoint.version,
    )


async def forget_failures(tx: Transaction, endpoint_id: UUID, *, moved: bool) -> None:
    """Close the circuit breaker and look at once for what waits. An address that moved has to prove itself anew."""
    await tx.execute(
        "UPDATE endpoint SET fail_streak = 0, failing_since = NULL, open_until = NULL, due_at = clock_timestamp(),"
        " proven = proven AND NOT $2 WHERE id = $1",
        endpoint_id,
        moved,
    )


async def delete(tx: Transaction, endpoint_id: UUID) -> bool:
    """Remove an endpoint, its secrets and what waits for it; tells whether it was there. What was sent stays."""
    tag = await tx.execute(
        "UPDATE endpoint SET state = 'deleted', due_at = NULL, version = version + 1"
        " WHERE id = $1 AND state <> 'deleted'",
        endpoint_id,
    )
    if not tag.endswith(" 1"):
        return False
    await tx.execute("DELETE FROM endpoint_secret WHERE endpoint_id = $1", endpoint_id)
    await tx.execute(
        "UPDATE delivery SET state = 'cancelled', leased_at = NULL WHERE endpoint_id = $1 AND state = 'pending'",
        endpoint_id,
    )
    return True


async def secrets_of(
    tx: Transaction, endpoint_ids: Sequence[UUID], now: datetime
) -> dict[UUID, list[tuple[int, Sealed]]]:
    """The live secrets of endpoints, newest first, with their numbers."""
    rows = await tx.fetch(
        "SELECT endpoint_id, n, ciphertext, kek_id FROM endpoint_secret"
        " WHERE endpoint_id = ANY($1) AND (expires_at IS NULL OR expires_at > $2) ORDER BY n DESC",
        list(endpoint_ids),
        now,
    )
    found: dict[UUID, list[tuple[int, Sealed]]] = {}
    for row in rows:
        found.setdefault(row["endpoint_id"], []).append((row["n"], Sealed(row["ciphertext"], row["kek_id"])))
    return found


async def disable(tx: Transaction, endpoint_id: UUID, reason: str) -> int | None:
    """Switch an active endpoint off; gives the version of its next event, None when it was off already."""
    version = await tx.fetchval(
        "UPDATE endpoint SET state = 'disabled', disabled_reason = $2, due_at = NULL, version = version + 1,"
        " event_version = event_version + 1 WHERE id = $1 AND state = 'active' RETURNING event_version",
        endpoint_id,
        reason,
    )
    return int(version) if version is not None else None


async def next_event_version(tx: Transaction, endpoint_id: UUID) -> int:
    """Count one more event about an endpoint, which `tx` has locked."""
    return int(
        await tx.fetchval(
            "UPDATE endpoint SET event_version = event_version + 1 WHERE id = $1 RETURNING event_version", endpoint_id
        )
    )


async def count_by_state(tx: Transaction) -> dict[str, int]:
    """How many endpoints are in each state."""
    rows = await tx.fetch("SELECT state, count(*) AS n FROM endpoint WHERE state <> 'deleted' GROUP BY state")
    return {row["state"]: row["n"] for row in rows}
