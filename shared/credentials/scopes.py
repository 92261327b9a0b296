"""Known contexts as tables: what each key and type of a document means at each place, worked out once and remembered.

The contexts themselves are processed by the JSON-LD library, whose rules for scoped contexts (JSON-LD 1.1 API, 4.1) are
not repeated here. What comes of it depends on the contexts alone, never on the document, so it is kept.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_MOST_TYPES = 50
_CONTAINERS = frozenset({"@set", "@list"})
_UNCOVERED = frozenset({"@language", "@direction", "@index", "@nest"})
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|\\^`]+")


class Unsure(Exception):
    """Something that these tables do not cover; the library has to read the document."""


@dataclass(frozen=True, slots=True)
class Property:
    """What a key means. `scope` reads its values, `node_scope` the members of an object that is its value."""

    iri: str
    is_list: bool
    coercion: str | None
    scope: "Scope"
    node_scope: "Scope"
    reference_scope: "Scope"


class Scope:
    """One active context of the library, with what was asked of it so far."""

    def __init__(
        self, active: Mapping[str, Any], process: Callable[..., Mapping[str, Any]], outer: "Scope | None" = None
    ) -> None:
        if any(name in active for name in ("@language", "@direction", "@base")):
            raise Unsure("a default language or base")
        self._active, self._process = active, process
        # Outside of the types this scope belongs to, whose meaning does not reach into the values of their properties.
        self._outer = outer if "previousContext" in active else None
        self._mappings: Mapping[str, Any] = active["mappings"]
        self._meanings: dict[str, Property | str] = {}
        self._typed: dict[tuple[str, ...], Scope] = {}
        self._inside: dict[int, tuple[Any, Scope]] = {}

    def meaning(self, key: str) -> Property | str:
        """A property, or the keyword `@id` or `@type`."""
        known = self._meanings.get(key)
        if known is None:
            known = self._read(key)
            if key in self._mappings:  # only as many are kept as the contexts have terms
                self._meanings[key] = known
        return known

    def meaning_or_none(self, key: str) -> Property | str | None:
        """As `meaning`; None for what only another scope may know."""
        return self.meaning(key) if key in self._mappings else None

    def terms(self) -> list[str]:
        """The names that are defined here."""
        return list(self._mappings)

    def typed(self, types: list[str]) -> "Scope":
        """The scope of a node of these types (4.1, type-scoped contexts)."""
        scoped = tuple(sorted({name for name in types if self._context_of(name) is not None}))
        if not scoped:
            return self
        known = self._typed.get(scoped)
        if known is None:
            active = self._active
            for name in scoped:
                active = self._process(active, self._context_of(name), propagate=False)
            if len(self._typed) >= _MOST_TYPES:
                self._typed.clear()
            known = self._typed[scoped] = Scope(active, self._process, self._outer or self)
        return known

    def type_iri(self, name: str) -> str:
        """The IRI of a type; whatever is none here is for the library to refuse."""
        return self._iri(name, vocabulary=True)

    def node_iri(self, name: str) -> str:
        """The IRI that an id is, expanded where its scheme is a prefix."""
        return self._iri(name, vocabulary=False)

    def _iri(self, name: str, *, vocabulary: bool) -> str:
        iri = name
        if vocabulary and name in self._mappings:
            mapping = self._mappings[name]
            iri = (mapping["@id"] if mapping else None) or ""
        elif ":" in name:
            prefix, _, suffix = name.partition(":")
            mapping = self._mappings.get(prefix)
            if not suffix.startswith("//") and mapping and mapping["_prefix"]:
                iri = mapping["@id"] + suffix
        elif vocabulary and "@vocab" in self._active:
            iri = self._active["@vocab"] + name
        if _IRI.fullmatch(iri) is None or iri.startswith("relative:"):  # the library's base, see json_ld
            raise Unsure("no absolute IRI")
        return iri

    def _context_of(self, name: str) -> Any:
        mapping = self._mappings.get(name)
        return mapping.get("@context") if mapping else None

    def _read(self, key: str) -> Property | str:
        if ":" in key or key.startswith("@"):
            raise Unsure("no plain term")
        mapping = self._mappings.get(key)
        if mapping is None:
            if key in self._mappings or "@vocab" not in self._active:
                raise Unsure("no term")
            return self._property(key)
        if mapping["@id"] in ("@id", "@type"):
            return str(mapping["@id"])
        if mapping["reverse"] or _UNCOVERED & mapping.keys():
            raise Unsure("an uncommon kind of term")
        return self._property(key)

    def _property(self, key: str) -> Property:
        context = self._context_of(key)
        scope = self._within(context)
        inner = scope._mappings.get(key) or {}
        if inner.get("@type") == "@json" or inner.get("reverse") or _UNCOVERED & inner.keys():
            raise Unsure("an uncommon kind of term")
        containers = self._containers_of(key)
        if not _CONTAINERS.issuperset(containers) or scope._containers_of(key) != containers:
            raise Unsure("an uncommon container")
        again = scope._context_of(key)
        return Property(
            iri=self._iri(key, vocabulary=True),
            is_list="@list" in containers,
            coercion=None if inner.get("@type") == "@none" else inner.get("@type"),
            scope=scope,
            node_scope=(scope._outer or scope)._within(again),
            reference_scope=scope._within(again),
        )

    def _containers_of(self, key: str) -> list[str]:
        container = (self._mappings.get(key) or {}).get("@container") or []
        return [container] if isinstance(container, str) else list(container)

    def _within(self, context: Any) -> "Scope":
        """This scope with a property's context on top of it."""
        if context is None:
            return self
        known = self._inside.get(id(context))
        if known is None:
            active = self._process(self._active, context, override_protected=True)
            known = self._inside[id(context)] = (context, Scope(active, self._process, self._outer))
        return known[1]
