"""Endpoints and their secrets."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifier.domain.endpoint import Endpoint
from services.notifier.domain.filter import compiled
from shared.postgres.database import Transaction

_SELECT = """
SELECT id, institution_id, url, events, created_at, description, payload, format, signatures, public_key, achievements,
    institutions, filter, ordered, rate_per_second, cap AS concurrency, header_names, state, disabled_reason,
    fail_streak, failing_since, verified_at, version
FROM endpoint WHERE state <> 'deleted'
"""
# What an institution can say. `tokens_at` is forgotten, so that a new rate starts with a full bucket.
_SAVE = """
UPDATE endpoint SET url = $2, events = $3, description = $4, payload = $5, format = $6, signatures = $7,
    public_key = $8, achievements = $9, filter = $10, filter_path = $11::text::jsonpath, ordered = $12,
    rate_per_second = $13, cap = $14, state = $15, disabled_reason = $16, verified_at = $17, version = $18,
    institutions = $19,
    due_at = CASE WHEN $15 = 'active' THEN due_at END,
    tokens_at = CASE WHEN rate_per_second IS NOT DISTINCT FROM $13 THEN tokens_at END
WHERE id = $1
"""


def _record(row: Any) -> Endpoint:
    return Endpoint(**dict(row))


async def add(tx: Transaction, endpoint: Endpoint) -> None:
    """Insert an endpoint."""
    await tx.execute(
        "INSERT INTO endpoint (id, institution_id, url, events, created_at) VALUES ($1, $2, $3, $4, $5)",
        endpoint.id,
        endpoint.institution_id,
        endpoint.url,
        list(endpoint.events),
        endpoint.created_at,
    )
    await save(tx, endpoint)


async def get(tx: Transaction, endpoint_id: UUID) -> Endpoint | None:
    """One endpoint that `tx` may see, or None."""
    row = await tx.fetchrow(_SELECT + "AND id = $1", endpoint_id)
    return _record(row) if row else None


async def lock(tx: Transaction, endpoint_id: UUID) -> Endpoint | None:
    """The same, held until `tx` ends."""
    row = await tx.fetchrow(_SELECT + "AND id = $1 FOR NO KEY UPDATE", endpoint_id)
    return _record(row) if row else None


async def count(tx: Transaction) -> int:
    """How many the tenant of `tx` has."""
    return int(await tx.fetchval("SELECT count(*) FROM endpoint WHERE state <> 'deleted'"))


async def listing(tx: Transaction, after: UUID | None, limit: int) -> list[Endpoint]:
    """A page, oldest first."""
    rows = await tx.fetch(_SELECT + "AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2", after, limit)
    return [_record(row) for row in rows]


async def save(tx: Transaction, endpoint: Endpoint) -> None:
    """Write what an institution can change."""
    await tx.execute(
        _SAVE,
        endpoint.id,
        endpoint.url,
        list(endpoint.events),
        endpoint.description,
        endpoint.payload,
        endpoint.format,
        list(endpoint.signatures),
        endpoint.public_key,
        endpoint.achievements,
        endpoint.filter,
        compiled(endpoint.filter) if endpoint.filter is not None else None,
        endpoint.ordered,
        endpoint.rate_per_second,
        endpoint.concurrency,
        endpoint.state,
        endpoint.disabled_reason,
        endpoint.verified_at,
        endpoint.version,
        endpoint.institutions,
    )


async def forget_failures(tx: Transaction, endpoint_id: UUID, *, moved: bool) -> None:
    """Close the circuit breaker and look at once for what waits. An address that moved has to prove itself anew."""
    await tx.execute(
        "UPDATE endpoint SET fail_streak = 0, failing_since = NULL, open_until = NULL, due_at = clock_timestamp(),"
        " proven = proven AND NOT $2 WHERE id = $1",
        endpoint_id,
        moved,
    )


async def note_challenge(tx: Transaction, endpoint_id: UUID, cool_down: float) -> bool:
    """Note that a challenge is sent now; tells False when one was sent less than `cool_down` seconds ago."""
    return bool(
        await tx.fetchval(
            "UPDATE endpoint SET challenged_at = clock_timestamp() WHERE id = $1 AND (challenged_at IS NULL"
            " OR challenged_at < clock_timestamp() - make_interval(secs => $2)) RETURNING true",
            endpoint_id,
            cool_down,
        )
    )


async def verified(tx: Transaction, endpoint: Endpoint, now: datetime) -> bool:
    """Note that the endpoint answered its challenge, and let it have what waits; tells whether it is still there, at
    the address that was asked."""
    tag = await tx.execute(
        "UPDATE endpoint SET verified_at = $3, proven = true, version = version + 1,"
        " state = CASE WHEN state = 'unverified' THEN 'active' ELSE state END,"
        " due_at = CASE WHEN state IN ('unverified', 'active') THEN clock_timestamp() END"
        " WHERE id = $1 AND url = $2 AND state <> 'deleted'",
        endpoint.id,
        endpoint.url,
        now,
    )
    return tag.endswith(" 1")


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
