"""The registry over HTTP, recording what comes over the bus; no issuer runs."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx
import orjson
import pytest

from shared.bus.port import Bus
from shared.credentials import jcs
from shared.events.catalogue import AchievementArchived, CredentialRevoked, CredentialSuspended, InstitutionSuspended
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
async def issuer(stack: Stack, bus: Bus) -> PaperIssuer:
    """An institution with a published achievement, which the registry hears of."""
    made = paper_issuer(stack)
    await publish(bus, *made.introduction(), made.published())
    return made


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
