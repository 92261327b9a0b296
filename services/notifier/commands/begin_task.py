"""Begin to put deliveries in line again. Workers do it, batch by batch."""

from datetime import datetime
from uuid import UUID

from services.notifier.domain.errors import Unknown
from services.notifier.domain.task import Task, TaskKind
from services.notifier.store import endpoints, tasks
from shared.events.ids import new_id
from shared.postgres.database import Transaction


class TaskRunning(Exception):
    """A task for the same endpoint (or for all of them) has not ended yet."""


async def begin_task(
    tx: Transaction,
    institution_id: UUID,
    kind: TaskKind,
    endpoint_id: UUID | None,
    *,
    since: datetime | None,
    until: datetime,
    now: datetime,
) -> Task:
    """Store a task for events of `since` to `until`; its endpoint, or all, are tried at once, breaker or not.

    Raises Unknown, TaskRunning.
    """
    if endpoint_id is not None and await endpoints.lock(tx, endpoint_id) is None:
        raise Unknown("there is no such endpoint")
    await tasks.close_breakers(tx, endpoint_id)
    task = Task(
        id=new_id(),
        institution_id=institution_id,
        endpoint_id=endpoint_id,
        kind=kind,
        since=since,
        until=until,
        state="running",
        counted=0,
        queued=0,
        after_at=None,
        after_message=None,
        after_delivery=None,
        created_at=now,
        finished_at=None,
    )
    if not await tasks.add(tx, task):
        raise TaskRunning
    return task
