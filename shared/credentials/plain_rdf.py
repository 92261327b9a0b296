"""A plain document straight to N-Quads, by the tables of `scopes`: no expanded form, no node map in between.

This is the common case made fast, never another reading of it: what is not covered raises Unsure, and the JSON-LD
library reads the document instead. That both give the same dataset is a test's business, on many generated documents.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
from pyld import jsonld
from pyld.context_resolver import ContextResolver

from shared.credentials.contexts import is_known
from shared.credentials.json_ld import CanonicalError, load_known
from shared.credentials.scopes import Property, Scope, Unsure

_XSD = "http://www.w3.org/2001/XMLSchema#"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_LANGUAGE_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"))  # the backslash first: the others add some


def plain_nquads(document: Mapping[str, Any]) -> str:
    """The N-Quads of a document whose contexts are all shipped. Raises Unsure for whatever is not covered."""
    contexts = document.get("@context")
    listed = contexts if isinstance(contexts, list) else [contexts]
    if not listed or not all(is_known(context) for context in listed):
        raise Unsure("a context that is not shipped")
    writer = _Writer()
    writer.top({key: value for key, value in document.items() if key != "@context"}, scope_of(listed))
    return "".join(writer.lines)


def scope_of(contexts: list[Any]) -> Scope:
    """The scope at the top of a document with these contexts, all shipped. Raises Unsure where they do not combine."""
    return _scope_of(orjson.dumps(contexts))


@lru_cache(maxsize=32)
def _scope_of(contexts: bytes) -> Scope:
    options = {
        "documentLoader": load_known,
        "processingMode": "json-ld-1.1",
        "base": "",
        "contextResolver": ContextResolver(jsonld._resolved_context_cache, load_known),
    }
    processor = jsonld.JsonLdProcessor()

    def process(active: Any, context: Any, **how: bool) -> Any:
        try:
            return processor._process_context(active, context, options, **how)
        except (jsonld.JsonLdError, CanonicalError):
            raise Unsure("contexts that do not go together") from None

    return Scope(process(processor._get_initial_context(options), orjson.loads(contexts)), process)


class _Writer:
    """Collects statements. Blank nodes are numbered as they come; canonicalisation names them anew."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._blanks = 0
        self._named: set[str] = set()

    def top(self, document: Mapping[str, Any], scope: Scope) -> None:
        """The document itself."""
        subject = self.node(document, scope)
        if subject.startswith("<") and subject != f"<{document.get('id')}>":
            raise Unsure("an id by a prefix")
        if not self.lines:
            raise Unsure("a document that says nothing")

    def node(self, value: Mapping[str, Any], scope: Scope) -> str:
        """Write what is said of a node; gives the term that stands for it."""
        types = self._types(value, scope)
        inner = scope.typed(types)
        subject, properties = self._members(value, scope, inner)
        for name in types:
            self.lines.append(f"{subject} <{_RDF}type> <{scope.type_iri(name)}> .\n")
        for known, item in properties:
            self._write(subject, known, item)
        return subject

    def _types(self, value: Mapping[str, Any], scope: Scope) -> list[str]:
        types: list[str] = []
        for key, item in value.items():
            if scope.meaning_or_none(key) == "@type":
                if key != "type":
                    raise Unsure("another name for @type")
                names = item if isinstance(item, list) else [item]
                if types or not names or not all(isinstance(name, str) and ":" not in name for name in names):
                    raise Unsure("an uncommon type")
                types = names
        return types

    def _members(self, value: Mapping[str, Any], scope: Scope, inner: Scope) -> tuple[str, list[tuple[Property, Any]]]:
        subject: str | None = None
        properties: list[tuple[Property, Any]] = []
        for key, item in value.items():
            known = inner.meaning(key)
            if isinstance(known, Property):
                properties.append((known, item))
            elif known == "@id":
                if subject is not None or not isinstance(item, str) or key != "id":
                    raise Unsure("an uncommon id")
                subject = f"<{inner.node_iri(item)}>"
            elif scope.meaning_or_none(key) != "@type":
                raise Unsure("a type in disguise")
        if subject is None:
            return self._blank(), properties
        if subject in self._named and properties:
            raise Unsure("a node that is described twice")
        if properties:
            self._named.add(subject)
        return subject, properties

    def _write(self, subject: str, known: Property, value: Any) -> None:
        items = value if isinstance(value, list) else [value]
        if known.is_list:
            self.lines.append(f"{subject} <{known.iri}> {self._list(known, items)} .\n")
            return
        if not items:
            raise Unsure("nothing is said")
        for item in items:
            self.lines.append(f"{subject} <{known.iri}> {self._object(known, item)} .\n")

    def _list(self, known: Property, items: list[Any]) -> str:
        """A chain of blank nodes, from its end."""
        rest = f"<{_RDF}nil>"
        for item in reversed(items):
            here = self._blank()
            self.lines.append(f"{here} <{_RDF}first> {self._object(known, item)} .\n")
            self.lines.append(f"{here} <{_RDF}rest> {rest} .\n")
            rest = here
        return rest

    def _object(self, known: Property, item: Any) -> str:
        if isinstance(item, str):
            if known.coercion == "@id":
                return f"<{known.scope.node_iri(item)}>"
            if known.coercion == "@vocab":
                return f"<{known.scope.type_iri(item)}>"
            return _literal(item, known.coercion)
        if isinstance(item, dict):
            return _value_object(item) if "@value" in item else self.node(item, _scope_for(known, item))
        if known.coercion in ("@id", "@vocab"):
            raise Unsure("no id")
        return _number(item, known.coercion)

    def _blank(self) -> str:
        self._blanks += 1
        return f"_:b{self._blanks}"


def _scope_for(known: Property, item: Mapping[str, Any]) -> Scope:
    """A lone reference is read where it stands; any other object is outside of the types around it."""
    if len(item) == 1 and known.scope.meaning_or_none(next(iter(item))) == "@id":
        return known.reference_scope
    return known.node_scope


def _literal(text: str, datatype: str | None) -> str:
    for character, escape in _ESCAPES:  # several times faster than to translate, most texts having none of them
        text = text.replace(character, escape)
    return f'"{text}"^^<{datatype}>' if datatype else f'"{text}"'


def _value_object(item: Mapping[str, Any]) -> str:
    """A text, perhaps with its language (JSON-LD 1.1, 4.2.4)."""
    text, language = item["@value"], item.get("@language")
    if not isinstance(text, str) or not item.keys() <= {"@value", "@language"}:
        raise Unsure("an uncommon value")
    if "@language" not in item:
        return _literal(text, None)
    if not isinstance(language, str) or not language or not _LANGUAGE_LETTERS.issuperset(language.lower()):
        raise Unsure("an uncommon language")
    return f"{_literal(text, None)}@{language.lower()}"


def _number(item: Any, datatype: str | None) -> str:
    """Booleans and numbers in their canonical form (JSON-LD 1.1 API, 8.2.2)."""
    if datatype == f"{_XSD}double":
        raise Unsure("a number that is to be a double")
    if isinstance(item, bool):
        return _literal("true" if item else "false", datatype or f"{_XSD}boolean")
    if isinstance(item, int) and abs(item) < 10**21:
        return _literal(str(item), datatype or f"{_XSD}integer")
    if isinstance(item, float) and math.isfinite(item) and not item.is_integer():
        if float(written := f"{item:.15E}") != item:
            raise Unsure("more digits than RDF writes")
        mantissa, _, exponent = written.partition("E")
        mantissa = mantissa.rstrip("0")
        zero = "0" if mantissa.endswith(".") else ""
        return _literal(f"{mantissa}{zero}E{int(exponent)}", datatype or f"{_XSD}double")
    raise Unsure("null, an array in an array, or an uncommon number")
