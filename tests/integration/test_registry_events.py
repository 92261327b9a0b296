"""What the registry makes of events, and what the operator may do with the record; no issuer runs."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from shared.bus.port import Bus
from shared.credentials import jcs
from shared.events.catalogue import CredentialRevoked, CredentialVerified
from tests.fixtures.services import Stacks
from tests.fixtures.stack import Stack
from tests.integration.lone_service import client, eventually, only, open_bus, paper_issuer
from tests.integration.paper_issuer import Issued, PaperIssuer, publish, utc_now


@pytest.fixture(scope="module")
def stack(stacks: Stacks, bus_kind: str) -> Iterator[Stack]:
    """The registry alone, on each bus."""
    with only("registry", stacks, bus_kind) as made:
        yield made


@pytest.fixture
async def bus(stack: Stack) -> AsyncIterator[Bus]:
    async with open_bus(stack) as made:
        yield made


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with client(stack, "registry") as made:
        yield made


@pytest.fixture
def operator(stack: Stack) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.deployment.operator_token}"}


@pytest.fixture
async def issuer(stack: Stack, bus: Bus) -> PaperIssuer:
    """An institution with a published achievement, which the registry hears of."""
    made = paper_issuer(stack)
    await publish(bus, *made.introduction(), made.published())
    return made


async def record(http: httpx.AsyncClient, bus: Bus, issued: Issued) -> None:
    await publish(bus, issued.event)
    await eventually(http, f"/v1/credentials/{issued.id}")


class TestEvents:
    async def test_verifications_become_demand(self, http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer) -> None:
        issued = issuer.issue()
        await record(http, bus, issued)
        events = [
            CredentialVerified(
                version=number,
                verification_id=uuid4(),
                credential_id=issued.id,
                institution_id=issuer.id,
                verdict="valid",
                verified_at=utc_now(),
            )
            for number in (1, 2, 3)
        ]
        await publish(bus, *events)
        await eventually(http, f"/v1/credentials/{issued.id}", verified=3)
        achievement = (await http.get(f"/v1/achievements/{issuer.achievement_id}")).json()
        assert achievement["counts"]["verified"] == 3

    async def test_each_credential_is_announced_once(
        self, http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
    ) -> None:
        issued = issuer.issue()
        await publish(bus, issued.event, issued.event)  # two records, two ids
        await eventually(http, f"/v1/credentials/{issued.id}")
        marker = issuer.issue()
        await record(http, bus, marker)
        subscription = bus.subscribe(f"test-{uuid4()}", ["registry.events"], instance="1")
        await subscription.start()
        heard: list[dict[str, Any]] = []
        deadline = time.monotonic() + 20
        while {str(issued.id), str(marker.id)} - {event["credential_id"] for event in heard}:
            assert time.monotonic() < deadline, heard
            for batch in (await subscription.poll(500, 0.5)).values():
                heard += [orjson.loads(each.value or b"{}") for each in batch]
        await subscription.stop()
        mine = [event for event in heard if event["credential_id"] == str(issued.id)]
        assert len(mine) == 1
        assert mine[0]["document_sha256"] == hashlib.sha256(jcs(issued.document)).hexdigest()

    async def test_a_status_event_without_its_credential_is_parked_for_the_operator(
        self, http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer, operator: dict[str, str]
    ) -> None:
        issued = issuer.issue()
        await publish(bus, issued.changed(CredentialRevoked, 2))
        deadline = time.monotonic() + 15
        while True:
            parked = (await http.get("/v1/parked-events", headers=operator)).json()["items"]
            mine = [each for each in parked if each["key"] == str(issued.id)]
            if mine:
                break
            assert time.monotonic() < deadline, parked
            await asyncio.sleep(0.1)
        assert mine[0]["reason"] == "unknown-credential"
        marker = issuer.issue()
        await record(http, bus, marker)  # other keys flow
        assert (await http.get("/v1/parked-events")).status_code == 401


class TestOperations:
    @pytest.mark.parametrize("path", ["/v1/replay", "/v1/rebuild"])
    async def test_only_the_operator_may(self, http: httpx.AsyncClient, path: str) -> None:
        assert (await http.post(path, json={})).status_code == 401
        answer = await http.post(path, json={}, headers={"Authorization": "Bearer nonsense"})
        assert answer.status_code == 401

    async def test_a_replay_goes_page_by_page(
        self, http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer, operator: dict[str, str]
    ) -> None:
        for issued in [issuer.issue() for _ in range(3)]:
            await record(http, bus, issued)
        total = (await http.get("/v1/statistics")).json()["credentials"]["issued"]
        replayed, cursor = 0, None
        while True:
            body = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            answer = (await http.post("/v1/replay", json=body, headers=operator)).json()
            replayed += answer["replayed"]
            assert answer["remaining"] == total - replayed
            cursor = answer["next"]
            if cursor is None:
                break
        assert replayed == total
        bad = await http.post("/v1/replay", json={"cursor": "AAAA"}, headers=operator)
        assert (bad.status_code, bad.json()["code"]) == (400, "invalid-cursor")
        unknown = await http.post("/v1/replay", json={"since": "x"}, headers=operator)
        assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "#/since")

    async def test_a_rebuild_says_what_is_stale_and_readers_notice_nothing(
        self, http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer, operator: dict[str, str]
    ) -> None:
        issued = issuer.issue()
        await record(http, bus, issued)
        before = (await http.get("/v1/statistics")).json()
        answer = (await http.post("/v1/rebuild", headers=operator)).json()
        assert answer["forgotten"] >= 1
        assert answer["stale"]["records"] == before["credentials"]["issued"]
        assert (await http.get("/v1/statistics")).json() == before
        assert (await http.get(f"/credentials/{issued.id}")).status_code == 200
        await publish(bus, issued.event)
        deadline = time.monotonic() + 15
        while (await http.get("/v1/rebuild", headers=operator)).json()["records"] >= answer["stale"]["records"]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        assert (await http.get("/v1/statistics")).json() == before
