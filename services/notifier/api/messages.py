"""What was sent, to whom, how it went; and sending it again."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import Query, Request, Response
from pydantic import BaseModel

from services.notifier.api.context import Here, MessageId, Reader, Writer
from services.notifier.api.errors import unknown_endpoint
from services.notifier.domain.content import NAMES
from services.notifier.store import messages
from services.notifier.store.messages import Attempt, Filters, Message
from shared.http.app import router
from shared.http.body import Body, Id, Moment, timestamp
from shared.http.idempotency import Result, once
from shared.http.paging import Asked
from shared.http.problems import NotFound

routes = router("messages", "/v1/messages")
DeliveryState = Literal["pending", "delivered", "exhausted", "cancelled"]
TypeName = Literal[NAMES]  # type: ignore[valid-type]


class DeliveryAnswer(BaseModel):
    """One endpoint's delivery of a message."""

    endpoint_id: UUID
    state: DeliveryState
    attempts: int
    next_at: str | None


class MessageAnswer(BaseModel):
    """A message. `id` is its `webhook-id`, `payload` the body as it is sent."""

    id: str
    type: str
    event_id: UUID
    created_at: str
    payload: dict[str, Any]
    deliveries: list[DeliveryAnswer]


class MessageList(BaseModel):
    """One page."""

    items: list[MessageAnswer]
    next: str | None


class AttemptAnswer(BaseModel):
    """One POST. `error` says why there was no usable answer; `answer` is its first 4 KiB."""

    endpoint_id: UUID
    number: int
    trigger: Literal["scheduled", "manual"]
    at: str
    duration_ms: int
    status: int | None
    error: str | None
    answer: str


class AttemptList(BaseModel):
    """One page."""

    items: list[AttemptAnswer]
    next: str | None


class ResendBody(Body):
    """Which endpoint is to get the message again; all of its endpoints where none is named."""

    endpoint: Id | None = None


class ResendAnswer(BaseModel):
    """How many deliveries were put first in line."""

    deliveries: int


def _shown(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "type": message.type,
        "event_id": str(message.event_id),
        "created_at": timestamp(message.created_at),
        "payload": orjson.loads(message.body),
        "deliveries": message.deliveries,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "endpoint_id": str(attempt.endpoint_id),
        "number": attempt.n,
        "trigger": attempt.trigger,
        "at": timestamp(attempt.at),
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "error": attempt.error,
        "answer": attempt.answer,
    }


@routes.get("", response_model=MessageList)
async def listing(
    who: Reader,
    here: Here,
    asked: Asked,
    type: Annotated[TypeName | None, Query(description="Only this event type.")] = None,
    endpoint: Annotated[Id | None, Query(description="Only those for this endpoint.")] = None,
    state: Annotated[DeliveryState | None, Query(description="Only those with a delivery in this state.")] = None,
    since: Annotated[Moment | None, Query(description="Only those of events since then.")] = None,
) -> Any:
    """The institution's messages, newest first."""
    after = asked.after(lambda at, message: (datetime.fromisoformat(at), message))
    async with here.db.tenant(who.institution) as tx:
        rows = await messages.listing(tx, Filters(type, endpoint, state, since), after, asked.rows)
    return asked.page(rows, place=lambda row: [row.created_at.isoformat(), row.id], item=_shown)


@routes.get("/{message_id}", response_model=MessageAnswer)
async def one(message_id: MessageId, who: Reader, here: Here) -> Any:
    """One message."""
    async with here.db.tenant(who.institution) as tx:
        found = await messages.get(tx, message_id)
    if found is None:
        raise NotFound("there is no such message")
    return _shown(found)


@routes.get("/{message_id}/attempts", response_model=AttemptList)
async def attempts(message_id: MessageId, who: Reader, here: Here, asked: Asked) -> Any:
    """Every attempt to deliver the message, endpoint by endpoint."""
    after = asked.after(lambda delivery, n: (int(delivery), int(n)))
    async with here.db.tenant(who.institution) as tx:
        if await messages.get(tx, message_id) is None:
            raise NotFound("there is no such message")
        rows = await messages.attempts(tx, message_id, after, asked.rows)
    return asked.page(rows, place=lambda row: [str(row.delivery_id), str(row.n)], item=_attempt)


@routes.post("/{message_id}/resend", status_code=202, response_model=ResendAnswer)
async def resend(
    message_id: MessageId, request: Request, who: Writer, here: Here, body: ResendBody | None = None
) -> Response:
    """Send a message again at once, under the same webhook-id; it takes the place of the next automatic try."""
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            endpoint = body.endpoint if body else None
            count = await messages.resend(tx, message_id, endpoint)
            if not count and endpoint is not None and await messages.get(tx, message_id) is not None:
                raise unknown_endpoint("there is no such endpoint, or the message is not for it")
            if not count:
                raise NotFound("there is no such message, or none for an endpoint that is still there")
            return Result(202, {"deliveries": count})

        answer = await once(tx, request, who, command)
        tx.after_commit(here.wake)
    return answer
