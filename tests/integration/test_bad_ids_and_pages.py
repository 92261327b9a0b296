"""Ids that can be none, pages that are not there, versions that are gone, and names of hosts that are not ours."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import orjson
import pytest

from tests.fixtures.api import ACHIEVEMENT, Api, Institution, expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.stack import Stack
from tests.integration.surface import Route, Surface, errors, fault, unchanged

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)
IDS = {
    "a path": "..%2F..%2Fetc%2Fpasswd",
    "a path, twice encoded": "%252e%252e%252fetc%252fpasswd",
    "U+0000": "%00",
    "U+0000 behind": "01900000-0000-7000-8000-000000000000%00",
    "10 kB": "x" * 10_000,
    "upper case": "01900000-0000-7000-8000-00000000ABCD",
    "without hyphens": "0190000000007000800000000000abcd",
    "in braces": "%7B01900000-0000-7000-8000-00000000abcd%7D",
    "a URN": "urn:uuid:01900000-0000-7000-8000-00000000abcd",
    "a number": "424242",
    "a negative number": "-1",
    "a large number": "9" * 30,
    "a fraction": "1.5",
    "SQL": "%27%20OR%201%3D1%20--",
    "a format": "%25s%25n",
    "no UTF-8": "%ff%fe",
    "other digits": quote("٤٢"),
    "a line break": "a%0d%0aSet-Cookie:%20a=b",
    "space": "%20",
    "markup": "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
}
NASTY = ["' OR '1'='1", "'; DROP TABLE credential; --", "%s%n", "\\", '"', "%", "_", "a\x00b", "x" * 5000, "\u202e💥"]


@pytest.fixture
async def surface(api: Api) -> Surface:
    return await Surface.of(api)


def get(surface: Surface, route: Route, path: str, **params: str) -> Any:
    """The coroutine of a GET by one who may."""
    return surface.api.http.get(surface.api.urls[route.service] + path, params=params, headers=surface.headers(route))


@pytest.mark.parametrize("bad", IDS.values(), ids=IDS.keys())
async def test_an_id_that_can_be_none_is_refused_by_every_route(running: Stack, surface: Surface, bad: str) -> None:
    routes = [route for route in surface.routes if route.parameters("path")]
    assert len(routes) > 30
    faults = []
    async with unchanged(running):
        for route in routes:
            for name in route.parameters("path"):
                answer = await surface.send(route, route.smallest, path=route.filled(**{name: bad}))
                if fault(answer, {404, 422}):
                    faults.append(f"{route.name} {name}: {answer.status_code} {answer.text[:300]}")
    assert not faults, "\n".join(faults)


async def test_an_id_is_written_in_one_way(api: Api, surface: Surface) -> None:
    """What exists is not found under another spelling of its id, so that no two addresses show the same thing."""
    credential = await api.issue(surface.tenant, await api.achievement(surface.tenant))
    await api.registered(credential["id"])
    ids = {"credential_id": credential["id"], "achievement_id": credential["achievement"]}
    ids |= {"institution_id": surface.tenant.id, "institution": surface.tenant.id}
    reads = [r for r in surface.routes if r.method == "get" and set(r.parameters("path")) & ids.keys()]
    faults = []
    for route in reads:
        if set(route.parameters("path")) - ids.keys():
            continue
        expect(200, await get(surface, route, route.filled(**ids)))
        for spell in (str.upper, lambda text: text.replace("-", ""), lambda text: f"urn:uuid:{text}"):
            answer = await get(surface, route, route.filled(**{name: spell(text) for name, text in ids.items()}))
            if fault(answer, {404, 422}):
                faults.append(f"{route.name} {answer.request.url}: {answer.status_code} {answer.text[:200]}")
    assert not faults, "\n".join(faults)


PAGING = {"limit", "cursor", "after"}


def lists(surface: Surface) -> list[Route]:
    """Every route that pages."""
    return [route for route in surface.routes if cursor_of(route)]


def cursor_of(route: Route) -> str | None:
    """What the route calls its cursor."""
    return next((name for name in ("cursor", "after") if name in route.parameters("query")), None)


FORGED = ["forged", "", "a", "=", "%%%", "eyJhIjoxfQ", "A" * 900, "A" * 1001, "é", "../../x", "null", "\x00"]


async def test_a_forged_cursor_is_refused_by_every_list(running: Stack, surface: Surface) -> None:
    assert len(lists(surface)) >= 9
    faults = []
    async with unchanged(running):
        for route in lists(surface):
            for cursor in FORGED:
                answer = await get(surface, route, route.filled(), **{str(cursor_of(route)): cursor})
                codes = {"invalid-cursor"} if len(cursor) <= 1000 and cursor != "\x00" else None
                if fault(answer, {400} if codes else {400, 422}, codes):
                    faults.append(f"{route.name} {cursor[:20]!r}: {answer.status_code} {answer.text[:200]}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("limit", ["0", "-1", "201", "abc", "", "1.5", "1e2", "٣", "9" * 30, "0x10", "null"])
async def test_a_limit_out_of_range_is_refused_by_every_list(surface: Surface, limit: str) -> None:
    for route in lists(surface):
        answer = await get(surface, route, route.filled(), limit=limit)
        assert fault(answer, {422}, {"invalid-limit"}) is None, f"{route.name}: {answer.text[:300]}"
        assert errors(answer) == {("limit", "invalid-limit")}


async def draft(api: Api, tenant: Institution) -> dict[str, Any]:
    """A draft of an achievement."""
    url = f"{api.urls['issuer']}/v1/achievements"
    return expect(201, await api.http.post(url, json=ACHIEVEMENT, headers=tenant.headers))


async def test_a_cursor_is_good_for_its_list_and_its_reader_alone(api: Api, surface: Surface) -> None:
    for _ in range(2):
        await draft(api, surface.tenant)
    url = f"{api.urls['issuer']}/v1/achievements"
    page = expect(200, await api.http.get(url, params={"limit": 1}, headers=surface.tenant.headers))
    cursor, stranger = page["next"], await api.institution()
    expect(200, await api.http.get(url, params={"cursor": cursor}, headers=surface.tenant.headers))

    others = [r for r in lists(surface) if (r.service, r.path) != ("issuer", "/v1/achievements")]
    answers = [await get(surface, route, route.filled(), **{str(cursor_of(route)): cursor}) for route in others]
    answers.append(await api.http.get(url, params={"cursor": cursor}, headers=stranger.headers))
    answers.append(
        await api.http.get(url, params={"cursor": cursor, "status": "draft"}, headers=surface.tenant.headers)
    )
    answers += [
        await api.http.get(url, params={"cursor": spoiled}, headers=surface.tenant.headers)
        for spoiled in (cursor[:-1], cursor[1:], cursor + "A", cursor.swapcase(), cursor + "=")
    ]
    answers += [
        await api.http.post(f"{api.urls[service]}/v1/replay", json={"cursor": cursor}, headers=api.operator)
        for service in ("issuer", "registry")
    ]
    assert [fault(answer, {400}, {"invalid-cursor"}) for answer in answers] == [None] * len(answers)


async def test_a_filter_is_text_and_nothing_more(running: Stack, surface: Surface) -> None:
    """What looks like SQL, a pattern or a format is compared as it stands, or refused."""
    reads = [r for r in surface.routes if r.method == "get" and set(r.parameters("query")) - PAGING]
    assert len(reads) >= 4
    faults = []
    async with unchanged(running):
        for route in reads:
            for name in set(route.parameters("query")) - PAGING:
                for value in NASTY:
                    answer = await get(surface, route, route.filled(), **{name: value})
                    empty = answer.status_code == 200 and answer.json()["items"] == []
                    if not empty and fault(answer, {404, 422}):
                        faults.append(f"{route.name} {name}={value[:20]!r}: {answer.status_code} {answer.text[:200]}")
            answer = await get(surface, route, route.filled(), sort="id")
            if fault(answer, {422}, {"unknown-parameter"}):
                faults.append(f"{route.name} sort: {answer.status_code} {answer.text[:200]}")
    assert not faults, "\n".join(faults)


async def test_an_update_needs_the_present_version(
    running: Stack, api: Api, surface: Surface, receiver: Receiver
) -> None:
    endpoint = await api.endpoint(surface.tenant, receiver.url(uuid4().hex), ["credential.revoked"])
    ids = {"achievement_id": (await draft(api, surface.tenant))["id"], "endpoint_id": endpoint["id"]}
    ids |= {"institution_id": surface.tenant.id, "platform_id": surface.platform.id}
    bodies: Mapping[str | None, Any] = {"AchievementBody": ACHIEVEMENT, "ProfileChanges": NAME, "PlatformChanges": NAME}
    routes = [route for route in surface.routes if "If-Match" in route.parameters("header")]
    assert {route.method for route in routes} == {"put", "patch", "delete"}
    faults = []
    async with unchanged(running):
        for route in routes:
            removes = route.method == "delete"  # which may name a version, and need not
            body = b"" if removes else orjson.dumps(bodies.get(route.schema_name, {"description": "new"}))
            unnamed = [] if removes else [(None, 428, "precondition-required")]
            for version, status, code in [*unnamed, *((v, 412, "stale") for v in STALE)]:
                token = api.operator if route.operator else surface.tenant.headers
                headers = {**token, **({} if version is None else {"If-Match": version})}
                answer = await surface.send(route, body, path=route.filled(**ids), headers=headers)
                if fault(answer, {status}, {code}):
                    faults.append(f"{route.name} {version}: {answer.status_code} {answer.text[:200]}")
    assert not faults, "\n".join(faults)


NAME = {"name": "New"}
STALE = ['"999"', '"0"', "1", '"abc"', 'W/"1"', "*", "", '"1", "2"', '"' + "9" * 100 + '"']


async def test_links_name_the_configured_host_whatever_the_client_says(running: Stack, api: Api) -> None:
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example;proto=https"}
    evil |= {"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/evil.example", "X-Original-URL": "/evil.example"}
    tenant = await api.institution()
    headers, issuer, registry = {**tenant.headers, **evil}, api.urls["issuer"], api.urls["registry"]
    achievement = await api.achievement(tenant)
    answers = [await api.http.post(f"{issuer}/v1/achievements", json=ACHIEVEMENT, headers=headers)]
    body = {"achievement": achievement, "recipient": {"email": "a@example.org"}}
    issued = await api.http.post(f"{issuer}/v1/credentials", json=body, headers=headers)
    made = expect(201, issued)
    await api.registered(made["id"])
    lists = made["links"]["revocation_list"].rpartition("/")[2]
    reads = [
        f"{issuer}/v1/achievements?limit=1",
        f"{issuer}/v1/credentials/{made['id']}",
        f"{issuer}/institutions/{tenant.slug}/did.json",
        f"{issuer}/status-lists/{lists}",
        f"{issuer}/.well-known/oauth-authorization-server",
        f"{issuer}/nothing",
        f"{registry}/v1/credentials/{made['id']}",
        f"{registry}/credentials/{made['id']}",
        f"{registry}/v1/institutions?limit=1",
    ]
    answers += [issued, *await asyncio.gather(*(api.http.get(url, headers=headers) for url in reads))]
    for answer in answers:
        assert answer.request.headers["host"] == "evil.example"
        assert "evil.example" not in answer.text + str(answer.headers), f"{answer.request.url}: {answer.text[:300]}"
    configured = running.deployment.urls()
    assert made["links"]["registry"] == f"{configured['registry']}/credentials/{made['id']}"
    assert issued.headers["location"].startswith(configured["issuer"])
    assert configured["issuer"] in link_of(answers[2])


def link_of(answer: httpx.Response) -> str:
    """The next page's address."""
    return str(answer.headers["link"])
