"""Answers that stay open: how many of them there may be, and the format of server-sent events (HTML, 9.2)."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager
from typing import Any

from fastapi.responses import StreamingResponse

from shared.http.problems import ServiceUnavailable, TooManyRequests
from shared.telemetry import metrics

MEDIA_TYPE = "text/event-stream"
_LATER = {"Retry-After": "5"}


class TooManyStreams(TooManyRequests, type="too-many-streams"):
    """The client has as many answers open as it may."""


class Places:
    """How many answers this process holds open: `most` in all, `most_each` for one client."""

    def __init__(self, most: int, most_each: int) -> None:
        self._most, self._most_each = most, most_each
        self._held: Counter[str] = Counter()

    @contextlib.contextmanager
    def one(self, client_id: str) -> Iterator[None]:
        """A place for as long as the context lasts. Raises TooManyStreams, ServiceUnavailable."""
        if self._held[client_id] >= self._most_each:
            raise TooManyStreams(f"a client may have {self._most_each} answers open here", headers=_LATER)
        if self._held.total() >= self._most:
            raise ServiceUnavailable(f"all {self._most} places for open answers are taken", headers=_LATER)
        self._held[client_id] += 1
        metrics.OPEN_ANSWERS.inc()
        try:
            yield
        finally:
            metrics.OPEN_ANSWERS.dec()
            self._held[client_id] -= 1
            if not self._held[client_id]:
                del self._held[client_id]


class EventStream(StreamingResponse):
    """Server-sent events, holding `place` from their beginning until they end, however they end."""

    media_type = MEDIA_TYPE

    def __init__(self, events: AsyncIterator[bytes], place: AbstractContextManager[None]) -> None:
        super().__init__(events, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._place = place

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send them. Raises TooManyStreams, ServiceUnavailable before anything is sent."""
        with self._place:
            await super().__call__(scope, receive, send)


def event(identifier: str, name: str, data: bytes) -> bytes:
    """One event; `identifier` is what the client gives back as `Last-Event-ID`."""
    lines = b"".join(b"data: " + line + b"\n" for line in data.splitlines())
    return f"id: {identifier}\nevent: {name}\n".encode() + lines + b"\n"


def place_mark(identifier: str) -> bytes:
    """No event: the client remembers `identifier` and hears nothing."""
    return f"id: {identifier}\n\n".encode()


def opening(retry_ms: int) -> bytes:
    """How long to wait before connecting again."""
    return f"retry: {retry_ms}\n\n".encode()


HEARTBEAT = b": still here\n\n"
