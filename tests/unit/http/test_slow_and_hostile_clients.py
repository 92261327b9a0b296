"""Over real sockets: bodies that are too large, too slow or never end, heads that never come, and smuggled requests."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable

import orjson
import pytest
from fastapi import FastAPI

from shared.http import connections
from shared.http.limits import Limits
from shared.http.server import HttpServer, listen
from tests.unit.http.conftest import PUBLIC_URL, Tokens

SLOW = Limits(idle_seconds=0.3, bytes_per_second=1000, patience_seconds=0.3)
GOOD = b'{"slug":"a","recipient":{"email":"ann@example.org"}}'


@pytest.fixture
async def port(make_app: Callable[..., FastAPI], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The service on a socket, with little patience."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.4)
    listener = listen("127.0.0.1", 0)
    server = HttpServer(make_app(limits=SLOW), listener)
    await server.start()
    yield listener.getsockname()[1]
    await server.stop()


class Raw:
    """A client that says exactly what it is told."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def __aenter__(self) -> "Raw":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def send(self, *pieces: bytes, pause: float = 0) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(pause)

    async def answer(self) -> tuple[int, bytes]:
        """Status and everything else, until the server closes the connection."""
        raw = await asyncio.wait_for(self.reader.read(), 5)
        return int(raw.split(b" ", 2)[1]), raw


def head(token: str, *more: str) -> bytes:
    lines = ["POST /v1/things HTTP/1.1", "Host: x", "Content-Type: application/json", f"Authorization: Bearer {token}"]
    return "\r\n".join([*lines, *more, "", ""]).encode()


@pytest.fixture
def bearer(token: Tokens) -> str:
    return token("things:write")


async def test_a_body_that_comes_in_pieces_is_read(port: int, bearer: str) -> None:
    async with Raw(port) as client:
        await client.send(head(bearer, "Transfer-Encoding: chunked", "Connection: close"))
        for piece in (GOOD[:20], GOOD[20:]):
            await client.send(b"%x\r\n%s\r\n" % (len(piece), piece), pause=0.05)
        await client.send(b"0\r\n\r\n")
        status, _ = await client.answer()
    assert status == 201


async def test_a_declared_length_over_the_limit_is_refused_and_the_client_gets_to_read_it(
    port: int, bearer: str
) -> None:
    async with Raw(port) as client:
        await client.send(head(bearer, f"Content-Length: {3 << 20}"), *[b"x" * (1 << 20)] * 3)
        status, raw = await client.answer()
    assert status == 413
    assert b"body-too-large" in raw


async def test_a_client_that_asks_before_sending_is_refused_without_its_body(port: int, bearer: str) -> None:
    async with Raw(port) as client:
        started = time.monotonic()
        await client.send(head(bearer, f"Content-Length: {3 << 20}", "Expect: 100-continue"))
        status, raw = await client.answer()
    assert status == 413
    assert b"100 Continue" not in raw
    assert time.monotonic() - started < 2


async def shout(port: int, beginning: bytes, more: bytes, pause: float = 0) -> bytes:
    """Send without end and without listening until the server closes the connection; what it had answered."""

    def run() -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            with contextlib.suppress(ConnectionError):
                client.sendall(beginning)
                while True:
                    client.sendall(more)
                    time.sleep(pause)
            return client.recv(10_000)

    return await asyncio.to_thread(run)


async def test_chunks_without_end_are_refused(port: int, bearer: str) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer = await shout(port, head(bearer, "Transfer-Encoding: chunked"), chunk)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"body-too-large" in answer


async def test_an_endless_head_is_refused(port: int) -> None:
    answer = await shout(port, b"GET / HTTP/1.1\r\nHost: x\r\n", b"X-A: " + b"a" * 8000 + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 400")


async def test_a_false_length_is_answered_when_nothing_more_comes(port: int, bearer: str) -> None:
    async with Raw(port) as client:
        await client.send(head(bearer, "Content-Length: 1000"), GOOD)
        status, raw = await client.answer()
    assert status == 408
    assert b"request-timeout" in raw


async def test_a_process_that_stood_still_does_not_call_its_client_slow(port: int, bearer: str) -> None:
    async with Raw(port) as client:
        await client.send(head(bearer, f"Content-Length: {len(GOOD)}", "Connection: close"), pause=0.05)
        client.writer.write(GOOD)
        time.sleep(2 * SLOW.idle_seconds)  # nothing runs, as in a frozen process
        status, _ = await client.answer()
    assert status == 201


async def test_a_body_that_drips_is_cut_off(port: int, bearer: str) -> None:
    started = time.monotonic()
    answer = await shout(port, head(bearer, "Content-Length: 1000"), b" ", pause=0.05)
    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize("beginning", [b"", b"POST /v1/things", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: "])
async def test_a_head_that_does_not_come_closes_the_connection(port: int, beginning: bytes) -> None:
    started = time.monotonic()
    if beginning:
        assert await shout(port, beginning, b"a", pause=0.05) == b""
    else:
        async with Raw(port) as client:
            assert await asyncio.wait_for(client.reader.read(), 3) == b""
    assert time.monotonic() - started < 1.5


async def test_the_second_head_of_a_connection_is_waited_for_no_longer(port: int) -> None:
    async with Raw(port) as client:
        await client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in await client.reader.readuntil(b"}")
        await asyncio.sleep(0.6)  # between requests a connection may rest
        started = time.monotonic()
        await client.send(b"GET /healthz HTTP/1.1\r\nHost:")
        assert await asyncio.wait_for(client.reader.read(), 3) == b""
        assert time.monotonic() - started < 2


async def test_many_idle_connections_hold_up_nobody(port: int) -> None:
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(300)]
    started = time.monotonic()
    async with Raw(port) as client:
        await client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        status, _ = await client.answer()
    assert status == 200
    assert time.monotonic() - started < 2
    for reader, writer in idle:
        assert await asyncio.wait_for(reader.read(), 3) == b""
        writer.close()


SMUGGLED = b"GET /v1/things/operator HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        [b"Content-Length: 4", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: chunked", b"Content-Length: 4"],
        [b"Content-Length: 4", b"Content-Length: 5"],
        [b"Content-Length: +4"],
        [b"Content-Length : 4"],
        [b"Transfer-Encoding: chunked, identity"],
        [b"Transfer-Encoding: xchunked"],
        [b"X-A: a", b" folded"],
        [b"X-A: a\rX-B: b"],
        [b"X-A: a\x00b"],
        [b"X-A\x01: a"],
    ],
)
async def test_what_two_parsers_could_read_differently_is_refused_and_the_connection_closed(
    port: int, lines: list[bytes]
) -> None:
    async with Raw(port) as client:
        start = [b"POST /v1/things/whoami HTTP/1.1", b"Host: x", b"Content-Type: application/json"]
        await client.send(b"\r\n".join([*start, *lines, b"", b""]) + b"0\r\n\r\n" + SMUGGLED)
        status, raw = await client.answer()
    assert status == 400
    assert raw.count(b"HTTP/1.1") == 1, "what came behind it was answered too"
    answer_head, _, body = raw.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in answer_head
    problem = orjson.loads(body)
    assert (problem["type"], problem["status"]) == (f"{PUBLIC_URL}/problems/bad-request", 400)
