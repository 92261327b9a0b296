"""Every route that reads a body, sent what no client should send: a problem that names it, and nothing is written."""

import asyncio
import gzip
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import pytest

from tests.fixtures.api import Api
from tests.fixtures.stack import Stack
from tests.integration.surface import FORM, WRITES, Route, Surface, errors, fault, unchanged

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)
MEBIBYTE = 1024 * 1024
TEXT = [
    ("cut short", b'{"reason": ', 400, "invalid-json"),
    ("no JSON", b"reason=x", 400, "invalid-json"),
    ("trailing bytes", b'{"reason": "x"} x', 400, "invalid-json"),
    ("byte order mark", b'\xef\xbb\xbf{"reason": "x"}', 400, "invalid-json"),
    ("single quotes", b"{'reason': 'x'}", 400, "invalid-json"),
    ("duplicate key", b'{"reason": "x", "reason": "y"}', 400, "duplicate-key"),
    ("duplicate key, escaped", b'{"reason": "x", "r\\u0065ason": "y"}', 400, "duplicate-key"),
    ("NaN", b'{"reason": NaN}', 400, "invalid-number"),
    ("infinity", b'{"reason": -Infinity}', 400, "invalid-number"),
    ("1e999", b'{"reason": 1e999}', 400, "invalid-number"),
    ("5,000 digits", b'{"reason": ' + b"9" * 5000 + b"}", 400, "invalid-number"),
    ("depth", b'{"reason": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "too-deep"),
    ("many values", b'{"reason": [' + b"1," * 400_000 + b"1]}", 400, "too-many-nodes"),
    ("U+0000", b'{"reason": "a\\u0000b"}', 422, "invalid-character"),
    ("U+0000 in a name", b'{"a\\u0000b": 1}', 422, "invalid-character"),
    ("half a surrogate pair", b'{"reason": "\\ud800"}', 422, "invalid-character"),
    ("no UTF-8", b'{"reason": "\xff"}', 400, None),
]


@pytest.fixture
async def surface(api: Api) -> Surface:
    return await Surface.of(api)


@pytest.mark.parametrize(("content", "status", "code"), [case[1:] for case in TEXT], ids=[case[0] for case in TEXT])
async def test_text_that_is_not_our_json_is_refused_by_every_route(
    running: Stack, surface: Surface, content: bytes, status: int, code: str | None
) -> None:
    async with unchanged(running):
        faults = await surface.faults(surface.writing, content, status, code)
    assert not faults, "\n".join(faults)


async def test_the_place_of_a_mistake_is_told(surface: Surface) -> None:
    answers = [(route, await surface.send(route, b'{\n "a": 1,\n "b" 2}')) for route in surface.writing]
    faults = [
        f"{route.name}: {answer.text[:200]}"
        for route, answer in answers
        if "line 3" not in answer.json()["detail"] or "column" not in answer.json()["detail"]
    ]
    assert not faults, "\n".join(faults)


async def test_a_character_no_text_holds_is_pointed_at(surface: Surface) -> None:
    for content in (b'{"a": {"b/c": ["x", "\\u0000"]}}', b'{"a": {"b/c": ["x", "\\udfff"]}}'):
        for route in surface.writing:
            answer = await surface.send(route, content)
            assert ("#/a/b~1c/1", "invalid-character") in errors(answer), f"{route.name}: {answer.text[:300]}"


async def test_no_body_is_refused_where_one_is_needed(running: Stack, surface: Surface) -> None:
    needy = [route for route in surface.writing if route.needs_body]
    async with unchanged(running):
        faults = await surface.faults(needy, b"", 400, "invalid-json")
        faults += await surface.faults(needy, b"", 400, "invalid-json", **{"content-type": "application/json"})
        faults += await surface.faults(needy, b" \n", 400, "invalid-json", **{"content-type": "application/json"})
        said = {(await surface.send(route, b"")).json()["detail"] for route in needy}
    assert said == {"there is no body, and one is needed: a JSON object"}
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("content", [b"[]", b'"text"', b"7", b"true", b"null"])
async def test_what_is_no_object_is_refused(running: Stack, surface: Surface, content: bytes) -> None:
    routes = [route for route in surface.writing if content != b"null" or route.needs_body]
    async with unchanged(running):
        faults = await surface.faults(routes, content, 422, "required" if content == b"null" else "invalid-type")
    assert not faults, "\n".join(faults)


def with_body(surface: Surface) -> list[Route]:
    """Every route that reads a body, the token endpoint's form included."""
    return [route for route in surface.routes if route.method in WRITES]


async def test_a_body_over_the_limit_is_refused_by_every_route(running: Stack, surface: Surface) -> None:
    whole = b'{"reason": "' + b"x" * (MEBIBYTE - 13) + b'"}'
    assert len(whole) == MEBIBYTE + 1
    async with unchanged(running):
        for route in with_body(surface):
            answer = await surface.send(route, whole, headers={**surface.headers(route), **kind_of(route)})
            assert fault(answer, {413}, {"body-too-large"}) is None, f"{route.name}: {answer.text[:300]}"


async def test_a_body_at_the_limit_is_read(running: Stack, surface: Surface) -> None:
    whole = b'{"zz": "' + b"x" * (MEBIBYTE - 10) + b'"}'
    assert len(whole) == MEBIBYTE
    async with unchanged(running):
        faults = await surface.faults(surface.writing[:3], whole, 422, None)
    assert not faults, "\n".join(faults)


def kind_of(route: Route) -> dict[str, str]:
    """The content type that the route reads."""
    return {"content-type": route.media_type}


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "text/json", "application/xml", "application/json; charset=utf-16", "multipart/form-data", ""],
)
async def test_another_content_type_is_refused_by_every_route(running: Stack, surface: Surface, kind: str) -> None:
    routes = [route for route in with_body(surface) if kind not in route.media_types]
    async with unchanged(running):
        faults = await surface.faults(
            routes, b'{"reason": "x"}', 415, "unsupported-media-type", **{"content-type": kind}
        )
    assert not faults, "\n".join(faults)


async def test_a_form_is_no_json_and_json_no_form(surface: Surface) -> None:
    forms = [route for route in surface.routes if route.media_type == FORM]
    faults = await surface.faults(surface.writing, b"a=b", 415, None, **{"content-type": FORM})
    faults += await surface.faults(forms, b"{}", 415, None, **{"content-type": "application/json"})
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip"])
async def test_a_compressed_body_is_not_unpacked(running: Stack, surface: Surface, encoding: str) -> None:
    bomb = gzip.compress(b'{"reason": "' + b"x" * 20 * MEBIBYTE + b'"}', 1)
    async with unchanged(running):
        for route in with_body(surface):
            headers = {**surface.headers(route), **kind_of(route), "content-encoding": encoding}
            answer = await surface.send(route, bomb, headers=headers)
            assert fault(answer, {415}, {"unsupported-encoding"}) is None, f"{route.name}: {answer.text[:300]}"


UNKNOWN = ["zz", "institution_id", "status", "version", "proof", "statusListIndex", "__proto__", "a/b~c", "x" * 5000]


@pytest.mark.parametrize("name", UNKNOWN, ids=[name[:20] for name in UNKNOWN])
async def test_a_field_that_does_not_exist_is_named_by_every_route(running: Stack, surface: Surface, name: str) -> None:
    pointer = "#/" + name.replace("~", "~0").replace("/", "~1")
    faults = []
    async with unchanged(running):
        for route in surface.writing:
            if name in route.schema.get("properties", {}):
                continue
            answer = await surface.send(route, orjson.dumps({name: 1}))
            if fault(answer, {422}) or (pointer, "unknown-field") not in shortened(errors(answer), len(pointer)):
                faults.append(f"{route.name}: {answer.text[:300]}")
    assert not faults, "\n".join(faults)


def shortened(found: set[tuple[str | None, str]], length: int) -> set[tuple[str | None, str]]:
    """The same: a pointer is told whole, however long the field's name is."""
    return {(pointer and pointer[:length], code) for pointer, code in found}


def fields(route: Route) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """The fields of the route's body, with one schema of each that is not null."""
    for name, schema in route.schema.get("properties", {}).items():
        choices = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
        yield name, choices[0]


async def each_field(surface: Surface, make: Mapping[str, Any], codes: set[str]) -> tuple[list[str], int]:
    """Send each field of each route the value that `make` has for its kind: what was not told, and how much sent."""
    faults, sent = [], []
    for route in surface.writing:
        for name, schema in fields(route):
            kind = schema.get("type", "object")
            if kind not in make:
                continue
            value = make[kind](schema) if callable(make[kind]) else make[kind]
            if value is not None or make[kind] is None:
                sent.append((route, name, value))
    answers = await asyncio.gather(*(surface.send(route, orjson.dumps({name: value})) for route, name, value in sent))
    for (route, name, _), answer in zip(sent, answers, strict=True):
        if fault(answer, {422}) or not {(f"#/{name}", code) for code in codes} & errors(answer):
            faults.append(f"{route.name} {name}: {answer.status_code} {answer.text[:300]}")
    return faults, len(sent)


async def test_a_value_of_the_wrong_type_is_pointed_at_in_every_field(running: Stack, surface: Surface) -> None:
    wrong = {"string": 7, "integer": "7", "number": "7", "boolean": "true", "array": {"0": "x"}, "object": [7]}
    codes = {"invalid-type", "invalid-value", "invalid-date", "invalid-id"}
    async with unchanged(running):
        faults, count = await each_field(surface, wrong, codes)
    assert not faults, "\n".join(faults)
    assert count > 40


async def test_null_is_pointed_at_where_a_value_is_needed(running: Stack, surface: Surface) -> None:
    faults, count = [], 0
    async with unchanged(running):
        for route in surface.writing:
            for name in route.schema.get("required", []):
                answer = await surface.send(route, orjson.dumps({name: None}))
                count += 1
                if fault(answer, {422}) or (f"#/{name}", "required") not in errors(answer):
                    faults.append(f"{route.name} {name}: {answer.text[:300]}")
    assert not faults, "\n".join(faults)
    assert count > 15


def too_long(schema: Mapping[str, Any]) -> str | None:
    """A text one character over the field's limit; None where the limit is that of a list of words or a date."""
    return "x" * (schema["maxLength"] + 1) if "maxLength" in schema else None


def too_many(schema: Mapping[str, Any]) -> list[str] | None:
    """A list one item over the field's limit."""
    return ["x"] * (schema["maxItems"] + 1) if "maxItems" in schema else None


async def test_a_text_or_list_over_its_limit_is_pointed_at_in_every_field(running: Stack, surface: Surface) -> None:
    async with unchanged(running):
        faults, count = await each_field(surface, {"string": too_long, "array": too_many}, {"too-long"})
    assert not faults, "\n".join(faults)
    assert count > 25


async def test_every_text_has_a_limit(surface: Surface) -> None:
    endless = [
        f"{route.name} {name}"
        for route in surface.writing
        for name, schema in fields(route)
        if schema.get("type") == "string" and not {"maxLength", "enum", "const", "format"} & schema.keys()
    ]
    assert not endless
