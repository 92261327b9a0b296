"""Whether a new schema of an event type still fits the old one: for old readers and for old events alike.

An update of four services is never at one moment, and topics and replays hold old events. So within one type nothing
may change but descriptions, and fields that may be missing may be added. All else is a new `.vN`.
"""

import json
import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
_ANNOTATIONS = {"$schema", "$id", "$comment", "$defs", "title", "description", "default", "examples", "deprecated"}
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_COMPARED = {"$ref", "type", "properties", "required", "items", "additionalProperties", "anyOf", "enum", "const"}
_COMPARED |= {*_LOWER, *_UPPER}


@dataclass(frozen=True, slots=True)
class Break:
    """One incompatible change. `kind` is one of type-removed, field-removed, required-added, required-removed,
    narrowed (a new reader refuses old events), widened (an old reader refuses new events), changed (perhaps either)."""

    pointer: str
    kind: str
    detail: str

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.kind}: {self.detail}"


def breaks(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> dict[str, list[Break]]:
    """What is broken in each type of `old`, the last release's; a type that `new` adds breaks nothing."""
    found = {
        name: list(compare(schema, new[name])) if name in new else [Break("", "type-removed", name)]
        for name, schema in old.items()
    }
    return {name: broken for name, broken in found.items() if broken}


def compare(old: Schema, new: Schema) -> Iterator[Break]:
    """Every incompatible change from `old` to `new`."""
    return _Comparison(old, new).of(old, new, "", frozenset())


class _Comparison:
    def __init__(self, old_root: Schema, new_root: Schema) -> None:
        self._old_root, self._new_root = old_root, new_root

    def of(self, old: Schema, new: Schema, at: str, inside: frozenset[tuple[str, str]]) -> Iterator[Break]:
        """Compare two places; `inside` are the references it is in, so that a schema within itself ends."""
        references = (str(old.get("$ref")), str(new.get("$ref")))
        if references in inside:
            return
        if "$ref" in old or "$ref" in new:
            inside |= {references}
        old, new = _resolved(old, self._old_root), _resolved(new, self._new_root)
        yield from self._fields(old, new, at, inside)
        yield from self._parts(old, new, at, inside)
        yield from _values(old, new, at)
        yield from _bounds(old, new, at)
        yield from _rest(old, new, at)

    def _fields(self, old: Schema, new: Schema, at: str, inside: frozenset[tuple[str, str]]) -> Iterator[Break]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before.keys() - after.keys():
            yield Break(f"{at}/{name}", "field-removed", "old readers may look for it, and its name is taken for ever")
        for name in set(new.get("required", ())) - set(old.get("required", ())):
            yield Break(f"{at}/{name}", "required-added", "old events do not have it")
        for name in set(old.get("required", ())) - set(new.get("required", ())):
            yield Break(f"{at}/{name}", "required-removed", "old readers cannot do without it")
        for name in before.keys() & after.keys():
            yield from self.of(before[name], after[name], f"{at}/{name}", inside)

    def _parts(self, old: Schema, new: Schema, at: str, inside: frozenset[tuple[str, str]]) -> Iterator[Break]:
        for word, step in (("items", "[]"), ("additionalProperties", "{}")):
            if word not in old and word not in new:
                continue
            before, after = _as_schema(old.get(word, True)), _as_schema(new.get(word, True))
            if (before is None) != (after is None):
                yield Break(at + step, "narrowed" if after is None else "widened", f"{word} is forbidden on one side")
            elif before is not None and after is not None:
                yield from self.of(before, after, at + step, inside)
        before, after = _written(old.get("anyOf", [])), _written(new.get("anyOf", []))
        yield from _in_words(at, "choice", before, after)
        for choice in before.keys() & after.keys():
            yield from self.of(before[choice], after[choice], f"{at}|", inside)


def _values(old: Schema, new: Schema, at: str) -> Iterator[Break]:
    """`type`, `enum` and `const`: sets of what is allowed; no word at all allows everything."""
    for words, listed in ((("type",), _types), (("enum", "const"), _enumerated)):
        before, after = listed(old), listed(new)
        name = " or ".join(words)
        if before is None and after is not None:
            yield Break(at, "narrowed", f"{name} was added: {after}")
        elif before is not None and after is None:
            yield Break(at, "widened", f"{name} was dropped: {before}")
        elif before is not None and after is not None:
            yield from _in_words(at, name, _written(before), _written(after))


def _bounds(old: Schema, new: Schema, at: str) -> Iterator[Break]:
    for words, tighter in ((_LOWER, operator.gt), (_UPPER, operator.lt)):
        for word in words:
            before, after = old.get(word), new.get(word)
            if before != after:
                narrowed = after is not None and (before is None or tighter(after, before))
                yield Break(at, "narrowed" if narrowed else "widened", f"{word}: {before} became {after}")


def _rest(old: Schema, new: Schema, at: str) -> Iterator[Break]:
    """Whatever else constrains: formats, patterns, words nobody thought of."""
    for word in sorted((old.keys() | new.keys()) - _ANNOTATIONS - _COMPARED):
        if old.get(word) != new.get(word):
            kind = "narrowed" if word not in old else "widened" if word not in new else "changed"
            yield Break(at, kind, f"{word}: {old.get(word)!r} became {new.get(word)!r}")


def _resolved(schema: Schema, root: Schema) -> Schema:
    """The schema itself where it is a reference into `$defs`, with the words that stand beside it."""
    while isinstance(reference := schema.get("$ref"), str):
        target = root["$defs"][reference.removeprefix("#/$defs/")]
        schema = {**target, **{word: value for word, value in schema.items() if word != "$ref"}}
    return schema


def _as_schema(value: Any) -> Schema | None:
    """True allows everything, as the empty schema does; False (None here) nothing."""
    return {} if value is True else None if value is False else value


def _types(schema: Schema) -> list[Any] | None:
    value = schema.get("type")
    return value if value is None or isinstance(value, list) else [value]


def _enumerated(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values: list[Any] | None = schema.get("enum")
    return values


def _written(values: list[Any]) -> dict[str, Any]:
    return {json.dumps(value, sort_keys=True): value for value in values}


def _in_words(at: str, what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Break]:
    if gone := sorted(before.keys() - after.keys()):
        yield Break(at, "narrowed", f"{what}: {', '.join(gone)} is gone")
    if added := sorted(after.keys() - before.keys()):
        yield Break(at, "widened", f"{what}: {', '.join(added)} is new")
