"""Idempotency keys: what is no key, a key that came with another request, and one key from many clients at once."""

import asyncio
from collections import Counter
from uuid import uuid4

import httpx
import orjson
import pytest

from tests.fixtures.api import Api, expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.stack import Stack
from tests.integration.owner import GOOD, Owner, owner
from tests.integration.surface import Route, Surface, fault, holdings, unchanged

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)
KEY = "Idempotency-Key"
NO_KEYS = [b"", b'""', b"x" * 256, b'"' + b"x" * 256 + b'"', b"a b", b"a\tb", b'a"b', b"k\xe9"]
NO_HTTP = [b"a\x01b", b"k\x7f"]  # no header may hold them
CLIENTS = 64
# Their answer is not kept: done twice, they leave behind what they leave behind when done once.
UNKEPT = (
    "/v1/replay",
    "/v1/rebuild",
    "/redrive",
    "/enable",
    "/verify",
    "/v1/bounces",
    "/v1/bounces/report",
    "/learners/erase",
)
# Another body of the request that the key came with first.
OTHER = {
    "/v1/credentials": {"validUntil": "2099-01-01T00:00:00Z"},
    "/v1/institutions": {"name": "Another"},
    "/v1/endpoints": {"description": "Another"},
}


@pytest.fixture
async def surface(api: Api) -> Surface:
    return await Surface.of(api)


@pytest.fixture
async def mine(api: Api, receiver: Receiver) -> Owner:
    return await owner(api, receiver)


def keyed(surface: Surface) -> list[Route]:
    """Every route that takes a key."""
    routes = [route for route in surface.routes if KEY in route.parameters("header")]
    assert len(routes) > 15
    return routes


def kept(surface: Surface) -> list[Route]:
    """Every route that answers a request that comes again as it did the first time; a platform's keys are its own."""
    return [route for route in keyed(surface) if not route.path.endswith(UNKEPT) and not route.platforms]


def found(surface: Surface, path: str) -> Route:
    """The POST of that path."""
    return next(route for route in keyed(surface) if route.path == path)


def body_for(route: Route, mine: Owner, receiver: Receiver, **change: str) -> bytes:
    """What the route would take; `change` makes it another body, where there is one."""
    recipient = {"email": "a@example.org"}
    good = {
        **GOOD,
        "ReplayBody": {},
        "Place": {"topic": "issuer.events", "key": str(uuid4())},
        "InstitutionBody": {
            "slug": f"i-{uuid4().hex[:12]}",
            "name": "U",
            "url": "https://u.example",
            "email": "a@b.example",
        },
        "ClientBody": {"name": "program"},
        "PlatformBody": {
            "slug": f"p-{uuid4().hex[:12]}",
            "name": "P",
            "url": "https://p.example",
            "email": "p@p.example",
        },
        "PlatformClientBody": {"name": "program"},
        "IssueBody": {"achievement": mine.ids["achievement_id"], "recipient": recipient},
        "IssueRequest": {
            "credential": {
                "@context": ["https://www.w3.org/ns/credentials/v2"],
                "type": ["VerifiableCredential"],
                "issuer": mine.institution.did,
                "credentialSubject": {"id": "did:example:learner"},
            }
        },
        "SdJwtVcBody": {"claims": {"vct": "https://u.example/degree"}},
        "EndpointBody": {"url": receiver.url("keys"), "events": ["achievement.archived"]},
    }
    assert route.schema_name in good, f"say here what {route.name} takes"
    body = good[route.schema_name]
    return b"" if body is None else orjson.dumps({**body, **change})


async def send(surface: Surface, route: Route, mine: Owner, content: bytes, *keys: bytes) -> httpx.Response:
    """Ask as the owner, or as the operator where only that one may, with these keys."""
    tenant = surface.platform if route.platforms else mine.institution
    token = surface.api.operator if route.operator else tenant.headers
    kind = {"content-type": "application/json"} if content else {}
    headers = [(name.encode(), value.encode()) for name, value in {**token, **kind}.items()]
    return await surface.api.http.post(
        surface.api.urls[route.service] + route.filled(**mine.ids),
        content=content,
        headers=[*headers, *((KEY.encode(), key) for key in keys)],
    )


async def send_in_turn(surface: Surface, route: Route, mine: Owner, content: bytes, key: bytes) -> httpx.Response:
    """The same, once no task is in the way: an endpoint has one at a time."""
    for _ in range(100):
        answer = await send(surface, route, mine, content, key)
        if answer.status_code != 409:
            break
        await asyncio.sleep(0.1)
    return answer


async def test_what_is_no_key_is_refused_by_every_route(
    running: Stack, surface: Surface, mine: Owner, receiver: Receiver
) -> None:
    faults = []
    async with unchanged(running):
        for route in keyed(surface):
            content = body_for(route, mine, receiver)
            for keys in [*((key,) for key in NO_KEYS + NO_HTTP), (b"a", b"b")]:
                code = "bad-request" if keys[0] in NO_HTTP else "invalid-idempotency-key"
                answer = await send(surface, route, mine, content, *keys)
                if problem := fault(answer, {400}, {code}):
                    faults.append(f"{route.name} {keys}: {problem}")
    assert not faults, "\n".join(faults)


async def test_a_key_that_came_with_another_request_is_refused_by_every_route(
    running: Stack, surface: Surface, mine: Owner, receiver: Receiver
) -> None:
    """Another route, or another body of the same: the first request is long over, so nobody waits."""
    key, faults = uuid4().hex.encode(), []
    for route in (found(surface, path) for path in OTHER):
        expect(201, await send(surface, route, mine, body_for(route, mine, receiver), key))
    async with unchanged(running):
        for route in kept(surface):
            answer = await send(surface, route, mine, body_for(route, mine, receiver, **OTHER.get(route.path, {})), key)
            if problem := fault(answer, {422}, {"idempotency-key-reused"}):
                faults.append(f"{route.name}: {problem}")
    assert not faults, "\n".join(faults)


async def test_a_request_that_comes_again_has_the_same_answer_and_no_second_effect(
    running: Stack, surface: Surface, mine: Owner, receiver: Receiver
) -> None:
    routes = [route for route in kept(surface) if {"201", "202"} & route.operation["responses"].keys()]
    assert len(routes) >= 7
    asked = [(route, body_for(route, mine, receiver), uuid4().hex.encode()) for route in routes]
    answers = [await send_in_turn(surface, route, mine, content, key) for route, content, key in asked]
    async with unchanged(running):
        for (route, content, key), first in zip(asked, answers, strict=True):
            assert first.status_code in (201, 202), f"{route.name}: {first.text[:300]}"
            again = await send(surface, route, mine, content, key)
            assert (again.status_code, again.content) == (first.status_code, first.content), route.name
            assert again.headers["idempotent-replay"] == "true", route.name


async def test_one_key_from_many_clients_at_once_is_one_credential(
    running: Stack, api: Api, surface: Surface, mine: Owner
) -> None:
    """Each on a connection of its own, so that all are in the service together."""
    body = {"achievement": mine.ids["achievement_id"], "recipient": {"email": "one@example.org"}}
    headers, url = {**mine.institution.headers, KEY: uuid4().hex}, f"{api.urls['issuer']}/v1/credentials"
    async with unchanged(running):  # all that came before has had its effects
        before = await holdings(running)
    answers = await asyncio.gather(*(api.http.post(url, json=body, headers=headers) for _ in range(CLIENTS)))
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses.keys() <= {201, 409}, statuses
    assert {fault(each, {409}, {"request-in-progress"}) for each in answers if each.status_code == 409} <= {None}
    documents = {each.content for each in answers if each.status_code == 201}
    assert len(documents) == 1
    await api.registered(orjson.loads(documents.pop())["id"])
    async with unchanged(running):
        after = await holdings(running)
    counted = ("issuer.credential", "issuer.event_history", "issuer.idempotency", "registry.record")
    assert {name: after[name][0] - before[name][0] for name in counted} == dict.fromkeys(counted, 1)
