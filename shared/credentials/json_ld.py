"""JSON-LD to RDF in safe mode: what would be dropped, left relative or read two ways is an error.

Nothing in a document may go unsigned, or be signed and not seen. This module is the one place that knows the JSON-LD
library.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pyld import jsonld

from shared.credentials.contexts import is_known, load
from shared.credentials.plain import disguises

# What is relative is resolved against this, and recognised by it: RDF would otherwise take it for an address.
_RELATIVE = "relative://here/"
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S")


class CanonicalError(Exception):
    """A document that has no faithful canonical form; `code` is a stable word."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def to_nquads(document: Mapping[str, Any], contexts: Mapping[str, Any]) -> str:
    """The N-Quads of a document. Raises CanonicalError with one of these codes.

    `context-not-allowed`: a context that is neither shipped nor in `contexts` (URL to document), or not at the top;
    `not-plain`: a property that is no plain term (see `plain`); `undefined-term`: a property or type that no context
    defines; `relative-id`: an id that is no absolute URL; `protected-term`: a term defined twice; `not-json-ld`.
    """
    _check_contexts(document, contexts)
    for disguise in disguises(document):
        raise CanonicalError(disguise.code, f"{disguise.pointer}: {disguise.detail}")
    options = {"documentLoader": _loader(contexts), "processingMode": "json-ld-1.1", "base": _RELATIVE}
    try:
        expanded = jsonld.expand(document, options, on_property_dropped=_refuse_dropped)
        _check_expanded(expanded)
        return str(jsonld.to_rdf(expanded, {**options, "format": "application/n-quads"}))
    except jsonld.JsonLdError as error:
        raise _translate(error) from None
    except (RecursionError, TypeError, AttributeError, KeyError, ValueError) as error:
        raise CanonicalError("not-json-ld", f"the document is not JSON-LD: {type(error).__name__}") from None


def _check_contexts(document: Mapping[str, Any], contexts: Mapping[str, Any]) -> None:
    value = document.get("@context")
    for context in value if isinstance(value, list) else [value]:
        if not is_known(context) and not (isinstance(context, str) and context in contexts):
            name = context[:200] if isinstance(context, str) else "that stands inline"
            raise CanonicalError("context-not-allowed", f"the context {name} is not known here")


def _loader(contexts: Mapping[str, Any]) -> Callable[[str, Any], dict[str, Any]]:
    def known(url: str, _options: Any) -> dict[str, Any]:
        shipped = is_known(url)
        return {
            "contentType": "application/ld+json",
            "contextUrl": None,
            "documentUrl": url,
            "document": load(url) if shipped else contexts[url],
            # The library keeps what is tagged by URL, digested, for the life of the process: only what never changes.
            "tag": "static" if shipped else None,
        }

    return known


def _translate(error: jsonld.JsonLdError) -> CanonicalError:
    cause: Any = error
    while cause is not None:
        if getattr(cause, "code", None) == "protected term redefinition":
            return CanonicalError("protected-term", "a context redefines a protected term")
        cause = cause.__cause__
    return CanonicalError("not-json-ld", f"the document is not JSON-LD: {error.code or error.type}")


def _refuse_dropped(term: Any) -> None:
    raise CanonicalError("undefined-term", f"no context defines the term {str(term)[:100]!r}")


def _check_expanded(value: Any) -> None:
    """Every id and type has to be an absolute IRI, or RDF would silently leave it out.

    A blank node's name is neither: without such names JSON makes trees, not graphs that are hard to canonicalise.
    """
    if isinstance(value, list):
        for item in value:
            _check_expanded(item)
    elif isinstance(value, dict):
        identifier = value.get("@id")
        if "@id" in value and not _is_iri(identifier):
            raise CanonicalError("relative-id", f"the id {str(identifier)[:100]!r} is not an absolute URL")
        for kind in value.get("@type", ()) if "@value" not in value else ():
            if not _is_iri(kind):
                raise CanonicalError("undefined-term", f"no context defines the type {str(kind)[:100]!r}")
        if "@value" not in value:
            for key, item in value.items():
                if key not in ("@id", "@type"):
                    _check_expanded(item)


def _is_iri(text: Any) -> bool:
    return isinstance(text, str) and not text.startswith(_RELATIVE) and _ABSOLUTE.match(text) is not None
