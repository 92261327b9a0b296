"""Clients that send slowly, without end, or what two servers could read differently, to each of the four services."""

import asyncio
import time
from pathlib import Path

import httpx
import orjson
import pytest

from tests.fixtures.api import Api, expect
from tests.fixtures.stack import Stack
from tests.integration.surface import unchanged

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)
MEBIBYTE = 1024 * 1024
SLOW_SECONDS = 10
EACH = 40  # of each kind, at each service
HOST = b"Host: x\r\nContent-Type: application/json\r\n"
# What a slow client has sent when it falls silent, and whether it is told why the connection ends.
SILENT = [
    (b"", False),
    (b"GET /v1/", False),
    (b"GET /v1/parked-events HTTP/1.1\r\nHost: x\r\nX-A: ", False),
    (b"POST /v1/verify HTTP/1.1\r\n" + HOST + b'Content-Length: 1000\r\n\r\n{"credential": ', True),
    (b"POST /v1/credentials HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{    \r\n", True),
]
SMUGGLED = b"DELETE /v1/endpoints/01900000-0000-7000-8000-000000000000 HTTP/1.1\r\nHost: x\r\n\r\n"
AMBIGUOUS = {
    "two framings": b"Content-Length: 4\r\nTransfer-Encoding: chunked",
    "two lengths": b"Content-Length: 4\r\nContent-Length: 5",
    "a signed length": b"Content-Length: +4",
    "a length with a space": b"Content-Length : 4",
    "an unknown coding": b"Transfer-Encoding: xchunked",
    "a folded header": b"X-A: a\r\n folded",
    "a lone CR": b"X-A: a\rX-B: b",
    "a U+0000": b"X-A: a\x00b",
}
HOSTILE = [
    b'{"credential":' + b"[" * (MEBIBYTE - 20),
    b'{"credential":[' + b"[],[]," * 170_000,
    b'{"credential":' + b"9" * (MEBIBYTE - 20),
    b'{"credential":"' + b"\\u0041" * 170_000,
    b'{"credential":{' + b'"a":1,' * 170_000,
]


async def speak(port: int, said: bytes) -> bytes:
    """Say that, wait until the connection is closed, and give what came back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(said)
        return await asyncio.wait_for(reader.read(), SLOW_SECONDS)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def slow_ones(port: int) -> None:
    """Many silent clients of each kind at one service, all rid of in time, and told why where they began a body."""
    said = [kind for kind in SILENT for _ in range(EACH)]
    answers = await asyncio.gather(*(speak(port, beginning) for beginning, _ in said))
    for (beginning, told), answer in zip(said, answers, strict=True):
        if told:
            assert answer.startswith(b"HTTP/1.1 408 "), (beginning, answer)
            assert orjson.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "request-timeout"
        else:
            assert answer == b"", (beginning, answer)


async def test_silent_clients_are_rid_of_and_the_others_served(running: Stack, api: Api) -> None:
    tenant = await api.institution()
    achievement = await api.achievement(tenant)
    async with asyncio.TaskGroup() as group:
        slow = [group.create_task(slow_ones(service.port)) for service in running.services.values()]
        await asyncio.sleep(1)
        started = time.monotonic()
        made = await api.issue(tenant, achievement)
        await api.registered(made["id"])
        await api.verdict(made["credential"], "valid")
        assert time.monotonic() - started < 4
        assert not any(task.done() for task in slow), "they are gone already: nobody was served beside them"


@pytest.mark.parametrize("lines", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
async def test_no_request_is_smuggled_in_behind_another(running: Stack, lines: bytes) -> None:
    head = b"POST /v1/verify HTTP/1.1\r\n" + HOST + lines + b"\r\n\r\n0\r\n\r\n"
    answers = await asyncio.gather(*(speak(each.port, head + SMUGGLED) for each in running.services.values()))
    for answer in answers:
        assert answer.startswith(b"HTTP/1.1 400 "), answer
        assert answer.count(b"HTTP/1.1") == 1, "what came behind it was answered too"
        assert orjson.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "bad-request"


async def test_a_length_that_is_not_kept_writes_nothing(running: Stack, api: Api) -> None:
    """More than was said is no second request; less than was said is no request at all."""
    tenant = await api.institution()
    good = orjson.dumps({"name": "reader"})
    head = b"POST /v1/clients HTTP/1.1\r\n" + HOST + f"Authorization: Bearer {tenant.token}\r\n".encode()
    async with unchanged(running):
        cut = await asyncio.open_connection("127.0.0.1", running["issuer"].port)
        cut[1].write(head + b"Content-Length: %d\r\n\r\n" % (len(good) + 1) + good)
        cut[1].write_eof()
        assert b"201" not in (await asyncio.wait_for(cut[0].read(), SLOW_SECONDS))[:15]
        cut[1].close()
        answer = await speak(running["issuer"].port, head + b"Content-Length: %d\r\n\r\n" % (len(good) - 1) + good)
        assert answer.startswith(b"HTTP/1.1 400 "), answer
        assert b"HTTP/1.1 2" not in answer


def resident(stack: Stack, service: str) -> int:
    """Bytes in memory now."""
    fields = Path(f"/proc/{stack[service].pid}/status").read_text().splitlines()
    return next(int(field.split()[1]) * 1024 for field in fields if field.startswith("VmRSS:"))


async def test_hostile_bodies_cost_little_time_and_no_memory(running: Stack, api: Api) -> None:
    url = f"{api.urls['verifier']}/v1/verify"

    async def send(body: bytes) -> httpx.Response:
        return await api.http.post(url, content=body[:MEBIBYTE], headers={"content-type": "application/json"})

    for body in HOSTILE:
        expect(400, await send(body))
    before, started = resident(running, "verifier"), time.monotonic()
    answers = [await send(body) for _ in range(8) for body in HOSTILE]
    seconds = time.monotonic() - started
    assert {answer.status_code for answer in answers} == {400}
    assert seconds / len(answers) < 0.1, f"{seconds / len(answers) * 1000:.0f} ms each"
    assert resident(running, "verifier") - before < 16 * MEBIBYTE
