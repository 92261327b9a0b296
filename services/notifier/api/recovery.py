"""Sending again what an endpoint did not get, and what it never was to get; as tasks, because it may be much."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Request, Response
from pydantic import BaseModel

from services.notifier.api.context import Context, EndpointId, Here, Reader, Writer
from services.notifier.commands.begin_task import TaskRunning, begin_task
from services.notifier.domain.task import Task, TaskKind, TaskState, progress
from services.notifier.store import tasks
from shared.http.app import router
from shared.http.auth import Principal
from shared.http.body import Body, Id, Moment, timestamp
from shared.http.idempotency import Result, once
from shared.http.problems import FieldError, InvalidInput, NotFound, WrongState

routes = router("recovery", "/v1")
TaskId = Annotated[Id, Path(description="The task.")]


class RecoverBody(Body):
    """Events of which time; until now where `until` is not given."""

    since: Moment
    until: Moment | None = None


class TaskAnswer(BaseModel):
    """A task. `counted` is how many messages (or dead letters) it has looked at, `queued` how many deliveries it put in
    line, `progress` the share of its time that it has gone through."""

    id: UUID
    kind: TaskKind
    endpoint_id: UUID | None
    since: str | None
    until: str
    state: TaskState
    counted: int
    queued: int
    progress: float | None
    created_at: str
    finished_at: str | None


def _shown(task: Task) -> dict[str, Any]:
    share = progress(task)
    return {
        "id": str(task.id),
        "kind": task.kind,
        "endpoint_id": str(task.endpoint_id) if task.endpoint_id else None,
        "since": timestamp(task.since) if task.since else None,
        "until": timestamp(task.until),
        "state": task.state,
        "counted": task.counted,
        "queued": task.queued,
        "progress": None if share is None else round(share, 3),
        "created_at": timestamp(task.created_at),
        "finished_at": timestamp(task.finished_at) if task.finished_at else None,
    }


@routes.post("/endpoints/{endpoint_id}/recover", status_code=202, response_model=TaskAnswer)
async def recover(endpoint_id: EndpointId, body: RecoverBody, request: Request, who: Writer, here: Here) -> Response:
    """Put in line again what the endpoint asked for in that time and did not get: given up, cancelled, or failing."""
    return await _begin(request, who, here, "recover", endpoint_id, body)


@routes.post("/endpoints/{endpoint_id}/replay", status_code=202, response_model=TaskAnswer)
async def replay(endpoint_id: EndpointId, body: RecoverBody, request: Request, who: Writer, here: Here) -> Response:
    """The same, and also what by the endpoint's present filter it would have got, had it been there."""
    return await _begin(request, who, here, "replay", endpoint_id, body)


async def _begin(
    request: Request, who: Principal, here: Context, kind: TaskKind, endpoint_id: UUID, body: RecoverBody
) -> Response:
    now = here.clock()
    until = min(body.until or now, now)
    if body.since >= now:
        raise InvalidInput(errors=[FieldError("invalid-date", "lies in the future", pointer="#/since")])
    if body.since >= until:
        raise InvalidInput(errors=[FieldError("invalid-date", "is not later than since", pointer="#/until")])
    return await start(request, who, here, kind, endpoint_id, since=body.since, until=until)


async def start(
    request: Request,
    who: Principal,
    here: Context,
    kind: TaskKind,
    endpoint_id: UUID | None,
    *,
    since: datetime | None,
    until: datetime,
) -> Response:
    """Answer 202 with a new task. Raises NotFound for an endpoint that is not there, WrongState while one runs."""
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            try:
                task = await begin_task(
                    tx, who.institution, kind, endpoint_id, since=since, until=until, now=here.clock()
                )
            except TaskRunning:
                raise WrongState("the task before has not ended yet") from None
            return Result(202, _shown(task), {"Location": f"/v1/tasks/{task.id}"})

        return await once(tx, request, who, command)


@routes.get("/tasks/{task_id}", response_model=TaskAnswer)
async def one(task_id: TaskId, who: Reader, here: Here) -> Any:
    """How far a task is."""
    async with here.db.tenant(who.institution) as tx:
        found = await tasks.get(tx, task_id)
    if found is None:
        raise NotFound("there is no such task")
    return _shown(found)
