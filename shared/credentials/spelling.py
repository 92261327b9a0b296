"""One spelling: what verification reads in the JSON is all that the RDF says about it.

JSON-LD can write one fact in many ways. `validUntil` may also be spelled as its full IRI, put under `@nest`, said from
the other side with `@reverse`, or renamed by a context of the document's own, and a cryptosuite that signs RDF signs
all of these alike. Who reads the JSON, as every check here does, would then miss a date or a status that the issuer had
signed. Authors are free with everything else; the properties and types that decide about a credential have one name.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_CREDENTIALS = "https://www.w3.org/2018/credentials#"
_STATUS = "https://www.w3.org/ns/credentials/status#"
_BADGES = "https://purl.imsglobal.org/spec/vc/ob/vocab.html#"

PROPERTIES = {
    **{
        _CREDENTIALS + name: name
        for name in (
            "credentialSchema",
            "credentialStatus",
            "credentialSubject",
            "expirationDate",
            "holder",
            "issuanceDate",
            "issuer",
            "relatedResource",
            "validFrom",
            "validUntil",
            "verifiableCredential",
        )
    },
    "https://w3id.org/security#proof": "proof",
}
"""Properties of a credential or a presentation, by IRI, that have to be written as the term they are here."""
TYPES = {
    **{
        _CREDENTIALS + name: (name,)
        for name in (
            "EnvelopedVerifiableCredential",
            "EnvelopedVerifiablePresentation",
            "JsonSchema",
            "JsonSchemaCredential",
            "VerifiableCredential",
            "VerifiablePresentation",
        )
    },
    **{
        _STATUS + name: (name,)
        for name in ("BitstringStatusList", "BitstringStatusListCredential", "BitstringStatusListEntry")
    },
    _BADGES + "OpenBadgeCredential": ("OpenBadgeCredential", "AchievementCredential"),
}
"""Types, by IRI, that have to be written as one of the terms they are here."""

# Whose values are read too: a status entry of disguised type would pass for one that nobody here understands.
_READ_DEEPER = tuple(_CREDENTIALS + name for name in ("credentialStatus", "credentialSchema", "credentialSubject"))


def disguised(document: Mapping[str, Any], expanded: list[Any]) -> str | None:
    """What a document says in the RDF and hides in the JSON, for a reader; None when it hides nothing.

    `expanded` is its expanded form (JSON-LD 1.1, 5.1).
    """
    if len(expanded) != 1 or not isinstance(expanded[0], Mapping) or "@graph" in expanded[0]:
        return "the document has to be one node"
    top = expanded[0]
    if top.get("@id") != (document.get("id") if "@id" in top else None):
        return "the document's id has to be its `id`"
    for iri, term in PROPERTIES.items():
        if len(top.get(iri, ())) > len(_many(document.get(term))):
            return f"`{term}` is spelled in another way"
    hidden = _hidden_type(document, top)
    for iri in _READ_DEEPER:
        pairs = zip(_many(document.get(PROPERTIES[iri])), top.get(iri, ()), strict=False)
        hidden = hidden or next(filter(None, (_hidden_type(given, found) for given, found in pairs)), None)
    if hidden:
        return f"the type `{hidden}` is spelled in another way"
    return _said_elsewhere(top)


def _hidden_type(given: Any, found: Any) -> str | None:
    """The first type that the expanded node has and the JSON does not name by its term."""
    if not isinstance(given, Mapping) or not isinstance(found, Mapping):
        return None
    named = _many(given.get("type"))
    hidden = (TYPES[iri] for iri in found.get("@type", ()) if iri in TYPES)
    return next((terms[0] for terms in hidden if not any(term in named for term in terms)), None)


def _said_elsewhere(top: Mapping[str, Any]) -> str | None:
    """Whether another node of the same graph speaks about the credential, in its name or from the other side."""
    for node in _nodes(top):
        if node is top:
            continue
        if "@id" in top and node.get("@id") == top["@id"] and len(node) > 1:
            return "a part of the document has the id of the whole"
    if any(not PROPERTIES.keys().isdisjoint(node.get("@reverse", ())) for node in _nodes(top)):
        return "a property that decides about the credential is said from the other side"
    return None


def _nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every node of the default graph that an expanded node holds, itself first."""
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, list):
            waiting += here
        elif isinstance(here, Mapping) and "@value" not in here:
            yield here
            waiting += [item for name, item in here.items() if name not in ("@graph", "@id", "@type")]


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
