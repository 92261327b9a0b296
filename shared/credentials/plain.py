"""Plain terms: a document in which reading the JSON and reading the RDF give the same facts.

JSON-LD can write one fact in many ways. `validUntil` may also be spelled as its full IRI, put under `@nest` or
`@included`, or renamed by a context inside a node, and `eddsa-rdfc-2022` signs all of these alike. Who reads the JSON,
as every check here does, would then miss a date or a status that the issuer had signed. So only the form without any of
that is accepted: the one compacted by known contexts, which Verifiable Credentials 2.0 expects of a document.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_VALUE_KEYWORDS = frozenset({"@value", "@language", "@direction"})


@dataclass(frozen=True, slots=True)
class Disguise:
    """A place where the JSON may not say what the RDF says: where (a JSON pointer fragment), a code, a sentence."""

    pointer: str
    code: str
    detail: str


def disguises(document: Mapping[str, Any]) -> Iterator[Disguise]:
    """Every property that is not a plain term. The document's own `@context` and texts with a language are plain."""
    waiting: list[tuple[str, Any]] = [("#", document)]
    while waiting:
        where, value = waiting.pop()
        if isinstance(value, list):
            waiting += [(f"{where}/{place}", item) for place, item in enumerate(value) if isinstance(item, dict | list)]
            continue
        for name, item in value.items():
            if name[:1] != "@" and ":" not in name:
                if isinstance(item, dict | list):
                    waiting.append((f"{where}/{name}", item))
            elif not _is_plain_keyword(name, value, is_top=where == "#"):
                yield _disguise(where, name)


def _is_plain_keyword(name: str, among: Mapping[str, Any], *, is_top: bool) -> bool:
    return (is_top and name == "@context") or (name in _VALUE_KEYWORDS and "@value" in among)


def _disguise(where: str, name: str) -> Disguise:
    pointer = f"{where}/{name[:100].replace('~', '~0').replace('/', '~1')}"
    if name == "@context":
        return Disguise(pointer, "context-not-allowed", "a context stands only at the top of a document")
    return Disguise(pointer, "not-plain", f"{name[:100]!r} is not a plain term of the document's contexts")
