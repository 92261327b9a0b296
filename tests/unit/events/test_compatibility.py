"""The comparator of schemas catches every kind of incompatible change, and lets pass what both sides can live with."""

from copy import deepcopy
from typing import Any

import pytest

from shared.events.compatibility import breaks, compare

OLD: dict[str, Any] = {
    "$id": "urn:laurel:event:x",
    "title": "X",
    "description": "Something happened.",
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "count": {"type": "integer", "minimum": 0, "maximum": 9},
        "verdict": {"enum": ["valid", "forged"]},
        "code": {"type": "string", "pattern": "^[a-z]+$", "minLength": 1, "maxLength": 5},
        "note": {"type": "string"},
        "entries": {"type": "array", "items": {"$ref": "#/$defs/Entry"}, "minItems": 1},
        "document": {"type": "object"},
        "either": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Entry"}]},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "fixed": {"const": 1},
    },
    "required": ["id", "count", "entries"],
    "$defs": {
        "Entry": {
            "type": "object",
            "properties": {"index": {"type": "integer"}, "next": {"$ref": "#/$defs/Entry"}},
            "required": ["index"],
        }
    },
}


def changed(path: str, value: Any = None) -> dict[str, Any]:
    """OLD with the word at `path` set to `value`, or gone."""
    new = deepcopy(OLD)
    *way, last = path.split("/")
    place = new
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return new


def kinds(new: dict[str, Any]) -> set[tuple[str, str]]:
    return {(found.pointer, found.kind) for found in compare(OLD, new)}


def test_the_same_is_compatible():
    assert kinds(deepcopy(OLD)) == set()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("description", "Something else is said about it."),
        ("properties/id/description", "A name."),
        ("properties/id/examples", ["x"]),
        ("properties/note/deprecated", True),
        ("properties/added", {"type": "string"}),
        ("$defs/Entry/properties/added", {"type": "string"}),
        ("$defs/Unused", {"type": "string"}),
        ("properties/entries/items", {"$ref": "#/$defs/Entry", "description": "One."}),
    ],
)
def test_words_about_it_and_new_fields_that_may_be_missing_are_compatible(path, value):
    assert kinds(changed(path, value)) == set()


@pytest.mark.parametrize(
    ("path", "value", "pointer", "kind"),
    [
        ("properties/note", None, "/note", "field-removed"),
        ("properties/id", None, "/id", "field-removed"),
        ("required", ["id", "count", "entries", "note"], "/note", "required-added"),
        ("required", ["id", "count"], "/entries", "required-removed"),
        ("required", None, "/id", "required-removed"),
        ("$defs/Entry/required", ["index", "next"], "/entries[]/next", "required-added"),
        ("$defs/Entry/properties/index", None, "/entries[]/index", "field-removed"),
        ("properties/note/type", "integer", "/note", "narrowed"),
        ("properties/note/type", None, "/note", "widened"),
        ("properties/note/type", ["string", "null"], "/note", "widened"),
        ("properties/count/type", "number", "/count", "widened"),
        ("properties/verdict/enum", ["valid"], "/verdict", "narrowed"),
        ("properties/verdict/enum", ["valid", "forged", "unknown"], "/verdict", "widened"),
        ("properties/verdict", {"const": "valid"}, "/verdict", "narrowed"),
        ("properties/verdict", {"type": "string"}, "/verdict", "widened"),
        ("properties/note/enum", ["a"], "/note", "narrowed"),
        ("properties/fixed/const", 2, "/fixed", "narrowed"),
        ("properties/count/minimum", 1, "/count", "narrowed"),
        ("properties/count/minimum", -1, "/count", "widened"),
        ("properties/count/minimum", None, "/count", "widened"),
        ("properties/count/maximum", 8, "/count", "narrowed"),
        ("properties/count/maximum", 10, "/count", "widened"),
        ("properties/count/maximum", None, "/count", "widened"),
        ("properties/note/maxLength", 10, "/note", "narrowed"),
        ("properties/note/minLength", 1, "/note", "narrowed"),
        ("properties/code/minLength", 2, "/code", "narrowed"),
        ("properties/code/maxLength", 6, "/code", "widened"),
        ("properties/entries/minItems", 2, "/entries", "narrowed"),
        ("properties/code/pattern", "^[a-z]*$", "/code", "changed"),
        ("properties/code/pattern", None, "/code", "widened"),
        ("properties/note/pattern", "^a", "/note", "narrowed"),
        ("properties/note/format", "uri", "/note", "narrowed"),
        ("properties/id/format", "uri", "/id", "changed"),
        ("properties/document/additionalProperties", False, "/document{}", "narrowed"),
        ("properties/document/additionalProperties", {"type": "string"}, "/document{}", "narrowed"),
        ("properties/labels/additionalProperties", {"type": "integer"}, "/labels{}", "narrowed"),
        ("properties/labels/additionalProperties", None, "/labels{}", "widened"),
        ("additionalProperties", False, "{}", "narrowed"),
        ("properties/entries/items", None, "/entries[]", "widened"),
        ("properties/entries/items", {"type": "integer"}, "/entries[]", "narrowed"),
        ("properties/either/anyOf", [{"type": "string"}], "/either", "narrowed"),
        (
            "properties/either/anyOf",
            [{"type": "string"}, {"$ref": "#/$defs/Entry"}, {"type": "null"}],
            "/either",
            "widened",
        ),
        ("properties/note/unheardOf", True, "/note", "narrowed"),
    ],
)
def test_every_other_change_is_a_break_and_named(path, value, pointer, kind):
    assert (pointer, kind) in kinds(changed(path, value))


def test_a_change_within_a_choice_is_found():
    assert ("/either|/index", "narrowed") in kinds(changed("$defs/Entry/properties/index/minimum", 0))


def test_the_types_of_a_release_must_all_be_there_and_new_ones_may_come():
    assert breaks({"a.v1": OLD}, {"a.v1": OLD, "b.v1": changed("required")}) == {}
    [found] = breaks({"a.v1": OLD, "b.v1": OLD}, {"a.v1": OLD})["b.v1"]
    assert found.kind == "type-removed"


def test_breaks_are_reported_by_type_in_a_sentence():
    [[found]] = breaks({"a.v1": OLD}, {"a.v1": changed("properties/count/minimum", 1)}).values()
    assert str(found) == "/count: narrowed: minimum: 0 became 1"
