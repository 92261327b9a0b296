"""Documents made up from the contexts shipped: the terms each place knows, mostly used as they should be."""

import random
from typing import Any

from shared.credentials.contexts import CREDENTIALS_V1, CREDENTIALS_V2, MICRO_CREDENTIAL_CONTEXT, OPEN_BADGES, manifest
from shared.credentials.plain_rdf import scope_of
from shared.credentials.scopes import Property, Scope, Unsure

CONTEXTS: list[list[Any]] = [
    [CREDENTIALS_V2],
    [CREDENTIALS_V2, OPEN_BADGES],
    [CREDENTIALS_V2, OPEN_BADGES, MICRO_CREDENTIAL_CONTEXT],
    [CREDENTIALS_V1],
    [CREDENTIALS_V1, "https://w3id.org/security/suites/ed25519-2020/v1"],
    [CREDENTIALS_V1, "https://w3id.org/security/data-integrity/v2"],
    ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
    ["https://w3id.org/security/data-integrity/v1"],
    *([url] for url in manifest()),
]
TEXTS = [
    "",
    "plain",
    "two words",
    'quote " and \\ slash',
    "new\nline\r\ttab",
    "ünïcödé 漢字 🎓",
    "2026-01-31T00:00:00Z",
    "-0",
]
IRIS = [
    "https://a.example/1",
    "urn:uuid:58172aac",
    "did:example:a#key-1",
    "mailto:a@b.example",
    "http://x.example/?q=a%20b",
]
ODD_IRIS = [
    "relative",
    "/path",
    "sec:compact",
    "schema:name",
    "xsd:string",
    "_:b0",
    "relative://here/x",
    "a b:c",
    "https:",
    "x:<y>",
]
NUMBERS = [0, 1, -7, 2**53, 10**20, 10**22, 1.5, -2.25, 1e-7, 123456.789, 3.0, 1e300, True, False]
LANGUAGES = [*["en", "EN-gb", "de", "zh-Hans", "de-1996"] * 5, "x y", ""]


class Maker:
    """Makes documents; everything is decided by the seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._left = 25

    def document(self) -> dict[str, Any]:
        """A document of up to 25 nodes."""
        contexts = self._random.choice(CONTEXTS)
        made: dict[str, Any] = {
            "@context": contexts if len(contexts) > 1 else self._random.choice([contexts, contexts[0]])
        }
        made.update(self._node(scope_of(contexts), 0))
        return made

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _node(self, scope: Scope, depth: int) -> dict[str, Any]:
        self._left -= 1
        made: dict[str, Any] = {}
        types = self._types(scope)
        if types:
            made["type"] = types if len(types) > 1 or self._chance(0.5) else types[0]
        if self._chance(0.5):
            made["id"] = self._iri()
        inner = self._typed(scope, types)
        terms = [name for name in inner.terms() if name not in ("id", "type")]
        for _ in range(self._random.randint(1, 6)):
            if terms:
                key = self._random.choice(terms)
                made[key] = self._value(inner, key, depth)
        if self._chance(0.01):
            made[self._random.choice(["unheardOf", "@graph", "sec:x", "@type", "@id", "name", "type"])] = self._text()
        return made

    def _types(self, scope: Scope) -> list[str]:
        if self._chance(0.25):
            return []
        names = [name for name in scope.terms() if name[0].isupper()] or ["https://a.example/Type"]
        found = [self._random.choice(names) for _ in range(self._random.randint(1, 2))]
        return [*found, self._random.choice(IRIS + ODD_IRIS)] if self._chance(0.02) else found

    def _typed(self, scope: Scope, types: list[str]) -> Scope:
        try:
            return scope.typed(types)
        except Unsure:
            return scope

    def _value(self, scope: Scope, key: str, depth: int) -> Any:
        if self._chance(0.15):
            return [self._one(scope, key, depth) for _ in range(self._random.randint(0, 3))]
        return self._one(scope, key, depth)

    def _one(self, scope: Scope, key: str, depth: int) -> Any:
        try:
            known = scope.meaning(key)
        except Unsure:
            return self._random.choice([self._text(), {}, {"a": "b"}, []])
        if not isinstance(known, Property):
            return self._iri() if known == "@id" else self._random.choice(self._types(scope) or ["x"])
        wants_id = known.coercion in ("@id", "@vocab")
        pick = self._random.random()
        if depth < 5 and self._left > 0 and pick < (0.6 if wants_id else 0.35):
            return self._node(known.node_scope, depth + 1)
        if pick < 0.7:
            return self._iri() if wants_id else self._text()
        if pick < 0.8 and not wants_id:
            return self._random.choice(NUMBERS)
        if pick < 0.9:
            return {"@value": self._text(), "@language": self._random.choice(LANGUAGES)}
        if pick < 0.98:
            return {"id": self._iri()}
        return self._random.choice(
            [None, [], {}, [[]], {"@value": 5}, {"@value": "x", "@direction": "rtl"}, self._iri()]
        )

    def _iri(self) -> str:
        return self._random.choice(ODD_IRIS if self._chance(0.01) else IRIS) + (
            f"/{self._random.randint(0, 999)}" if self._chance(0.8) else ""
        )

    def _text(self) -> str:
        return self._random.choice(TEXTS)
