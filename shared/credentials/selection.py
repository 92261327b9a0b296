"""Parts of a document, and the statements they make: Data Integrity ECDSA Cryptosuites 1.0 (3.4), for `ecdsa-sd-2023`.

Every statement of a document is one line of N-Quads. To find the statements of a part, blank nodes are given names that
the part keeps (`urn:bnid:`), and the names are taken away again once the part is RDF.
"""

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyoxigraph
from pyld import canon

from shared.credentials.canonical import canonical_quads, parse_quads, safe_nquads
from shared.credentials.json_ld import CanonicalError

_NAMED = re.compile(r"<urn:bnid:(b[0-9]+)>")
_BLANK = re.compile(r"(^|\s)_:([A-Za-z0-9_-]+)(?=\s)")
_NO_NODES = frozenset({"@value", "@list", "@set"})

LabelMap = Mapping[str, str]


class InvalidPointer(ValueError):
    """A JSON pointer that leads nowhere; the message says which."""


def with_named_nodes(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with an id for every node that has none ("skolemized", 3.4.1). Raises CanonicalError.

    Refused where an id cannot be added without changing what the document says, as within a JSON literal.
    """
    counter = iter(range(10**6))

    def named(value: Any) -> Any:
        if isinstance(value, list):
            return [named(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        inner = {name: item if name == "@context" else named(item) for name, item in value.items()}
        if _NO_NODES.isdisjoint(inner) and not {"id", "@id"} & inner.keys():
            inner["id"] = f"urn:bnid:b{next(counter)}"
        return inner

    made: dict[str, Any] = named(document)
    if canonical_quads(unnamed(safe_nquads(made))) != canonical_quads(safe_nquads(document)):
        raise CanonicalError("not-selectable", "parts of this document cannot be told apart by JSON pointers")
    return made


def unnamed(statements: str) -> str:
    """N-Quads with the nodes named here as blank nodes again, each statement once and in canonical spelling.

    Raises CanonicalError for what is no N-Quads.
    """
    return "".join(dict.fromkeys(f"{quad} .\n" for quad in parse_quads(_NAMED.sub(r"_:\1", statements))))


def canonical_labels(statements: str) -> dict[str, str]:
    """The canonical label (`c14n0`) of each blank node of a dataset, by its label there (RDFC-1.0, 4.4).

    Raises CanonicalError for a dataset that would take too long.
    """
    form = canonical_quads(statements).decode()  # refuses that; the canonicaliser that tells the labels is slower
    algorithm = canon.URDNA2015()
    algorithm.main(_dataset(statements), {"format": "application/n-quads"})
    issued = algorithm.canonical_issuer.existing
    labels = {label.removeprefix("_:"): name.removeprefix("_:") for label, name in issued.items()}
    if "".join(relabel(statements, labels)) != form:
        raise CanonicalError("not-selectable", "a text of this document is written in two ways")
    return labels


class _Text(str):
    """A literal's text, escaped as canonical N-Quads does; the canonicaliser's own `replace` would escape again."""

    __slots__ = ()

    def replace(self, *_: object) -> "_Text":
        return self


def _dataset(statements: str) -> dict[str, list[dict[str, dict[str, str]]]]:
    """N-Quads as the canonicaliser takes them; its own reader ends lines at more characters than the format does."""
    graphs: dict[str, list[dict[str, dict[str, str]]]] = {}
    for quad in parse_quads(statements):
        graph = quad.graph_name
        name = "@default" if isinstance(graph, pyoxigraph.DefaultGraph) else _term(graph)["value"]
        triple = {"subject": _term(quad.subject), "predicate": _term(quad.predicate), "object": _term(quad.object)}
        graphs.setdefault(name, []).append(triple)
    return graphs


def _term(term: Any) -> dict[str, str]:
    if isinstance(term, pyoxigraph.NamedNode):
        return {"type": "IRI", "value": term.value}
    if isinstance(term, pyoxigraph.BlankNode):
        return {"type": "blank node", "value": str(term)}
    found = {
        "type": "literal",
        "value": _Text(str(pyoxigraph.Literal(term.value))[1:-1]),
        "datatype": term.datatype.value,
    }
    return {**found, "language": str(term).rpartition("@")[2]} if term.language else found


def relabel(statements: str, labels: LabelMap) -> list[str]:
    """The lines of N-Quads, sorted, each blank node under its new label. Raises KeyError for one that has none."""

    def renamed(found: re.Match[str]) -> str:
        return f"{found[1]}_:{labels[found[2]]}"

    return sorted(_outside_literals(line, renamed) + "\n" for line in statements.split("\n") if line)


def _outside_literals(line: str, renamed: Callable[[re.Match[str]], str]) -> str:
    """Rename blank nodes in a statement, but not what only looks like one in its text."""
    quote, end = line.find('"'), line.rfind('"')
    if quote < 0:
        return _BLANK.sub(renamed, line)
    return _BLANK.sub(renamed, line[:quote]) + line[quote : end + 1] + _BLANK.sub(renamed, line[end + 1 :])


def select(document: Mapping[str, Any], pointers: Sequence[str]) -> dict[str, Any] | None:
    """The part of a document that JSON pointers lead to, with the ids and types on the way (3.4.11 to 3.4.13).

    None for no pointers at all. Raises InvalidPointer.
    """
    if not pointers:
        return None
    selected = _begun(document)
    if "@context" in document:
        selected["@context"] = copy.deepcopy(document["@context"])
    for pointer in pointers:
        steps = steps_of(pointer)
        if not steps:
            selected = _whole(document)
        elif steps[0] == "@context":  # it is always there, whole
            _resolve(document, steps, pointer)
        else:
            _select_path(document, selected, steps, pointer)
    dense: dict[str, Any] = _dense(selected)
    return dense


def steps_of(pointer: str) -> list[str]:
    """The names and places on the way that a JSON pointer (RFC 6901) goes. Raises InvalidPointer."""
    if pointer and not pointer.startswith("/"):
        raise InvalidPointer(f"{pointer[:100]!r} is no JSON pointer")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _begun(value: Any) -> Any:
    """What stands for a value before anything in it is selected; arrays are kept by place until the end."""
    if isinstance(value, list):
        return _Sparse()
    if isinstance(value, Mapping):
        return {name: _whole(value[name]) for name in ("id", "@id", "type", "@type") if name in value}
    return value


class _Sparse(dict[int, Any]):
    """An array of which only some places are selected."""


def _select_path(document: Mapping[str, Any], selected: dict[str, Any], steps: list[str], pointer: str) -> None:
    value: Any = document
    place: Any = selected
    for number, step in enumerate(steps):
        key, value = _follow(value, step, pointer)
        is_last = number == len(steps) - 1
        if is_last:
            place[key] = _whole(value)
        elif key not in place or not isinstance(place[key], _Sparse | dict):
            place[key] = _begun(value)
        place = place[key]


def _resolve(document: Mapping[str, Any], steps: Sequence[str], pointer: str) -> None:
    value: Any = document
    for step in steps:
        _, value = _follow(value, step, pointer)


def _whole(value: Any) -> Any:
    """All of a value; arrays in the form in which places can still be added."""
    if isinstance(value, list):
        return _Sparse((place, _whole(item)) for place, item in enumerate(value))
    if isinstance(value, Mapping):
        return {name: copy.deepcopy(item) if name == "@context" else _whole(item) for name, item in value.items()}
    return value


def _follow(value: Any, step: str, pointer: str) -> tuple[Any, Any]:
    if isinstance(value, Mapping) and step in value:
        return step, value[step]
    if isinstance(value, list) and step.isdecimal() and step == str(int(step)) and int(step) < len(value):
        return int(step), value[int(step)]
    raise InvalidPointer(f"{pointer[:100]!r} leads nowhere")


def _dense(value: Any) -> Any:
    if isinstance(value, _Sparse):
        return [_dense(value[place]) for place in sorted(value)]
    if isinstance(value, dict):
        return {name: item if name == "@context" else _dense(item) for name, item in value.items()}
    return value
