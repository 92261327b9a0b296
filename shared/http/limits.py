"""What a body may be, decided on the stream before anything parses it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.http.problems import BodyTooLarge, RequestTimeout, UnsupportedMediaType

Receive = Callable[[], Awaitable[dict[str, Any]]]
Scope = Mapping[str, Any]
Headers = Iterable[tuple[bytes, bytes]]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
CLOSE = {"Connection": "close"}
_SECOND_LOOK = 0.1


class UnsupportedEncoding(UnsupportedMediaType, type="unsupported-encoding"):
    """Compressed bodies are not read: a small one can hold gigabytes."""


@dataclass(frozen=True)
class Limits:
    """What a body may be; times are seconds.

    A body must not pause for `idle_seconds`, and must on the whole come at `bytes_per_second` after as long. A client
    whose body is too large may go on sending for `patience_seconds`, so that it gets to read the answer. `larger`
    overrides `body_bytes` for single paths; `media` names the types that paths beginning so take instead of JSON.
    """

    body_bytes: int = 1024 * 1024
    idle_seconds: float = 8.0
    bytes_per_second: int = 16 * 1024
    patience_seconds: float = 3.0
    larger: Mapping[str, int] = field(default_factory=dict)
    media: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def most(self, path: str) -> int:
        """How many bytes a body sent to `path` may have."""
        return self.larger.get(path, self.body_bytes)

    def types(self, path: str) -> tuple[str, ...]:
        """The media types a body sent to `path` may be of."""
        return next((types for start, types in self.media.items() if path.startswith(start)), (JSON,))


async def read_body(scope: Scope, receive: Receive, limits: Limits) -> bytes:
    """The whole body, never more of it than allowed.

    Raises BodyTooLarge, UnsupportedMediaType, UnsupportedEncoding, RequestTimeout, or Disconnected.
    """
    length = _declared(scope["headers"])
    if length == 0:
        return b""
    _check_type(scope["headers"], limits.types(scope["path"]))
    most = limits.most(scope["path"])
    if length is not None and length > most:
        raise await _too_large(scope, receive, limits)
    message = await _next(receive, limits.idle_seconds)
    if not message.get("more_body", False) and len(message.get("body", b"")) <= most:
        return bytes(message.get("body", b""))  # the usual case: it came in one piece
    return await _rest(scope, message, receive, limits)


async def _rest(scope: Scope, message: dict[str, Any], receive: Receive, limits: Limits) -> bytes:
    body = bytearray(message.get("body", b""))
    clock = asyncio.get_running_loop().time
    started = clock()
    while True:
        if len(body) > limits.most(scope["path"]):
            raise await _too_large(scope, receive, limits)
        if not message.get("more_body", False):
            return bytes(body)
        left = started + limits.idle_seconds + len(body) / limits.bytes_per_second - clock()
        message = await _next(receive, min(left, limits.idle_seconds))
        body += message.get("body", b"")


async def _next(receive: Receive, seconds: float) -> dict[str, Any]:
    """The next piece. When this process itself stood still, time is up with the piece there: it is asked for twice."""
    for patience in (seconds, _SECOND_LOOK) if seconds > 0 else ():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            return message
    raise RequestTimeout("the body came too slowly, or stopped coming", headers=CLOSE)


async def _too_large(scope: Scope, receive: Receive, limits: Limits) -> BodyTooLarge:
    """The answer, once the client has stopped sending or our patience is at its end; what came is not kept."""
    waits_for_us = any(name == b"expect" for name, _ in scope["headers"])
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limits.patience_seconds):
            while not waits_for_us and (await receive()).get("more_body", False):
                pass
    return BodyTooLarge(f"a body may have {limits.most(scope['path'])} bytes here", headers=CLOSE)


def _check_type(headers: Headers, expected: tuple[str, ...]) -> None:
    types = [value for name, value in headers if name == b"content-type"]
    encodings = [value for name, value in headers if name == b"content-encoding"]
    if any(value.strip().lower() not in (b"", b"identity") for value in encodings):
        raise UnsupportedEncoding("send the body without Content-Encoding", headers=CLOSE)
    if len(types) != 1 or not any(_is_type(types[0].decode("latin-1"), each) for each in expected):
        raise UnsupportedMediaType(f"send the body as {' or '.join(expected)}, in UTF-8", headers=CLOSE)


def _is_type(value: str, expected: str) -> bool:
    if value == expected:
        return True
    kind, *parameters = value.lower().split(";")
    kind = kind.strip()
    fits = kind == expected or (expected == JSON and kind.startswith("application/") and kind.endswith("+json"))
    for parameter in parameters:
        name, _, text = parameter.strip().partition("=")
        if name.strip() == "charset" and text.strip('" ') not in ("utf-8", "utf8"):
            return False
    return fits


def _declared(headers: Headers) -> int | None:
    """The length of the body to come: 0 for none, None for chunks until their end. (The parser saw to the syntax.)"""
    length: int | None = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            length = int(value)
    return length


class Disconnected(Exception):
    """The client went away before its request was whole; nobody is left to answer."""


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body already read, then whatever comes after it."""
    sent = False

    async def again() -> dict[str, Any]:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
