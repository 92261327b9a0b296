"""Values that a JSON Schema allows, for the part of JSON Schema that the events' schemas use."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from shared.events.json_schema import Schema

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FORMATS = {
    "uuid": st.uuids().map(str),
    "date-time": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
}
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


def examples(schema: Schema, root: Schema | None = None) -> st.SearchStrategy[Any]:
    """A strategy of such values. Objects get fields of their own making too, as open schemas allow."""
    root = schema if root is None else root
    if "$ref" in schema:
        return examples(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    make = {"string": _text, "integer": _integer, "array": _array, "object": _object}[schema["type"]]
    return make(schema, root)


def _text(schema: Schema, _root: Schema) -> st.SearchStrategy[Any]:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"].replace("$", r"\Z"))
    return FORMATS[schema["format"]] if "format" in schema else TEXT


def _integer(schema: Schema, _root: Schema) -> st.SearchStrategy[Any]:
    return st.integers(schema.get("minimum", -(2**53)), schema.get("maximum", 2**53))


def _array(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    return st.lists(examples(schema["items"], root), min_size=schema.get("minItems", 0), max_size=4)


def _object(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    fields = {name: examples(field, root) for name, field in schema.get("properties", {}).items()}
    required = {name: field for name, field in fields.items() if name in schema.get("required", [])}
    optional = {name: field for name, field in fields.items() if name not in required}
    declared = st.fixed_dictionaries(required, optional=optional)
    added = st.dictionaries(TEXT.filter(lambda name: name not in fields), ANYTHING, max_size=2)
    return st.builds(lambda one, other: {**one, **other}, declared, added)
