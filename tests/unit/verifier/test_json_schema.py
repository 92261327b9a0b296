"""What a schema says of a document: conforming, not conforming and where, or nothing that can be told."""

from typing import Any

import orjson
import pytest

from services.verifier.domain.evaluation import Evaluation
from services.verifier.domain.json_schema import evaluate

V2020 = "https://json-schema.org/draft/2020-12/schema"
V2019 = "https://json-schema.org/draft/2019-09/schema"
V7 = "http://json-schema.org/draft-07/schema#"
DEGREE = {
    "type": "object",
    "required": ["credentialSubject"],
    "properties": {"credentialSubject": {"type": "object", "properties": {"ects": {"type": "integer", "minimum": 1}}}},
}


def said(schema: Any, document: Any = None) -> Evaluation:
    text = schema if isinstance(schema, bytes) else orjson.dumps(schema)
    return evaluate(text, orjson.dumps(document))


@pytest.mark.parametrize("version", [V2020, V2019, V7, V2019 + "#", V7.removesuffix("#")])
def test_each_version_that_the_specification_names_is_understood(version: str) -> None:
    schema = {"$schema": version, "$id": "https://u.example/degree", **DEGREE}
    assert said(schema, {"credentialSubject": {"ects": 6}}) == Evaluation("success")
    found = said(schema, {"credentialSubject": {"ects": 0}})
    assert (found.outcome, found.path, found.keyword) == ("failure", ("credentialSubject", "ects"), "minimum")


def test_versions_keep_their_own_meaning() -> None:
    """An array as `items` is a list of schemas before 2020-12; `dependentRequired` is new in 2019-09."""
    for version in (V2019, V7):
        assert said({"$schema": version, "items": [{"type": "string"}]}, [5]).path == (0,)
    assert said({"$schema": V2020, "prefixItems": [{"type": "string"}]}, [5]).path == (0,)
    schema = {"dependentRequired": {"a": ["b"]}}
    assert said({"$schema": V2020, **schema}, {"a": 1}).outcome == "failure"
    assert said({"$schema": V7, **schema}, {"a": 1}).outcome == "success"


def test_what_is_missing_is_named_by_where_it_would_stand() -> None:
    schema = {"$schema": V2020, "properties": {"evidence": {"items": {"required": ["name"]}}}}
    assert said(schema, {"evidence": [{"name": "x"}, {}]}).path == ("evidence", 1, "name")


@pytest.mark.parametrize("version", [V2020, V2019, V7])
def test_formats_are_asserted(version: str) -> None:
    schema = {"$schema": version, "properties": {"email": {"format": "email"}}}
    assert said(schema, {"email": "ada@u.example"}).outcome == "success"
    assert said(schema, {"email": "not an email"}).keyword == "format"
    assert said({"$schema": version, "format": "of nobody"}, "x").outcome == "success"


def test_references_within_the_schema_are_followed() -> None:
    schema = {
        "$schema": V2020,
        "$id": "https://u.example/s",
        "$defs": {"text": {"type": "string"}, "named": {"$id": "part", "minLength": 2}},
        "properties": {
            "a": {"$ref": "#/$defs/text"},
            "b": {"$ref": "https://u.example/s#/$defs/text"},
            "c": {"$ref": "part"},
            "d": {"$ref": V2020},
        },
    }
    assert said(schema, {"a": "x", "b": "y", "c": "zz", "d": {"type": "string"}}).outcome == "success"
    for name, bad in {"a": 1, "b": 1, "c": "z"}.items():
        assert said(schema, {name: bad}).path == (name,)


UNUSABLE: dict[str, Any] = {
    "not JSON": b"<html>",
    "empty": b"",
    "a list": [1],
    "a truth": True,
    "no version": {"type": "object"},
    "no schema": {"$schema": V2020, "type": "unheard-of"},
    "a word of the wrong type": {"$schema": V2020, "required": "name"},
    "a reference into nothing": {"$schema": V2020, "$ref": "#/$defs/missing"},
    "a reference elsewhere": {"$schema": V2020, "$ref": "https://elsewhere.example/schema"},
    "a reference elsewhere that is not needed": {
        "$schema": V2020,
        "properties": {"never": {"$ref": "https://elsewhere.example/schema"}},
    },
    "a reference to a file": {"$schema": V2020, "$ref": "file:///etc/passwd"},
    "a relative reference": {"$schema": V2020, "$ref": "other.json"},
    "a dynamic reference elsewhere": {"$schema": V2020, "$dynamicRef": "https://elsewhere.example/schema#x"},
    "look-around": {"$schema": V2020, "pattern": "^(?!x)"},
    "a back reference": {"$schema": V2020, "pattern": r"^(a)\1$"},
    "a pattern that is none": {"$schema": V2020, "pattern": "("},
    "a pattern too large": {"$schema": V2020, "pattern": r"(\w{1000}){1000}"},
    "deep": f'{{"$schema":"{V2020}","x":{"[" * 900}{"]" * 900}}}'.encode(),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_no_schema_that_can_be_used_says_nothing(name: str) -> None:
    found = said(UNUSABLE[name], {})
    assert (found.outcome, found.code) == ("indeterminate", "schema-unusable")
    assert found.detail


@pytest.mark.parametrize(
    "version",
    ["http://json-schema.org/draft-04/schema#", "https://json-schema.org/v1", "https://u.example/own", 5, ["x"], ""],
)
def test_an_unknown_version_says_nothing(version: Any) -> None:
    found = said({"$schema": version, "type": "string"}, 5)
    assert (found.outcome, found.code) == ("indeterminate", "schema-version-unsupported")


def test_a_document_too_deep_for_the_library_says_nothing() -> None:
    deep = b"[" * 300 + b"]" * 300
    assert evaluate(orjson.dumps({"$schema": V2020, "type": "string"}), deep).outcome == "indeterminate"


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|a)*$", "^(a*)*b$", "(.*)*(.*)*(.*)*x$"])
def test_a_regular_expression_takes_time_in_proportion(pattern: str) -> None:
    """These would take an engine that goes back longer than the universe has existed."""
    found = said({"$schema": V2020, "pattern": pattern}, "a" * 60_000 + "!")
    assert (found.outcome, found.keyword) == ("failure", "pattern")
