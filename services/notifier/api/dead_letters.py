"""Deliveries whose tries are used up: seen, sent again, or dropped."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel

from services.notifier.api.context import Here, Reader, Writer
from services.notifier.api.errors import unknown_endpoint
from services.notifier.api.recovery import TaskAnswer, start
from services.notifier.domain.errors import Unknown
from services.notifier.store import dead_letters
from services.notifier.store.dead_letters import DeadLetter
from shared.http.app import router
from shared.http.body import Body, Id, Moment, timestamp
from shared.http.paging import Asked
from shared.http.problems import FieldError, InvalidInput, NotFound

routes = router("dead letters", "/v1/dead-letters")
DeadLetterId = Annotated[int, Path(ge=1, le=2**53 - 1, description="The dead letter.")]


class LastAttempt(BaseModel):
    """The last POST and what came of it."""

    at: str
    status: int | None
    error: str | None
    answer: str


class DeadLetterAnswer(BaseModel):
    """A delivery that was given up. `created_at` is the event's time."""

    id: int
    message_id: str
    type: str
    endpoint_id: UUID
    created_at: str
    attempts: int
    last_attempt: LastAttempt | None


class DeadLetterList(BaseModel):
    """One page."""

    items: list[DeadLetterAnswer]
    next: str | None


class RedriveBody(Body):
    """Which dead letters: those for one endpoint, of events since then; all where nothing is said."""

    endpoint: Id | None = None
    since: Moment | None = None


def _shown(letter: DeadLetter) -> dict[str, Any]:
    last = None
    if letter.last_at is not None:
        last = {
            "at": timestamp(letter.last_at),
            "status": letter.last_status,
            "error": letter.last_error,
            "answer": letter.last_answer,
        }
    return {
        "id": letter.id,
        "message_id": letter.message_id,
        "type": letter.type,
        "endpoint_id": str(letter.endpoint_id),
        "created_at": timestamp(letter.created_at),
        "attempts": letter.attempts,
        "last_attempt": last,
    }


@routes.get("", response_model=DeadLetterList)
async def listing(
    who: Reader,
    here: Here,
    asked: Asked,
    endpoint: Annotated[Id | None, Query(description="Only those for this endpoint.")] = None,
) -> Any:
    """The institution's dead letters, newest first, each with its last attempt."""
    after = asked.after(int)
    async with here.db.tenant(who.institution) as tx:
        rows = await dead_letters.listing(tx, endpoint, after, asked.rows)
    return asked.page(rows, item=_shown)


@routes.post("/redrive", status_code=202, response_model=TaskAnswer)
async def redrive(request: Request, who: Writer, here: Here, body: RedriveBody | None = None) -> Response:
    """Put dead letters in line again, under the same webhook-id. The task is found at `/v1/tasks/{id}`."""
    body, now = body or RedriveBody(), here.clock()
    if body.since and body.since >= now:
        raise InvalidInput(errors=[FieldError("invalid-date", "lies in the future", pointer="#/since")])
    try:
        return await start(request, who, here, "redrive", body.endpoint, since=body.since, until=now)
    except Unknown as error:  # its endpoint is the body's, and not the address's
        raise unknown_endpoint(error.detail) from None


@routes.delete("/{dead_letter_id}", status_code=204)
async def drop(dead_letter_id: DeadLetterId, who: Writer, here: Here) -> Response:
    """Drop one: its delivery is cancelled. What was attempted stays on record."""
    async with here.db.tenant(who.institution) as tx:
        if not await dead_letters.cancel(tx, dead_letter_id):
            raise NotFound("there is no such dead letter")
    return Response(status_code=204)
