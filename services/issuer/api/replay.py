"""The past, published again: for consumers that lost it, or want to derive something new from it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field

from services.issuer.api.context import Here, Operator
from services.issuer.commands.replay_events import Means, replay_events
from shared.http.app import router
from shared.http.body import Body
from shared.http.paging import cursor_after, place_of

routes = router("replay", "/v1/replay")
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


@routes.post("", response_model=ReplayAnswer)
async def replay(body: ReplayBody, request: Request, _: Operator, here: Here) -> Any:
    """Publish a page of recorded events again. Consumers that had them recognise the ids and do nothing."""
    place = place_of(request, body.cursor)
    means = Means(here.addresses, here.recipients)
    async with here.db.worker() as tx:
        told = await replay_events(tx, UUID(place[0]) if place else None, body.limit, means)
    following = None if told.next is None else cursor_after(request, [str(told.next)])
    return {"replayed": told.events, "missing": told.missing, "remaining": told.remaining, "next": following}
