"""A client of server-sent events, as strict as the specification (HTML, 9.2.6) about what it is sent."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Self

import httpx


@dataclass(slots=True)
class EventSource:
    """One connection. `last_event_id` is what to give back when connecting again."""

    answer: httpx.Response
    last_event_id: str = ""
    retry: int | None = None
    comments: list[str] = field(default_factory=list)

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(
        cls, http: httpx.AsyncClient, headers: dict[str, str], last_event_id: str = "", **params: str
    ) -> AsyncIterator[Self]:
        """Open a stream that must be answered 200."""
        place = {"Last-Event-ID": last_event_id} if last_event_id else {}
        asked = {**headers, **place, "Accept": "text/event-stream"}
        async with http.stream("GET", "/v1/events/stream", params=params, headers=asked) as answer:
            assert answer.status_code == 200, (await answer.aread())[:500]
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield cls(answer, last_event_id)

    async def events(self) -> AsyncIterator[tuple[str, str, str]]:
        """(id, event, data) of each event, until the server ends the stream."""
        name, data = "", []
        async for line in self.answer.aiter_lines():
            field_, _, value = line.partition(": ")
            if not line:
                if data:
                    yield self.last_event_id, name, "\n".join(data)
                name, data = "", []
            elif not field_ or line.startswith(":"):
                self.comments.append(line)
            elif field_ == "id":
                self.last_event_id = value
            elif field_ == "event":
                name = value
            elif field_ == "data":
                data.append(value)
            else:
                assert field_ == "retry", line
                self.retry = int(value)
