"""A POST that is sent again has one effect: the answer lives and dies with the transaction of the effect."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import uuid4

import httpx
import pytest
from fastapi import Depends, Request, Response

from shared.http import idempotency
from shared.http.app import HttpSettings, create_app, router
from shared.http.auth import Principal
from shared.http.body import Body
from shared.http.idempotency import Result, once
from shared.http.problems import Conflict
from shared.postgres.database import Database

INSTITUTIONS = {"one": uuid4(), "two": uuid4()}
URL = "/v1/things"


class Thing(Body):
    """What is made."""

    name: str
    seconds: float = 0
    refuse: bool = False


async def _who(request: Request) -> Principal:
    name = request.headers["x-who"]
    return Principal(name, INSTITUTIONS.get(name), frozenset(), is_operator=name == "operator")


Who = Annotated[Principal, Depends(_who)]


class Service:
    """Counts its effects outside of the transaction, and in it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.runs = 0
        self.routes = router("things", URL)
        self.routes.post("")(self.make)

    async def make(self, body: Thing, request: Request, who: Who) -> Response:
        transaction = self.db.worker() if who.is_operator else self.db.tenant(who.institution)
        async with transaction as tx:

            async def command() -> Result:
                self.runs += 1
                await asyncio.sleep(body.seconds)
                if body.refuse:
                    raise Conflict("not now")
                return Result(201, {"name": body.name, "run": self.runs}, {"Location": f"/things/{self.runs}"})

            return await once(tx, request, who, command)


@pytest.fixture
async def service(database: Database) -> Service:
    """On a database of its own."""
    return Service(database)


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it."""
    unused: Any = None
    settings = HttpSettings("https://service.example", "secret")
    app = create_app(
        title="Things", description="", settings=settings, db=service.db, routers=[service.routes], authenticator=unused
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x", timeout=30) as made:
        yield made


async def post(client: httpx.AsyncClient, key: str | None, who: str = "one", **body: Any) -> httpx.Response:
    headers = {"x-who": who, **({} if key is None else {"Idempotency-Key": key})}
    return await client.post(URL, json={"name": "a", **body}, headers=headers)


@pytest.mark.parametrize("who", ["one", "operator"])
async def test_the_first_answer_is_given_again(client: httpx.AsyncClient, service: Service, who: str) -> None:
    first = await post(client, "k", who)
    again = await post(client, '"k"', who)
    assert (first.status_code, service.runs) == (201, 1)
    assert (again.status_code, again.content, again.headers["location"]) == (201, first.content, "/things/1")
    assert again.headers["idempotent-replay"] == "true"
    assert "idempotent-replay" not in first.headers


async def test_without_a_key_each_request_has_its_effect(client: httpx.AsyncClient, service: Service) -> None:
    await post(client, None)
    await post(client, None)
    assert service.runs == 2


async def test_the_same_json_written_otherwise_is_the_same_request(client: httpx.AsyncClient, service: Service) -> None:
    headers = {"x-who": "one", "Idempotency-Key": "k", "Content-Type": "application/json"}
    for text in (b'{"name":"a","seconds":0}', b'{ "seconds" : 0, "name": "\\u0061" }'):
        assert (await client.post(URL, content=text, headers=headers)).status_code == 201
    assert service.runs == 1


async def test_a_key_with_another_body_is_refused(client: httpx.AsyncClient, service: Service) -> None:
    await post(client, "k")
    refused = await post(client, "k", name="b")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency-key-reused")
    assert service.runs == 1


async def test_a_key_belongs_to_its_institution(client: httpx.AsyncClient, service: Service) -> None:
    for who in ("one", "two", "operator"):
        assert "idempotent-replay" not in (await post(client, "k", who, name=who)).headers
    assert service.runs == 3


async def test_a_refusal_is_not_kept(client: httpx.AsyncClient, service: Service) -> None:
    assert (await post(client, "k", refuse=True)).status_code == 409
    assert (await post(client, "k", refuse=True)).status_code == 409
    assert service.runs == 2
    assert (await post(client, "k", name="another body after a refusal")).status_code == 201


async def test_64_twins_have_one_effect(client: httpx.AsyncClient, service: Service) -> None:
    answers = await asyncio.gather(*(post(client, "k", seconds=0.1) for _ in range(64)))
    assert service.runs == 1
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.content for answer in answers} == {answers[0].content}


@pytest.mark.parametrize("who", ["one", "operator"])
async def test_a_twin_of_a_slow_request_is_told_to_wait(client: httpx.AsyncClient, service: Service, who: str) -> None:
    slow = asyncio.create_task(post(client, "k", who, seconds=2.5))
    await asyncio.sleep(0.2)
    twin = await post(client, "k", who, seconds=2.5)
    assert (twin.status_code, twin.json()["code"]) == (409, "request-in-progress")
    assert twin.headers["retry-after"] == "2"
    assert (await slow).status_code == 201
    assert service.runs == 1


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "a b", "a\tb", "k\x7f", "ké"])
async def test_a_malformed_key_is_refused(client: httpx.AsyncClient, service: Service, key: str) -> None:
    headers = {b"x-who": b"one", b"Idempotency-Key": key.encode("latin-1")}
    refused = await client.post(URL, json={"name": "a"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid-idempotency-key")
    assert service.runs == 0


async def test_two_keys_are_refused(client: httpx.AsyncClient, service: Service) -> None:
    headers = [("x-who", "one"), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert (await client.post(URL, json={"name": "a"}, headers=headers)).status_code == 400
    assert service.runs == 0


async def test_a_key_is_free_again_after_a_day_and_purged(client: httpx.AsyncClient, service: Service) -> None:
    for key in ("k", "l"):
        await post(client, key)
    async with service.db.worker() as tx:
        await tx.execute("UPDATE idempotency SET created_at = created_at - interval '25 hours'")
    assert (await post(client, "k", name="b")).json() == {"name": "b", "run": 3}
    assert (await post(client, "k", name="b")).headers["idempotent-replay"] == "true"
    assert await idempotency.purge(service.db) == 1
