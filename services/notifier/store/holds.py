"""Letting go what is held back where endpoints want strict order: the claim of store/deliveries.py holds it."""

from collections.abc import Sequence
from uuid import UUID

from shared.postgres.database import Transaction

# A statement of its own, so that it sees what was committed before the locks were had.
_RELEASE = """
WITH released AS (
    UPDATE delivery SET next_at = held_from, held_from = NULL WHERE id = ANY(ARRAY(
        SELECT head.id FROM unnest($1::uuid[], $2::text[]) AS settled(endpoint_id, subject) CROSS JOIN LATERAL (
            SELECT id, held_from FROM delivery d
            WHERE d.endpoint_id = settled.endpoint_id AND d.subject = settled.subject
                AND d.state NOT IN ('delivered', 'exhausted', 'cancelled')
            ORDER BY id LIMIT 1) AS head
        WHERE head.held_from IS NOT NULL))
    RETURNING endpoint_id
)
UPDATE endpoint SET due_at = least(due_at, greatest(open_until, clock_timestamp()))
WHERE id IN (SELECT endpoint_id FROM released) AND state = 'active'
"""
_RELEASE_ALL = """
WITH released AS (
    UPDATE delivery SET next_at = held_from, held_from = NULL
    WHERE endpoint_id = $1 AND subject IS NOT NULL AND state NOT IN ('delivered', 'exhausted', 'cancelled')
        AND held_from IS NOT NULL
    RETURNING endpoint_id
)
UPDATE endpoint SET due_at = least(due_at, greatest(open_until, clock_timestamp()))
WHERE id IN (SELECT endpoint_id FROM released) AND state = 'active'
"""


async def release(tx: Transaction, settled: Sequence[tuple[UUID, str]]) -> None:
    """Let the next delivery of each (endpoint, subject) go, where it was held. `tx` has locked the endpoints."""
    await tx.execute(_RELEASE, [endpoint_id for endpoint_id, _ in settled], [subject for _, subject in settled])


async def release_all(tx: Transaction, endpoint_id: UUID) -> None:
    """Let everything go that was held for an endpoint, which `tx` has locked."""
    await tx.execute(_RELEASE_ALL, endpoint_id)
