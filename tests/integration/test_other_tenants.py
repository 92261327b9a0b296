"""Another institution's things: at every route they look like what does not exist, and stay as they are."""

from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from tests.fixtures.api import Api, expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.stack import Stack
from tests.integration.owner import GOOD, Owner, owner
from tests.integration.surface import WRITES, Route, Surface, fault, unchanged

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)


@pytest.fixture
async def surface(api: Api) -> Surface:
    return await Surface.of(api)


@pytest.fixture
async def victim(api: Api, receiver: Receiver) -> Owner:
    return await owner(api, receiver)


def tenants_own(surface: Surface) -> list[Route]:
    """Every route of an institution that has an id in its path; test_learner_attacks.py has those of platforms."""
    return [r for r in surface.routes if of_institutions(r) and r.parameters("path")]


def of_institutions(route: Route) -> bool:
    return route.secured and not route.operator and not route.platforms


async def ask(surface: Surface, route: Route, path: str) -> httpx.Response:
    """Ask as a stranger, with everything right but the id."""
    assert route.schema_name in GOOD, f"say in GOOD what {route.name} takes"
    body = GOOD[route.schema_name]
    return await surface.send(route, b"" if body is None else orjson.dumps(body), path=path)


async def test_anothers_id_is_answered_as_an_unknown_one_on_every_route(
    running: Stack, surface: Surface, victim: Owner
) -> None:
    routes = tenants_own(surface)
    assert {r.service for r in routes} == {"issuer", "notifier"}
    assert len(routes) > 20
    faults = []
    async with unchanged(running):
        for route in routes:
            assert set(route.parameters("path")) <= victim.ids.keys(), f"say in Owner.ids what {route.name} names"
            theirs = await ask(surface, route, route.filled(**victim.ids))
            unknown = await ask(surface, route, route.filled())
            same = told(theirs) == told(unknown)
            if fault(theirs, {404}, {"not-found"}) or fault(unknown, {404}) or not same:
                faults.append(f"{route.name}: {theirs.text[:300]} / {unknown.status_code} {unknown.text[:300]}")
    assert not faults, "\n".join(faults)


def told(answer: httpx.Response) -> tuple[int, dict[str, Any], set[str]]:
    """What a client can tell two answers apart by, but for the address it asked and the trace."""
    body = {name: value for name, value in answer.json().items() if name not in ("instance", "trace_id")}
    return answer.status_code, body, set(answer.headers)


async def test_the_owner_finds_all_of_it(surface: Surface, victim: Owner) -> None:
    """Or the test above would find nothing wrong with routes that answer 404 to everybody."""
    reads = [route for route in tenants_own(surface) if route.method == "get"]
    for route in reads:
        url = surface.api.urls[route.service] + route.filled(**victim.ids)
        expect(200, await surface.api.http.get(url, headers=victim.institution.headers))
    assert len(reads) >= 7


async def test_a_parameter_of_ones_own_does_not_open_anothers(
    running: Stack, surface: Surface, victim: Owner, receiver: Receiver
) -> None:
    """Where a path has two ids, and one of them is the stranger's own."""
    stranger = await owner(surface.api, receiver)
    headers, urls = stranger.institution.headers, surface.api.urls
    clients, messages = f"{urls['issuer']}/v1/clients", f"{urls['notifier']}/v1/messages"
    mixed = [
        ("DELETE", f"{clients}/{stranger.ids['client_id']}/secrets/{victim.ids['secret_id']}", None, "not-found"),
        ("DELETE", f"{clients}/{victim.ids['client_id']}/secrets/{stranger.ids['secret_id']}", None, "not-found"),
        ("POST", f"{messages}/{stranger.ids['message_id']}/resend", victim.ids["endpoint_id"], "unknown-endpoint"),
        ("POST", f"{messages}/{victim.ids['message_id']}/resend", stranger.ids["endpoint_id"], "not-found"),
    ]
    async with unchanged(running):
        for method, url, endpoint, code in mixed:
            body = endpoint and {"endpoint": endpoint}
            answer = await surface.api.http.request(method, url, json=body, headers=headers)
            assert fault(answer, {404, 422}, {code}) is None, f"{method} {url}: {answer.text[:300]}"


async def test_issuing_from_anothers_achievement_is_as_from_none(
    running: Stack, surface: Surface, victim: Owner
) -> None:
    answers = []
    await surface.api.issue(surface.tenant, await surface.api.achievement(surface.tenant))  # its status lists exist
    async with unchanged(running):
        for achievement in (victim.ids["achievement_id"], str(uuid4())):
            body = {"achievement": achievement, "recipient": {"email": "a@example.org"}}
            answers.append(await surface.api.post_credential(surface.tenant, body))
    assert [fault(answer, {422}, {"unknown-achievement"}) for answer in answers] == [None, None]
    assert told(answers[0]) == told(answers[1])


async def test_no_list_holds_anything_of_another(surface: Surface, victim: Owner) -> None:
    lists = [r for r in surface.routes if of_institutions(r) and r.method == "get" and not r.parameters("path")]
    theirs = {value for name, value in victim.ids.items() if name not in ("revision", "dead_letter_id")}
    assert len(lists) >= 5
    for route in lists:
        url = surface.api.urls[route.service] + route.path
        filters = {"credentials": "achievement", "messages": "endpoint"}
        params = {name: victim.ids[f"{name}_id"] for name in filters.values() if name in route.parameters("query")}
        for chosen in ({}, params):
            answer = await surface.api.http.get(url, params=chosen, headers=surface.tenant.headers)
            assert answer.status_code == 200, f"{route.name}: {answer.text[:300]}"
            assert not [value for value in theirs if value in answer.text], route.name
        if params:
            assert answer.json()["items"] == []


async def test_the_operators_routes_are_closed_to_institutions(running: Stack, surface: Surface, victim: Owner) -> None:
    routes = [route for route in surface.routes if route.operator]
    assert len(routes) > 10
    async with unchanged(running):
        for route in routes:
            body = route.smallest if route.method in WRITES else b""
            answer = await surface.send(
                route, body, path=route.filled(**victim.ids), headers=victim.institution.headers
            )
            assert fault(answer, {403}, {"operator-only"}) is None, f"{route.name}: {answer.text[:300]}"
