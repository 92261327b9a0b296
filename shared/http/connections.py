"""One HTTP/1.1 connection: uvicorn's own protocol, with a limit on how long a request's head may take to arrive, a
problem document for what is no HTTP, and a way to end politely."""

import asyncio
from typing import Any, cast

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.http.problems import MEDIA_TYPE, BadRequest

HEAD_SECONDS = 8.0
MAX_HEAD_BYTES = 64 * 1024


class _Gathered:
    """A transport whose writes of one turn of the loop leave together: an answer's head and body in one packet."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send at the end of this turn."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)

    def close(self) -> None:
        """Close after everything written is sent."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._waiting:
            data, self._waiting = b"".join(self._waiting), []
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Connection(HttpToolsProtocol):
    """Closed when a request's head takes longer than `HEAD_SECONDS` from its first byte (or from connecting).

    While the server is draining, every answer says `Connection: close`, so that no client loses a request that it sends
    on a connection we are about to close.
    """

    draining = False
    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = False

    def connection_made(self, transport: Any) -> None:
        """Start waiting for the first request."""
        super().connection_made(cast(asyncio.Transport, _Gathered(transport, self.loop)))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._head_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes while a head is incomplete; a head has no business to be larger than `MAX_HEAD_BYTES`."""
        super().data_received(data)
        if self._head_timer is None:
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The request's head is too large.")

    def send_400_response(self, msg: str) -> None:
        """Say that this is no HTTP, and close: where the next request would begin is anybody's guess."""
        app = cast(Any, self.config.app)
        body = orjson.dumps(BadRequest(msg).as_json(app.state.public_url, None, None))
        head = (
            f"HTTP/1.1 400 Bad Request\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "x-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def on_message_begin(self) -> None:
        """The next request of a kept connection began."""
        super().on_message_begin()
        self._in_head = True
        if self._head_timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """The head is here in time."""
        self._head_arrived()
        super().on_headers_complete()
        if self.draining and self.cycle is not None:
            self.cycle.keep_alive = False

    def drain(self) -> None:
        """From now on close after the answer to the request in progress, or to the next one."""
        self.draining = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    @property
    def busy(self) -> bool:
        """Whether a request is being received or answered."""
        return self._in_head or (self.cycle is not None and not self.cycle.response_complete)

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_too_late)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        self._in_head = False

    def _head_too_late(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
