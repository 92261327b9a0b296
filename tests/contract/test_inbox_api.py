"""The operator's routes for parked events."""

import itertools
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest

from shared.bus.port import Received
from shared.events.catalogue import CredentialRegistered
from shared.http.app import HttpSettings, create_app
from shared.http.auth import Authenticator
from shared.inbox import parking
from shared.inbox.api import parked_router
from shared.inbox.dispatch import read
from shared.inbox.parking import Failure
from shared.postgres.database import Database
from tests.contract.consuming import Effects
from tests.contract.events import record_of, registered
from tests.contract.test_inbox_parking import refusing

OFFSETS = itertools.count()
TOKEN = "operator-token-of-this-test"


@pytest.fixture
async def effects(database: Database) -> Effects:
    return await Effects.prepare(database)


@pytest.fixture
async def client(effects: Effects) -> AsyncIterator[httpx.AsyncClient]:
    """The operator, on an app with nothing but these routes."""

    class NoKeys:
        async def key(self, kid: str) -> None:
            return None

    app = create_app(
        title="test",
        description="test",
        settings=HttpSettings(public_url="http://registry.test", secret="secret"),
        db=effects.db,
        routers=[parked_router(effects.db, group=effects.group, handlers=effects.handlers())],
        authenticator=Authenticator(NoKeys(), audience="laurel", issuer="http://issuer.test", operator_token=TOKEN),
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://registry.test",
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as opened:
        yield opened


async def park(effects: Effects, subject: UUID, *versions: int) -> None:
    """Set versions of a subject aside, the first for a reason and the others behind it."""
    for version in versions:
        sent = record_of(effects.topic, registered(subject, version))
        received = Received(effects.topic, 0, next(OFFSETS), sent.key, sent.value, sent.headers, 0)
        reason = "unknown-achievement" if version == versions[0] else "behind"
        async with effects.db.worker() as tx:
            await parking.park(tx, effects.group, read(received, effects.handlers()), Failure(reason, "says the rule"))


async def test_parked_events_are_listed_in_pages_without_their_values(
    client: httpx.AsyncClient, effects: Effects
) -> None:
    subjects = [uuid4() for _ in range(3)]
    for subject in subjects:
        await park(effects, subject, 1)
    first = (await client.get("/v1/parked-events", params={"limit": 2})).json()
    second = (await client.get("/v1/parked-events", params={"limit": 2, "cursor": first["next"]})).json()
    items = [*first["items"], *second["items"]]
    assert [item["key"] for item in items] == [str(subject) for subject in subjects]
    assert second["next"] is None
    assert {(item["type"], item["reason"], item["detail"]) for item in items} == {
        (CredentialRegistered.TYPE, "unknown-achievement", "says the rule")
    }
    assert "value" not in items[0]


async def test_redriving_an_event_redrives_its_key_in_order(client: httpx.AsyncClient, effects: Effects) -> None:
    subject, other = uuid4(), uuid4()
    await park(effects, subject, 1, 2, 3)
    await park(effects, other, 1)
    last = (await client.get("/v1/parked-events")).json()["items"][2]
    answer = await client.post(f"/v1/parked-events/{last['id']}/redrive")
    assert (answer.status_code, answer.json()) == (
        200,
        {"topic": effects.topic, "key": str(subject), "redriven": 3, "waiting": 0, "failure": None},
    )
    assert (await effects.of(subject), await effects.of(other)) == ([1, 2, 3], [])


async def test_redriving_a_key_tells_what_still_fails(client: httpx.AsyncClient, effects: Effects) -> None:
    subject = uuid4()
    await park(effects, subject, 1, 2, 3)
    effects.rule = refusing(2, "still-unknown")
    answer = await client.post("/v1/parked-events/redrive", json={"topic": effects.topic, "key": str(subject)})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["redriven"], told["waiting"], told["failure"]["reason"]) == (1, 2, "still-unknown")
    assert await effects.of(subject) == [1]
    assert await effects.parked() == [(str(subject), "still-unknown"), (str(subject), "behind")]


async def test_what_is_not_parked_is_not_found(client: httpx.AsyncClient, effects: Effects) -> None:
    for answer in (
        await client.post("/v1/parked-events/12345/redrive"),
        await client.post("/v1/parked-events/redrive", json={"topic": effects.topic, "key": "nobody"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("place", [{}, {"topic": "t"}, {"topic": "t", "key": "k", "more": 1}, {"topic": 1, "key": "k"}])
async def test_a_malformed_place_is_refused(client: httpx.AsyncClient, place: dict[str, object]) -> None:
    answer = await client.post("/v1/parked-events/redrive", json=place)
    assert answer.status_code == 422


async def test_only_the_operator_may_look_or_redrive(client: httpx.AsyncClient) -> None:
    for request in (("GET", "/v1/parked-events"), ("POST", "/v1/parked-events/1/redrive")):
        assert (await client.request(*request, headers={"Authorization": "Bearer other"})).status_code == 401
