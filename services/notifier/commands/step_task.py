"""Go one batch further with a task. What a step did and how far it got commit together."""

from dataclasses import replace

from services.notifier.domain.task import Task
from services.notifier.store import endpoints, tasks
from shared.postgres.database import Transaction


async def step_task(tx: Transaction) -> Task | None:
    """Take the next step of some task; gives how it stands then, None when there is nothing to do."""
    task = await tasks.take(tx)
    if task is None:
        return None
    task = await (_redrive(tx, task) if task.kind == "redrive" else _recover(tx, task))
    await tasks.save(tx, task)
    return task


async def _recover(tx: Transaction, task: Task) -> Task:
    """What the endpoint did not get goes in line; on a replay also what it was never meant to get and now asks for."""
    assert task.endpoint_id is not None
    endpoint = await endpoints.lock(tx, task.endpoint_id)
    if endpoint is None:
        return replace(task, state="cancelled")
    batch = await tasks.messages(tx, task)
    if not batch:
        return replace(task, state="done")
    messages = [message for message, _ in batch]
    queued = await tasks.requeue_messages(tx, endpoint.id, messages)
    if task.kind == "replay":
        queued += await tasks.add_missing(tx, endpoint.id, messages)
    await tasks.wake(tx, [endpoint.id])
    return replace(
        task,
        counted=task.counted + len(batch),
        queued=task.queued + queued,
        after_at=batch[-1][1],
        after_message=batch[-1][0],
    )


async def _redrive(tx: Transaction, task: Task) -> Task:
    """Dead letters go in line, each looked at once; those of endpoints that were removed stay."""
    batch = await tasks.dead_letters(tx, task)
    if not batch:
        return replace(task, state="done")
    in_time = [each for each in batch if each[2] < task.until and (task.since is None or each[2] >= task.since)]
    held = await tasks.lock_endpoints(tx, [endpoint for _, endpoint, _ in in_time])
    queued = await tasks.requeue(tx, [delivery for delivery, _, _ in in_time], held)
    await tasks.wake(tx, held)
    return replace(
        task,
        counted=task.counted + len(batch),
        queued=task.queued + queued,
        after_delivery=batch[-1][0],
        after_at=batch[-1][2],
    )
