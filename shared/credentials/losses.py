"""Nothing may be lost: what JSON-LD drops in silence on the way to RDF would stand in a document unsigned.

A processor leaves out nulls, empty arrays, indexes, values that float about, and digits of a number; and a name for
`@id` other than `id` lets a reader of the JSON miss what the RDF says. A suite that signs RDF signs none of that, so
whoever has a signed document could put words in. Data Integrity 1.0, 2.4.3: data that is dropped has to be an error.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from shared.credentials.contexts import is_known, load
from shared.credentials.finding import Finding
from shared.credentials.pointers import members

_NAMES = {"id": "@id", "type": "@type"}  # the only other names that keywords may have
_OF_VALUES = frozenset({"@type", "@language", "@direction"})
_PLAIN = frozenset({"@context", "@value", "@list", "@set", *_OF_VALUES})
_MAPS = frozenset({"@id", "@type", "@index"})  # containers whose keys are data
_SAYS_NOTHING = "this says nothing in RDF, and would not be signed"


def lost(document: Mapping[str, Any], expanded: list[Any]) -> Finding | None:
    """The first thing that a document says and its RDF does not, or that its JSON says under another name.

    `expanded` is its expanded form (JSON-LD 1.1 API, 5.1), whose names were found to be absolute IRIs.
    """
    return _uncommon(document) or _empty(document, expanded) or _dropped(expanded)


def _uncommon(document: Mapping[str, Any]) -> Finding | None:
    """A keyword, or a name for one, by which a document says things where its readers do not look."""
    contexts = list(contexts_of(document))
    aliases = frozenset().union(*(_aliases_of(one) for one in contexts))
    if any(_has_map(one) for one in contexts if isinstance(one, Mapping)):
        return Finding("#/@context", "not-plain", "maps by id, type or index are not taken")
    for pointer, holder in (("#", document), *((pointer, value) for pointer, _, value in members(document))):
        allowed = _PLAIN if isinstance(holder, Mapping) and "@value" in holder else _PLAIN - _OF_VALUES
        for name in holder if isinstance(holder, Mapping) else ():
            if name in aliases or (name.startswith("@") and name not in allowed):
                return Finding(pointer, "not-plain", f"{name[:50]!r} is not taken: ids and types are `id` and `type`")
    return None


def contexts_of(document: Mapping[str, Any]) -> Iterator[Any]:
    """Every context that a document has, at whatever depth: URLs and objects."""
    waiting: list[Any] = [document]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Mapping):
            given = here.get("@context", [])
            yield from given if isinstance(given, list) else [given]
            waiting += [value for name, value in here.items() if name != "@context"]
        elif isinstance(here, list):
            waiting += here


def _aliases_of(context: Any) -> frozenset[str]:
    """The terms of a context that stand for keywords, but `id` and `type`."""
    if isinstance(context, str):
        return _aliases_of_known(context) if is_known(context) else frozenset()
    return frozenset(_aliases(context))


@lru_cache(maxsize=256)
def _aliases_of_known(url: str) -> frozenset[str]:
    return frozenset(_aliases(load(url)))


def _aliases(context: Any) -> Iterator[str]:
    for name, meaning in _definitions(context):
        iri = meaning.get("@id") if isinstance(meaning, Mapping) else meaning
        if isinstance(iri, str) and iri.startswith("@") and _NAMES.get(name) != iri:
            yield name
        if isinstance(meaning, Mapping) and "@nest" in meaning:
            yield name


def _definitions(context: Any) -> Iterator[tuple[str, Any]]:
    """The terms that a context defines, those of contexts within it too."""
    waiting = [context]
    while waiting:
        here = waiting.pop()
        if isinstance(here, list):
            waiting += here
        elif isinstance(here, Mapping):
            yield from ((name, meaning) for name, meaning in here.items() if not name.startswith("@"))
            waiting += [value for value in here.values() if isinstance(value, dict | list)]


def _has_map(context: Mapping[str, Any]) -> bool:
    containers = (meaning.get("@container") for _, meaning in _definitions(context) if isinstance(meaning, Mapping))
    listed = [one if isinstance(one, list) else [one] for one in containers]
    return any(name in _MAPS for one in listed for name in one if isinstance(name, str))


def _empty(document: Mapping[str, Any], expanded: list[Any]) -> Finding | None:
    """What stands in a document and does not come out: counted, by kind, so that it does not matter why."""
    before, after = Counter(map(_kind, _leaves(document))), Counter(map(_kind, _said(expanded)))
    if before == after:
        return None
    nothing = (pointer for pointer, _, value in members(document) if value is None or value in ([], {}))
    return Finding(next(nothing, "#"), "lost-data", _SAYS_NOTHING)


def _kind(leaf: Any) -> str:
    return "null" if leaf is None else "empty" if leaf in ([], {}) else "value"


def _leaves(value: Any) -> Iterator[Any]:
    """What a document says one by one: its texts, numbers, nulls, and what is empty. Of a value, the value alone."""
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if not isinstance(here, dict | list) or not here:
            yield here
        elif isinstance(here, list):
            waiting += here
        else:
            skipped = {"@context", *_OF_VALUES} if "@value" in here else {"@context"}
            waiting += [item for name, item in here.items() if name not in skipped]


def _said(value: Any) -> Iterator[Any]:
    """The same of an expanded form, as far as it becomes RDF: a property without values says nothing."""
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, list):
            waiting += here
        elif not isinstance(here, Mapping) or not here:
            yield here
        elif "@value" in here:
            yield from _leaves(here["@value"])
        else:
            if here.get("@list") == []:
                yield []
            waiting += here.values()


def _dropped(expanded: list[Any]) -> Finding | None:
    """What the expanded form still has, and RDF has no place for."""
    waiting: list[Any] = [expanded]
    while waiting:
        here = waiting.pop()
        if isinstance(here, list):
            waiting += here
        elif isinstance(here, Mapping):
            if "@index" in here or any(one.keys() == {"@id"} for one in here.get("@graph", ())):
                return Finding("#", "lost-data", f"an index, or an id alone in a graph: {_SAYS_NOTHING}")
            number = here.get("@value")
            if isinstance(number, float) and here.get("@type") != "@json" and float(f"{number:.15E}") != number:
                return Finding("#", "lost-data", f"RDF writes 16 digits of {number}: the others would not be signed")
            waiting += [item for name, item in here.items() if name != "@value"]
    return None
