"""A task: deliveries of some time are put in line again, batch by batch."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

TaskKind = Literal["recover", "replay", "redrive"]
TaskState = Literal["running", "done", "cancelled"]


@dataclass(frozen=True, slots=True)
class Task:
    """`counted` is how many messages (for a redrive: dead letters) were looked at, `queued` how many deliveries were
    put in line. The times are those of the events; `after_…` is how far it has got."""

    id: UUID
    institution_id: UUID
    endpoint_id: UUID | None
    kind: TaskKind
    since: datetime | None
    until: datetime
    state: TaskState
    counted: int
    queued: int
    after_at: datetime | None
    after_message: str | None
    after_delivery: int | None
    created_at: datetime
    finished_at: datetime | None


def progress(task: Task) -> float | None:
    """How much of its time a task has gone through, from 0 to 1; None where that is not known."""
    if task.state == "done":
        return 1.0
    if task.since is None:
        return None
    if task.after_at is None or task.until <= task.since:
        return 0.0
    return min(1.0, max(0.0, (task.after_at - task.since) / (task.until - task.since)))
