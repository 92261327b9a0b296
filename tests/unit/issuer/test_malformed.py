"""Generated malformed credentials: each is refused, with a pointer to the place that was spoiled."""

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.issuer.domain.errors import Invalid
from services.issuer.domain.secured import require_nothing_lost, require_well_formed
from shared.credentials import CREDENTIALS_V2
from tests.unit.credentials.badges import badge

Document = dict[str, Any]
Path = tuple[str | int, ...]
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
RICH: Document = {
    "@context": [CREDENTIALS_V2],
    "id": "https://u.example/credentials/1",
    "type": ["VerifiableCredential"],
    "name": {"@value": "Diver", "@language": "en"},
    "issuer": {"id": "did:web:u.example", "name": "U"},
    "validFrom": "2026-01-01T00:00:00Z",
    "validUntil": "2027-01-01T00:00:00Z",
    "credentialSubject": [{"id": "did:example:a", "name": "A"}, {"id": "did:example:b", "name": "B"}],
    "credentialStatus": [
        {
            "id": "https://u.example/l#7",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": "7",
            "statusListCredential": "https://u.example/l",
        }
    ],
    "credentialSchema": [{"id": "https://u.example/schema", "type": "JsonSchema"}],
    "relatedResource": [{"id": "https://u.example/r", "digestSRI": "sha256-" + "A" * 43 + "="}],
}
BADGE = badge()
TEXTS = ["", "x", "relative/id", "not a url", "\u202ex", "2026-13-01", "5"]
NO_URLS: list[Any] = [
    "",
    "x",
    "relative/id",
    "not a url",
    "//host/path",
    "#fragment",
    5,
    True,
    None,
    [],
    {},
    ["urn:a:b"],
]
NO_DATES: list[Any] = ["", "yesterday", "2026-01-01", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", 5, None, [], {}]
NO_OBJECTS: list[Any] = ["", "x", 5, True, [[]], [None], ["x"]]


def put(path: Path, values: list[Any]) -> tuple[Path, Callable[[random.Random], Any]]:
    return path, lambda dice: dice.choice(values)


SPOILS: list[tuple[Path, Callable[[random.Random], Any]]] = [
    put(("id",), NO_URLS),
    put(("@context",), [[], "x", 5, None, {}, [EXAMPLES], [EXAMPLES, CREDENTIALS_V2]]),
    put(("@context", 0), ["https://evil.example", 5, None, {}]),
    put(("type",), ["", "X", [], 5, None, ["X"], {}]),
    put(("issuer",), NO_URLS[:-1]),
    put(("issuer", "id"), NO_URLS),
    put(("validFrom",), NO_DATES),
    put(("validUntil",), [*NO_DATES, "2020-01-01T00:00:00Z"]),
    put(("credentialSubject",), ["did:example:a", 5, None, [], {}, True]),
    put(("credentialSubject", 0), ["x", 5, None, {}, []]),
    put(("credentialSubject", 1, "id"), NO_URLS),
    put(("credentialStatus", 0), NO_OBJECTS),
    put(("credentialStatus", 0, "id"), NO_URLS),
    put(("credentialStatus", 0, "type"), [5, None, [], {}, ""]),
    put(("credentialStatus", 0, "statusListIndex"), [7, "-1", "x", "", None, "1.5", "0x1", "\u0667"]),
    put(("credentialStatus", 0, "statusListCredential"), NO_URLS),
    put(("credentialStatus", 0, "statusPurpose"), [5, None, "", [], {}]),
    put(("credentialStatus", 0, "statusSize"), [0, -1, "2", 1.5, True, 33, None]),
    put(("credentialSchema", 0), NO_OBJECTS),
    put(("credentialSchema", 0, "id"), NO_URLS),
    put(("relatedResource", 0, "id"), NO_URLS),
    put(("relatedResource", 0, "digestSRI"), ["", "md5-xx", "sha256-x", "sha256-" + "A" * 10, 5, None]),
    put(("name",), [5, True, {"@value": 5}, {"@value": "x", "url": "y"}, [{"@language": "en"}], ["x"]]),
]


def spoil(document: Document, path: Path, value: Any) -> Document:
    """A copy with another value at the end of a path."""
    spoiled = copy.deepcopy(document)
    here: Any = spoiled
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return spoiled


def examine(document: Document) -> None:
    """Both its form, and whether its contexts define all of it."""
    require_well_formed(document)
    require_nothing_lost(document)


def pointers(document: Document) -> list[str]:
    """Where a document is malformed."""
    with pytest.raises(Invalid) as refused:
        examine(document)
    return [fault.pointer.removeprefix("#/credential") for fault in refused.value.faults]


def test_what_is_spoiled_here_is_good_before() -> None:
    examine(RICH)
    examine(BADGE)


@given(st.integers(0, 2**32))
@settings(max_examples=1500, deadline=None)
def test_a_spoiled_place_is_pointed_at(seed: int) -> None:
    dice = random.Random(seed)
    path, make = dice.choice(SPOILS)
    value = make(dice)
    place = "".join(f"/{step}" for step in path)
    found = pointers(spoil(RICH, path, value))
    assert any(one.startswith(place) or place.startswith(one) for one in found), (place, value, found)
    assert not all(one == "" for one in found), (place, value)


def objects(value: Any, path: Path = ()) -> list[Path]:
    """Where an object stands in a document."""
    if isinstance(value, dict):
        inner = [place for name, item in value.items() if name != "@context" for place in objects(item, (*path, name))]
        return [path, *inner]
    return [p for n, item in enumerate(value) for p in objects(item, (*path, n))] if isinstance(value, list) else []


@given(st.integers(0, 2**32))
@settings(max_examples=600, deadline=None)
def test_a_property_that_no_context_defines_is_pointed_at_wherever_it_is(seed: int) -> None:
    dice = random.Random(seed)
    document = dice.choice([RICH, BADGE])
    places = [path for path in objects(document) if path[:1] != ("name",)]
    path = dice.choice(places)
    name = dice.choice(["undefined", "a/b", "m~n", "ünïcode"])
    found = pointers(spoil(document, (*path, name), dice.choice([1, "x", {"y": 1}, [True]])))
    escaped = name.replace("~", "~0").replace("/", "~1")
    assert found == ["".join(f"/{step}" for step in path) + f"/{escaped}"]
