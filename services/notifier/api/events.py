"""An institution's messages in the order of its feed, for those who cannot receive webhooks: by long poll, and as
server-sent events."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

import orjson
from fastapi import Header, Query, Request, Response
from pydantic import BaseModel

from services.notifier.api.context import Context, Here, Reader
from services.notifier.api.messages import TypeName
from services.notifier.store import feed
from services.notifier.store.feed import Entry, Stretch
from shared.http.app import router
from shared.http.auth import Principal
from shared.http.body import timestamp
from shared.http.paging import DEFAULT_LIMIT, MAX_LIMIT, Cursors, Limit, link_next
from shared.http.streams import HEARTBEAT, MEDIA_TYPE, EventStream, event, opening, place_mark
from shared.postgres.database import Unavailable

routes = router("events", "/v1/events")
NOW = "now"
MAX_WAIT = 30
HEARTBEAT_SECONDS = 15.0
RETRY_MS = 2000
_SLICE = 0.5  # how soon a waiting answer sees that the service stops, or that its client has gone
After = Annotated[
    str | None,
    Query(max_length=1000, description="Where to go on: a cursor given before, or `now`. The oldest kept by default."),
]
LastEventId = Annotated[str | None, Header(max_length=1000, description="As `after`, and stronger.")]
Types = Annotated[
    list[TypeName] | None, Query(max_length=64, description="Only these event types; give it repeatedly.")
]
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events.", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}
}


class EventAnswer(BaseModel):
    """A message. `id` is its `webhook-id`, `payload` the webhook's body, `cursor` where to go on after it."""

    id: str
    type: str
    event_id: str
    created_at: str
    payload: dict[str, Any]
    cursor: str


class EventPage(BaseModel):
    """What came, in order; `next` is where to go on, and always given."""

    items: list[EventAnswer]
    next: str


class _Reading:
    """One request's way along its institution's feed."""

    def __init__(self, request: Request, who: Principal, here: Context, types: Sequence[str]) -> None:
        self._request, self._who, self._here, self._types = request, who, here, types
        self._cursors: Cursors = request.app.state.cursors
        self.place = 0

    async def begin(self, after: str | None) -> None:
        """Go to where the client was. Raises InvalidCursor."""
        if after == NOW:
            async with self._here.db.tenant(self._who.institution) as tx:
                self.place = await feed.last(tx, self._who.institution)
        elif after is not None:
            self.place = int(self._cursors.decode(after, self._scope)[0])

    async def go_on(self, limit: int) -> Stretch:
        """The next stretch; the place is at its end."""
        async with self._here.db.tenant(self._who.institution) as tx:
            found = await feed.stretch(tx, self.place, self._types, limit)
        self.place = found.reached
        return found

    async def wait(self, seconds: float) -> bool:
        """Whether there is something beyond the place, within a short while at most."""
        return await self._here.arrivals.after(self._who.institution, self.place, min(seconds, _SLICE))

    @property
    def over(self) -> bool:
        """Whether to end: the service stops, or the token is no longer accepted."""
        return bool(self._request.app.state.stopping) or time.time() > self._who.until

    def cursor(self, place: int | None = None) -> str:
        """The cursor of a place, the present one by default; good for poll and stream, whatever is filtered."""
        return self._cursors.encode([str(self.place if place is None else place)], self._scope)

    @property
    def _scope(self) -> str:
        return f"/v1/events {self._who.name}"


@routes.get("", response_model=EventPage)
async def poll(
    request: Request,
    response: Response,
    who: Reader,
    here: Here,
    after: After = None,
    types: Types = None,
    wait: Annotated[int, Query(ge=0, le=MAX_WAIT, description="Seconds to wait for something.")] = 0,
    limit: Limit = DEFAULT_LIMIT,
) -> Any:
    """The institution's messages after a cursor, in an order in which none is ever skipped.

    Where there is none yet, the answer waits up to `wait` seconds for the first. Go on with `next`, again and again.
    """
    reading = _Reading(request, who, here, types or ())
    await reading.begin(after)
    found = await reading.go_on(limit)
    if not found.entries and wait:
        with here.places.one(who.client_id):
            found = await _wait(request, reading, found, limit, wait)
    following = reading.cursor()
    link_next(request, response, after=following)
    return {"items": [_shown(entry, reading) for entry in found.entries], "next": following}


async def _wait(request: Request, reading: _Reading, found: Stretch, limit: int, seconds: float) -> Stretch:
    end = time.monotonic() + seconds
    while not found.entries and not reading.over and (left := end - time.monotonic()) > 0:
        if found.more or await reading.wait(left):
            found = await reading.go_on(limit)
        elif await request.is_disconnected():
            break
    return found


def _shown(entry: Entry, reading: _Reading) -> dict[str, Any]:
    return {
        "id": entry.id,
        "type": entry.type,
        "event_id": str(entry.event_id),
        "created_at": timestamp(entry.created_at),
        "payload": orjson.loads(entry.body),
        "cursor": reading.cursor(entry.position),
    }


@routes.get("/stream", status_code=200, response_class=EventStream, responses=_STREAM)
async def stream(
    request: Request,
    who: Reader,
    here: Here,
    after: After = None,
    last_event_id: LastEventId = None,
    types: Types = None,
) -> Response:
    """The same as server-sent events: `id` is the cursor, `event` the type, `data` the webhook's body.

    It ends when the service stops and when the token expires; connect again with `Last-Event-ID`.
    """
    reading = _Reading(request, who, here, types or ())
    await reading.begin(last_event_id or after)
    return EventStream(_events(reading), here.places.one(who.client_id))


async def _events(reading: _Reading) -> AsyncIterator[bytes]:
    """Everything beyond the place, then what comes; a comment now and then. An outage of the database ends it."""
    clock = asyncio.get_running_loop().time
    yield opening(RETRY_MS) + place_mark(reading.cursor())
    spoken, marked, there = clock(), reading.place, True
    while not reading.over:
        if there:
            try:
                found = await reading.go_on(MAX_LIMIT)
            except Unavailable:
                return
            there = found.more
            if found.entries:
                yield b"".join(event(reading.cursor(each.position), each.type, each.body) for each in found.entries)
                spoken, marked = clock(), found.entries[-1].position
        if clock() - spoken >= HEARTBEAT_SECONDS:
            yield HEARTBEAT if reading.place == marked else HEARTBEAT + place_mark(reading.cursor())
            spoken, marked = clock(), reading.place
        there = there or await reading.wait(HEARTBEAT_SECONDS)
