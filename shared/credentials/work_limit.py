"""Bounds on what turning a document into canonical RDF may cost, checked before it starts.

Expansion compares the members of an array with each other, and canonicalisation tries the orders of what looks alike:
a few kilobytes could keep a processor busy for minutes. A badge has some sixty values.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import pyoxigraph

from shared.credentials.json_ld import CanonicalError

MAX_ALIKE = 6
_MAX_VALUES = 2_000
_MAX_MEMBERS = 200
_CONTAINERS = (dict, list)
_MAX_CONTEXT_WORK = 40_000  # values of contexts of the document's own, times values they may have to be applied to

# What is said of a blank node without another one: texts. With another one: (text, the other's name).
_Facts = dict[str, list[str]]
_Links = dict[str, list[tuple[str, str]]]


def check_size(document: Mapping[str, Any]) -> None:
    """Refuse a document of more values, or with longer arrays, than any credential needs.

    Raises CanonicalError `too-complex`.
    """
    waiting: list[tuple[Any, bool]] = [(document, False)]
    values = defined = 0
    while waiting:
        container, in_context = waiting.pop()
        is_list = isinstance(container, list)
        values += len(container)
        defined += len(container) if in_context else 0
        if values > _MAX_VALUES or (len(container) > _MAX_MEMBERS and is_list):
            limits = f"{_MAX_VALUES} values, or {_MAX_MEMBERS} in one array"
            raise CanonicalError("too-complex", f"the document has more than {limits}")
        if is_list:
            waiting += [(item, in_context) for item in container if isinstance(item, _CONTAINERS)]
        else:
            pairs = container.items()
            waiting += [(item, in_context or key == "@context") for key, item in pairs if isinstance(item, _CONTAINERS)]
    if defined * values > _MAX_CONTEXT_WORK:
        raise CanonicalError("too-complex", "the document's own contexts are too large for a document of its size")


def check_work(dataset: Any) -> None:
    """Refuse what would take exponential time: many blank nodes that look alike from everywhere.

    Colours are refined from each node's neighbours until they no longer split (Weisfeiler and Leman); nodes that keep
    one colour are what canonicalisation would have to permute. Raises CanonicalError `too-complex`.
    """
    facts, links = _about_blank_nodes(dataset)
    if len(links) <= MAX_ALIKE:
        return
    colours = _refine({name: _digest(sorted(facts[name])) for name in facts.keys() | links.keys()}, links)
    alike = Counter(colours[name] for name in links)
    if max(alike.values()) > MAX_ALIKE:
        raise CanonicalError("too-complex", "too many parts of the document cannot be told apart")


def _about_blank_nodes(dataset: Any) -> tuple[_Facts, _Links]:
    facts: _Facts = defaultdict(list)
    links: _Links = defaultdict(list)
    for quad in dataset:
        places = (("s", quad.subject), ("o", quad.object), ("g", quad.graph_name))
        blank = [(place, term.value) for place, term in places if isinstance(term, pyoxigraph.BlankNode)]
        rest = "|".join(f"{place}{term}" for place, term in places if not isinstance(term, pyoxigraph.BlankNode))
        for place, name in blank:
            others = [(other_place, other) for other_place, other in blank if other != name]
            for other_place, other in others:
                links[name].append((f"{place}{other_place}{quad.predicate}{rest}", other))
            if not others:
                facts[name].append(f"{place}{quad.predicate}{rest}")
    return facts, links


def _refine(colours: dict[str, str], links: _Links) -> dict[str, str]:
    for _ in range(len(colours)):
        refined = {
            name: _digest([colour, *sorted(label + colours[other] for label, other in links.get(name, ()))])
            for name, colour in colours.items()
        }
        if len(set(refined.values())) == len(set(colours.values())):
            return refined
        colours = refined
    return colours


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
