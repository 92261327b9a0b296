"""What the operator may do with the record: announce it again, and have it written anew."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field

from services.registry.api.context import Context, Here, Operator
from services.registry.commands.rebuild_projections import rebuild_projections
from services.registry.commands.replay_events import replay_events
from services.registry.store import rebuilds
from shared.http.app import router
from shared.http.body import Body
from shared.http.paging import cursor_after, place_of

routes = router("operations", "/v1")
_LIMIT = 1000


class ReplayBody(Body):
    """One page of the past: the oldest `limit` events, or those behind `cursor`."""

    cursor: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    limit: Annotated[int, Field(ge=1, le=_LIMIT)] = _LIMIT


class ReplayAnswer(BaseModel):
    """`replayed` events were appended to the outbox under their first ids; go on with `next` until it is null.

    `missing` events could not be told again, because what they were about is gone.
    """

    replayed: int
    missing: int
    remaining: int
    next: str | None


class Stale(BaseModel):
    """Rows that no replayed event has renewed since the last rebuild was asked for."""

    records: int
    institutions: int
    achievements: int
    platforms: int


class RebuildAnswer(BaseModel):
    """How many events of the issuer were forgotten and will be taken again, and what waits to be renewed by them."""

    forgotten: int
    stale: Stale


@routes.post("/replay", summary="Announce the registry's events again")
async def replay(body: ReplayBody, request: Request, _: Operator, here: Here) -> ReplayAnswer:
    """Registrations and what learners did; not the links that were sent. Each event keeps the id and time it had at
    first, so whoever has it already recognises it."""
    place = place_of(request, body.cursor)
    async with here.db.worker() as tx:
        told = await replay_events(tx, UUID(place[0]) if place else None, body.limit, here.addresses)
    following = None if told.next is None else cursor_after(request, [str(told.next)])
    return ReplayAnswer(replayed=told.events, missing=told.missing, remaining=told.remaining, next=following)


@routes.post("/rebuild", summary="Have everything derived from the issuer's events written anew")
async def rebuild(here: Here, _: Operator) -> RebuildAnswer:
    """Replay the issuer's events afterwards. Until then readers get what there is; nothing is announced twice."""
    forgotten = await rebuild_projections(here.db)
    return RebuildAnswer(forgotten=forgotten, stale=Stale(**await _stale(here)))


@routes.get("/rebuild", summary="What a rebuild has not renewed yet")
async def get_rebuild(here: Here, _: Operator) -> Stale:
    """All zero when the replay has reached everything the issuer still has."""
    return Stale(**await _stale(here))


async def _stale(here: Context) -> dict[str, Any]:
    async with here.db.worker_connection() as connection:
        return await rebuilds.stale(connection)
