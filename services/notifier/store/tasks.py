"""Tasks, and the batches of deliveries that they put in line again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifier.domain.task import Task
from services.notifier.store.messages import ASKED_FOR
from shared.postgres.database import Transaction

BATCH = 500
_SELECT = """
SELECT id, institution_id, endpoint_id, kind, since, until, state, counted, queued, after_at, after_message,
    after_delivery, created_at, finished_at
FROM task
"""
_DEAD_LETTERS = """
SELECT d.id, d.endpoint_id, m.created_at FROM delivery d JOIN message m ON m.id = d.message_id
WHERE d.state = 'exhausted' AND d.institution_id = $1 AND d.id > $2
"""
# What a dispatcher has at this moment is left to it. All get the same time, so that they are taken in order of id.
_REQUEUE = """
UPDATE delivery SET state = 'pending', trigger = 'manual', leased_at = NULL, next_at = now(), held_from = NULL
WHERE (state IN ('exhausted', 'cancelled') OR (state = 'pending' AND attempt > 0 AND leased_at IS NULL))
"""
# A message without a place in the feed was made for one endpoint alone, and is nothing to anybody else.
_ADD_MISSING = f"""
INSERT INTO delivery (institution_id, message_id, endpoint_id, trigger, subject)
SELECT event.institution_id, event.id, listening.id, 'manual', CASE WHEN listening.ordered THEN event.subject END
FROM endpoint listening JOIN (
    SELECT message.*, said.data, (said.data ->> 'achievement_id')::uuid AS achievement_id,
        (said.data ->> 'institution_id')::uuid AS issuer_id
    FROM message CROSS JOIN LATERAL (SELECT convert_from(body, 'UTF8')::jsonb -> 'data' AS data) AS said
) AS event ON event.institution_id = listening.institution_id AND {ASKED_FOR}
WHERE listening.id = $1 AND event.id = ANY($2) AND event.position IS NOT NULL
    AND (listening.filter_path IS NULL OR event.data @@ listening.filter_path)
ORDER BY event.created_at, event.id
ON CONFLICT (message_id, endpoint_id) DO NOTHING
"""  # noqa: S608
_CLOSE_BREAKER = """
UPDATE endpoint SET open_until = NULL, due_at = clock_timestamp() WHERE id = ANY(ARRAY(
    SELECT id FROM endpoint WHERE ($1::uuid IS NULL OR id = $1) AND state = 'active' AND open_until IS NOT NULL
    ORDER BY id FOR NO KEY UPDATE))
"""
_WAKE = """
UPDATE endpoint SET due_at = least(due_at, greatest(open_until, clock_timestamp()))
WHERE id = ANY($1) AND state = 'active'
"""


def _record(row: Any) -> Task:
    return Task(**dict(row))


async def add(tx: Transaction, task: Task) -> bool:
    """Insert a task; False when one of the same scope is still running."""
    found = await tx.fetchval(
        "INSERT INTO task (id, institution_id, endpoint_id, kind, since, until, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING true",
        task.id,
        task.institution_id,
        task.endpoint_id,
        task.kind,
        task.since,
        task.until,
        task.created_at,
    )
    return bool(found)


async def get(tx: Transaction, task_id: UUID) -> Task | None:
    """One task that `tx` may see, or None."""
    row = await tx.fetchrow(_SELECT + "WHERE id = $1", task_id)
    return _record(row) if row else None


async def take(tx: Transaction) -> Task | None:
    """The running task that has waited longest for its next step, held until `tx` ends; None when there is none that
    no other process holds."""
    row = await tx.fetchrow(_SELECT + "WHERE state = 'running' ORDER BY stepped_at LIMIT 1 FOR UPDATE SKIP LOCKED")
    return _record(row) if row else None


async def save(tx: Transaction, task: Task) -> None:
    """Write how far a task has got."""
    await tx.execute(
        "UPDATE task SET state = $2, counted = $3, queued = $4, after_at = $5, after_message = $6, after_delivery = $7,"
        " stepped_at = clock_timestamp(), finished_at = CASE WHEN $2 <> 'running' THEN clock_timestamp() END"
        " WHERE id = $1",
        task.id,
        task.state,
        task.counted,
        task.queued,
        task.after_at,
        task.after_message,
        task.after_delivery,
    )


async def messages(tx: Transaction, task: Task) -> list[tuple[str, datetime]]:
    """The next messages of a task's time, in order of time and id: id and the event's time. Tests are no events, and
    left out."""
    rows = await tx.fetch(
        "SELECT id, created_at FROM message WHERE institution_id = $1 AND created_at < $3 AND position IS NOT NULL"
        " AND (created_at, id) > ($4, $5) AND created_at >= $2 ORDER BY created_at, id LIMIT $6",
        task.institution_id,
        task.since,
        task.until,
        task.after_at or task.since,
        task.after_message or "",
        BATCH,
    )
    return [(row["id"], row["created_at"]) for row in rows]


async def requeue_messages(tx: Transaction, endpoint_id: UUID, message_ids: Sequence[str]) -> int:
    """Put what the endpoint did not get of these messages in line; gives how many. `tx` has locked the endpoint."""
    tag = await tx.execute(_REQUEUE + "AND endpoint_id = $1 AND message_id = ANY($2)", endpoint_id, list(message_ids))
    return int(tag.rpartition(" ")[2])


async def add_missing(tx: Transaction, endpoint_id: UUID, message_ids: Sequence[str]) -> int:
    """Make a delivery of each of these messages that the endpoint asks for and has none of; gives how many."""
    tag = await tx.execute(_ADD_MISSING, endpoint_id, list(message_ids))
    return int(tag.rpartition(" ")[2])


async def dead_letters(tx: Transaction, task: Task) -> list[tuple[int, UUID, datetime]]:
    """The next exhausted deliveries of a task, in order of id: id, endpoint and the event's time."""
    rows = await tx.fetch(
        _DEAD_LETTERS + ("AND d.endpoint_id = $4 " if task.endpoint_id else "") + "ORDER BY d.id LIMIT $3",
        task.institution_id,
        task.after_delivery or 0,
        BATCH,
        *([task.endpoint_id] if task.endpoint_id else []),
    )
    return [(row["id"], row["endpoint_id"], row["created_at"]) for row in rows]


async def lock_endpoints(tx: Transaction, endpoint_ids: Sequence[UUID]) -> list[UUID]:
    """Hold those that were not removed, in order of id, until `tx` ends."""
    rows = await tx.fetch(
        "SELECT id FROM endpoint WHERE id = ANY($1) AND state <> 'deleted' ORDER BY id FOR NO KEY UPDATE",
        list(endpoint_ids),
    )
    return [row["id"] for row in rows]


async def requeue(tx: Transaction, delivery_ids: Sequence[int], endpoint_ids: Sequence[UUID]) -> int:
    """Put those of these deliveries in line that are for these endpoints, which `tx` has locked; gives how many."""
    tag = await tx.execute(
        _REQUEUE + "AND id = ANY($1) AND endpoint_id = ANY($2)", list(delivery_ids), list(endpoint_ids)
    )
    return int(tag.rpartition(" ")[2])


async def wake(tx: Transaction, endpoint_ids: Sequence[UUID]) -> None:
    """Have the endpoints looked at, when their circuit breaker lets them."""
    await tx.execute(_WAKE, list(endpoint_ids))


async def close_breakers(tx: Transaction, endpoint_id: UUID | None) -> None:
    """Try an endpoint, or all of the institution of `tx`, at once: somebody says that it works again."""
    await tx.execute(_CLOSE_BREAKER, endpoint_id)
