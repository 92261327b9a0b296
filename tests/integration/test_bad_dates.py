"""Moments that are none, or that contradict each other, in every field and every filter that takes one."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx
import orjson
import pytest

from tests.fixtures.api import Api, expect
from tests.fixtures.stack import Stack
from tests.integration.surface import Route, Surface, errors, fault, unchanged

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)
NO_MOMENTS = [
    "",
    "now",
    "2099",
    "2099-01-01",
    "2099-01-01T00:00:00",
    "2099-01-01T00:00Z",
    "20990101T000000Z",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "+12099-01-01T00:00:00Z",
    "2099-00-01T00:00:00Z",
    "2099-02-30T00:00:00Z",
    "2099-13-01T00:00:00Z",
    "2099-01-01T25:00:00Z",
    "2099-01-01T00:00:61Z",
    "2099-01-01T00:00:00+25:00",
    "2099-01-01T00:00:00 Europe/Berlin",
    "2099-01-01T00:00:00Z\n",
    " 2099-01-01T00:00:00Z",
    "2099-W01-1T00:00:00Z",
    "٢٠٩٩-01-01T00:00:00Z",
    "4070908800",
    "2099-01-01T00:00:00Z" + "0" * 5000,
]
# The last and the first moments, whose zone leads out of what there is.
OVER_THE_EDGE = ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"]


@pytest.fixture
async def surface(api: Api) -> Surface:
    return await Surface.of(api)


def is_moment(schema: Mapping[str, Any]) -> bool:
    """Whether a moment is one of the things it may be."""
    return any(each.get("format") == "date-time" for each in schema.get("anyOf", [schema]))


def in_bodies(surface: Surface) -> Iterable[tuple[Route, str]]:
    """Every field of a body that takes a moment."""
    for route in surface.writing:
        for name, schema in route.schema.get("properties", {}).items():
            if is_moment(schema):
                yield route, name


def in_queries(surface: Surface) -> Iterable[tuple[Route, str]]:
    """Every filter that takes a moment."""
    for route in surface.routes:
        for name, schema in route.parameters("query").items():
            if is_moment(schema):
                yield route, name


async def asked(surface: Surface, route: Route, name: str, value: str) -> httpx.Response:
    """GET a list with this filter."""
    url = surface.api.urls[route.service] + route.filled()
    return await surface.api.http.get(url, params={name: value}, headers=surface.headers(route))


async def test_a_field_that_is_no_moment_is_pointed_at(running: Stack, surface: Surface) -> None:
    fields, faults = list(in_bodies(surface)), []
    assert {name for _, name in fields} >= {"validFrom", "validUntil", "compromised_at"}
    async with unchanged(running):
        for route, name in fields:
            for value in NO_MOMENTS + OVER_THE_EDGE:
                answer = await surface.send(route, orjson.dumps({name: value}))
                if fault(answer, {422}) or (f"#/{name}", "invalid-date") not in errors(answer):
                    faults.append(f"{route.name} {name}={value[:30]!r}: {answer.status_code} {answer.text[:300]}")
    assert not faults, "\n".join(faults)


async def test_a_filter_that_is_no_moment_is_named(surface: Surface) -> None:
    filters, faults = list(in_queries(surface)), []
    assert {name for _, name in filters} >= {"issued_since", "issued_until", "since"}
    for route, name in filters:
        for value in NO_MOMENTS + OVER_THE_EDGE:
            answer = await asked(surface, route, name, value)
            if fault(answer, {422}, {"invalid-date"}) or errors(answer) != {(name, "invalid-date")}:
                faults.append(f"{route.name} {name}={value[:30]!r}: {answer.status_code} {answer.text[:300]}")
    assert not faults, "\n".join(faults)


async def test_an_ordinary_moment_is_taken(surface: Surface) -> None:
    """Or the tests above would find nothing wrong with a service that takes none."""
    for route, name in in_queries(surface):
        if route.parameters("path"):  # there is nothing there
            continue
        for value in ("2099-01-01T00:00:00Z", "2099-01-01T00:00:00.123456+05:30", "0001-01-01T00:00:00Z"):
            expect(200, await asked(surface, route, name, value))


@pytest.mark.parametrize(
    ("dates", "pointer"),
    [
        ({"validFrom": "2099-01-02T00:00:00Z", "validUntil": "2099-01-01T00:00:00Z"}, "#/validUntil"),
        ({"validFrom": "2099-01-01T00:00:00Z", "validUntil": "2099-01-01T00:00:00Z"}, "#/validUntil"),
        ({"validFrom": "2099-01-01T00:00:00-05:00", "validUntil": "2099-01-01T01:00:00Z"}, "#/validUntil"),
        ({"validUntil": "2001-01-01T00:00:00Z"}, "#/validUntil"),
    ],
)
async def test_a_credential_that_ends_before_it_begins_is_refused(
    running: Stack, surface: Surface, dates: dict[str, str], pointer: str
) -> None:
    achievement = await surface.api.achievement(surface.tenant)
    await surface.api.issue(surface.tenant, achievement)  # its status lists exist
    body = {"achievement": achievement, "recipient": {"email": "a@example.org"}}
    async with unchanged(running):
        answer = await surface.api.post_credential(surface.tenant, {**body, **dates})
    assert fault(answer, {422}, {"invalid-date"}) is None, answer.text
    assert errors(answer) == {(pointer, "invalid-date")}


async def test_a_key_cannot_have_leaked_in_the_future(running: Stack, surface: Surface) -> None:
    api, headers = surface.api, surface.tenant.headers
    keys = expect(200, await api.http.get(f"{api.urls['issuer']}/v1/keys", headers=headers))["items"]
    body = {"reason": "a test", "compromised_at": "2099-01-01T00:00:00Z"}
    async with unchanged(running):
        url = f"{api.urls['issuer']}/v1/keys/{keys[-1]['id']}/compromise"
        answer = await api.http.post(url, json=body, headers=headers)
    assert fault(answer, {422}, {"invalid-date"}) is None, answer.text
    assert errors(answer) == {("#/compromised_at", "invalid-date")}
