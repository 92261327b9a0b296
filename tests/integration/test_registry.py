"""The registry over HTTP, recording what comes over the bus; no issuer runs."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from shared.bus.embedded import EmbeddedBus
from shared.bus.kafka import KafkaBus
from shared.bus.port import Bus
from shared.credentials import did_web, jcs
from shared.events.catalogue import (
    AchievementArchived,
    CredentialRevoked,
    CredentialSuspended,
    CredentialVerified,
    InstitutionSuspended,
)
from tests.fixtures.services import Stacks
from tests.fixtures.stack import Stack
from tests.integration.paper_issuer import Issued, PaperIssuer, publish, utc_now


@pytest.fixture(scope="module")
def stack(stacks: Stacks, bus_kind: str) -> Iterator[Stack]:
    """The registry alone, on each bus."""
    stacks.stop_shared()
    with stacks.open(bus_kind, start=False) as made:
        made.start("registry")
        yield made


@pytest.fixture
async def bus(stack: Stack) -> AsyncIterator[Bus]:
    deployment = stack.deployment
    made: Bus
    if deployment.kafka is not None:
        made = KafkaBus(deployment.kafka)
    else:
        assert deployment.bus_database_url is not None
        made = EmbeddedBus(deployment.bus_database_url)
    yield made
    await made.close()


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack["registry"].url, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def operator(stack: Stack) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.deployment.operator_token}"}


@pytest.fixture
async def issuer(stack: Stack, bus: Bus) -> PaperIssuer:
    """An institution with a published achievement, which the registry hears of."""
    urls = stack.deployment.urls()
    made = PaperIssuer(urls["registry"], f"{urls['issuer']}/status-lists", "")
    made.did = did_web(urls["issuer"], made.slug)
    await publish(bus, *made.introduction(), made.published())
    return made


async def eventually(http: httpx.AsyncClient, path: str, seconds: float = 15, **expected: Any) -> dict[str, Any]:
    """GET until the answer is 200 and has these members."""
    deadline = time.monotonic() + seconds
    while True:
        answer = await http.get(path)
        body: dict[str, Any] = answer.json()
        if answer.status_code == 200 and expected.items() <= body.items():
            return body
        assert answer.status_code in (200, 404), answer.text
        assert time.monotonic() < deadline, body
        await asyncio.sleep(0.05)


async def record(http: httpx.AsyncClient, bus: Bus, issued: Issued) -> None:
    await publish(bus, issued.event)
    await eventually(http, f"/v1/credentials/{issued.id}")


class TestDocument:
    async def test_the_exact_bytes_are_served_under_both_types(
        self, http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
    ) -> None:
        issued = issuer.issue()
        assert (await http.get(f"/credentials/{issued.id}")).status_code == 404
        await record(http, bus, issued)
        for accept, kind in (
            ("*/*", "application/vc+ld+json"),
            ("application/vc+ld+json", "application/vc+ld+json"),
            ("application/vc", "application/vc"),
        ):
            answer = await http.get(f"/credentials/{issued.id}", headers={"Accept": accept})
            assert answer.headers["content-type"] == kind
            assert answer.content == orjson.dumps(issued.document)
        assert issued.document["id"] == f"{issuer.registry}/credentials/{issued.id}"

    async def test_it_can_be_cached_and_asked_for_by_head(
        self, http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
    ) -> None:
        issued = issuer.issue()
        await record(http, bus, issued)
        path = f"/credentials/{issued.id}"
        answer = await http.get(path)
        assert answer.headers["etag"] == f'"{hashlib.sha256(jcs(issued.document)).hexdigest()}"'
        assert "max-age" in answer.headers["cache-control"]
        again = await http.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        head = await http.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["etag"] == answer.headers["etag"]
        assert head.headers["content-length"] == str(len(answer.content))

    async def test_a_client_that_takes_no_credential_gets_406(
        self, http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
    ) -> None:
        issued = issuer.issue()
        await record(http, bus, issued)
        answer = await http.get(f"/credentials/{issued.id}", headers={"Accept": "image/png"})
        assert (answer.status_code, answer.headers["content-type"]) == (406, "application/problem+json")

    async def test_a_revoked_credential_is_served_with_a_link_to_its_status(
        self, http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
    ) -> None:
        issued = issuer.issue()
        await record(http, bus, issued)
        await publish(bus, issued.changed(CredentialSuspended, 2), issued.changed(CredentialRevoked, 3))
        status = await eventually(http, f"/v1/credentials/{issued.id}", status="revoked")
        answer = await http.get(f"/credentials/{issued.id}")
        assert answer.content == orjson.dumps(issued.document)
        assert answer.headers["link"] == f'<{issuer.registry}/v1/credentials/{issued.id}>; rel="status"'
        assert status["url"] == issued.document["id"]
        assert "learner" not in orjson.dumps(status).decode()

    @pytest.mark.parametrize(
        "path",
        [
            "/credentials/00000000-0000-7000-8000-000000000000",
            "/credentials/..%2f..%2fetc%2fpasswd",
            "/credentials/%00",
            "/credentials/" + "a" * 10_000,
            "/credentials/1",
            "/credentials/' OR 1=1 --",
            "/v1/credentials/%00",
            "/v1/credentials/-1",
            "/achievements/x",
            "/v1/achievements/%F0%9F%98%80",
            "/v1/institutions/%00",
            "/v1/institutions/%s",
            "/v1/institutions/'; DROP TABLE record",
            "/v1/institutions/" + "a" * 5000,
        ],
    )
    async def test_a_strange_id_is_a_problem_and_never_a_fault(self, http: httpx.AsyncClient, path: str) -> None:
        answer = await http.get(path)
        assert answer.status_code in (404, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"


class TestBrowsing:
    async def test_institution_and_achievement_with_their_counts(
        self, http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
    ) -> None:
        issued = [issuer.issue() for _ in range(3)]
        await publish(bus, *(each.event for each in issued), issued[0].changed(CredentialRevoked, 2))
        await eventually(http, f"/v1/credentials/{issued[0].id}", status="revoked")
        for each in issued:
            await eventually(http, f"/v1/credentials/{each.id}")
        counts = {"issued": 3, "active": 2, "revoked": 1, "suspended": 0, "verified": 0}
        by_slug = await eventually(http, f"/v1/institutions/{issuer.slug}", counts=counts)
        assert by_slug == (await http.get(f"/v1/institutions/{issuer.id}")).json()
        assert by_slug["did"] == issuer.did
        achievement = await eventually(http, f"/v1/achievements/{issuer.achievement_id}", counts=counts)
        assert achievement["document"] == issuer.achievement()
        listed = (await http.get("/v1/achievements", params={"institution": issuer.slug})).json()
        assert listed["items"] == [achievement]
        totals = (await http.get("/v1/statistics")).json()
        assert totals["credentials"]["issued"] >= 3
        assert totals["institutions"] >= 1

    async def test_an_achievement_is_json_ld_at_its_own_id(
        self, http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
    ) -> None:
        path = f"/achievements/{issuer.achievement_id}"
        document = await eventually(http, path)
        assert document.pop("@context")[0] == "https://www.w3.org/ns/credentials/v2"
        assert document == issuer.achievement()
        answer = await http.get(path)
        assert answer.headers["content-type"] == "application/ld+json"
        assert document["id"] == f"{issuer.registry}{path}"

    async def test_filters_match_literally(self, http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer) -> None:
        await eventually(http, f"/v1/achievements/{issuer.achievement_id}")
        for value in ("%", "Micro%", "' OR '1'='1", "\\", "MicroCredential"):
            params = {"institution": issuer.slug, "achievement_type": value}
            found = (await http.get("/v1/achievements", params=params)).json()["items"]
            assert len(found) == (1 if value == "MicroCredential" else 0), value
        archived = AchievementArchived(
            version=2, achievement_id=issuer.achievement_id, institution_id=issuer.id, archived_at=utc_now()
        )
        await publish(bus, archived)
        await eventually(http, f"/v1/achievements/{issuer.achievement_id}", state="archived")
        params = {"institution": issuer.slug, "state": "published"}
        assert (await http.get("/v1/achievements", params=params)).json()["items"] == []
        assert (await http.get("/v1/achievements", params={"state": "other"})).status_code == 422
        assert (await http.get("/v1/achievements", params={"institution": "nobody"})).json()["items"] == []

    async def test_a_suspended_institution_shows_as_such(
        self, http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
    ) -> None:
        suspended = InstitutionSuspended(
            version=issuer.version + 1, institution_id=issuer.id, reason="a test", suspended_at=utc_now()
        )
        await publish(bus, suspended)
        await eventually(http, f"/v1/institutions/{issuer.slug}", state="suspended")

    async def test_lists_are_paged_by_a_cursor_that_belongs_to_them(
        self, http: httpx.AsyncClient, stack: Stack, bus: Bus
    ) -> None:
        urls = stack.deployment.urls()
        for _ in range(3):
            made = PaperIssuer(urls["registry"], urls["issuer"], f"did:web:i.example:{uuid4()}")
            await publish(bus, *made.introduction(), made.published())
            await eventually(http, f"/v1/achievements/{made.achievement_id}")
        seen, cursor = [], None
        while True:
            params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            answer = await http.get("/v1/institutions", params=params)
            body = answer.json()
            seen += [each["id"] for each in body["items"]]
            assert ('rel="next"' in answer.headers.get("link", "")) is (body["next"] is not None)
            if body["next"] is None:
                break
            cursor = body["next"]
        assert len(seen) == len(set(seen)) >= 3
        assert cursor is not None
        for path, bad in (
            ("/v1/achievements", cursor),
            ("/v1/institutions", cursor[:-2]),
            ("/v1/institutions", "AAAA"),
            ("/v1/institutions", "é"),
        ):
            answer = await http.get(path, params={"cursor": bad})
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid-cursor")
        for limit in ("0", "-1", "201", "abc", ""):
            answer = await http.get("/v1/institutions", params={"limit": limit})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid-limit"), limit
        assert (await http.get("/v1/institutions", params={"sort": "name"})).status_code == 422


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
