"""Parked events for the operator: what was set aside, why, and sending it again."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from shared.http.app import router
from shared.http.auth import Principal, operator
from shared.http.body import Body
from shared.http.paging import Asked
from shared.http.problems import NotFound
from shared.inbox import parking
from shared.inbox.dispatch import Handlers
from shared.postgres.database import Database, Transaction

Operator = Annotated[Principal, Depends(operator())]
ParkedId = Annotated[int, Path(ge=1, le=2**63 - 1, description="Of a parked event.")]


class ParkedEvent(BaseModel):
    """An event that was set aside. Its value, which may hold a learner's data, is not shown."""

    id: int
    topic: str
    partition: int
    offset: int
    key: str
    event_id: UUID | None
    type: str | None
    reason: str = Field(description='A stable word; "behind" is an event that waits for an earlier one of its key.')
    detail: str
    tries: int
    retry_at: datetime | None = Field(description="When it is tried again by itself; null waits for a redrive.")
    parked_at: datetime


class ParkedEvents(BaseModel):
    """One page."""

    items: list[ParkedEvent]
    next: str | None


class Place(Body):
    """What keeps order, and so what is redriven together."""

    topic: str = Field(min_length=1, max_length=249)
    key: str = Field(max_length=10_000)


class Redriven(BaseModel):
    """What came of it. With `failure`, the event that failed and those behind it still wait."""

    topic: str
    key: str
    redriven: int
    waiting: int
    failure: dict[str, str] | None


def parked_router(db: Database, *, group: str, handlers: Handlers) -> APIRouter:
    """The operator's routes, redriving through `handlers` as the consumer of `group` would."""
    routes = router("parked events", "/v1/parked-events")

    @routes.get("", response_model=ParkedEvents, summary="List parked events, the oldest first")
    async def list_parked_events(_: Operator, asked: Asked) -> Any:
        after = asked.after(int)
        async with db.worker() as tx:
            rows = await parking.list_parked(tx, after or 0, asked.rows)
        return asked.page(rows, place=lambda row: [str(row["id"])], item=lambda row: row)

    @routes.post("/redrive", summary="Redrive the parked events of a key, in order")
    async def redrive_key(body: Place, _: Operator) -> Redriven:
        async with db.worker() as tx:
            return await _redrive(tx, (body.topic, body.key), group, handlers)

    @routes.post("/{parked_id}/redrive", summary="Redrive the key of a parked event, in order")
    async def redrive_event(parked_id: ParkedId, _: Operator) -> Redriven:
        async with db.worker() as tx:
            place = await parking.place_of(tx, parked_id)
            if place is None:
                raise NotFound("no such event is parked")
            return await _redrive(tx, place, group, handlers)

    return routes


async def _redrive(tx: Transaction, place: tuple[str, str], group: str, handlers: Handlers) -> Redriven:
    done, failure = await parking.redrive(tx, group, place, handlers)
    if not done and failure is None:
        raise NotFound("no event of this key is parked")
    return Redriven(
        topic=place[0],
        key=place[1],
        redriven=done,
        waiting=await parking.count_parked(tx, place),
        failure=failure and {"reason": failure.reason, "detail": failure.detail},
    )
