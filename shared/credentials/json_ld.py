"""JSON-LD to RDF in safe mode: what would be dropped, left relative or read two ways is an error.

Nothing in a document may go unsigned, or be signed and not seen. This module is the one place that knows the JSON-LD
library.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pyld import iri_resolver, jsonld

from shared.credentials.contexts import is_known, load
from shared.credentials.losses import lost
from shared.credentials.pointers import pointer_to_key, pointer_to_text
from shared.credentials.spelling import disguised

# What is relative is resolved against this, and recognised by it: RDF would otherwise take it for an address.
RELATIVE = "relative://here/"
_BROKEN = (RecursionError, TypeError, AttributeError, KeyError, ValueError)  # what the library stumbles over
# What N-Quads can write between < and >, and behind @; the library would write anything, and so other statements.
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|\\^`]+")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
# By default RDF says nothing of a text's direction, and it would go unsigned. Data Integrity leaves the choice open
# (w3c/vc-data-integrity#366); this is what other implementations that keep it do.
_TO_RDF = {"format": "application/n-quads", "rdfDirection": "i18n-datatype"}


class CanonicalError(Exception):
    """A document that has no faithful canonical form: `code` is a stable word, `pointer` a JSON pointer fragment."""

    def __init__(self, code: str, detail: str, pointer: str = "#") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.pointer = pointer


def to_nquads(document: Mapping[str, Any], *, whole: bool = True) -> str:
    """The N-Quads of a document, of all that it says. Raises CanonicalError with one of these codes.

    `context-not-allowed`: a context, at whatever depth, that is not known here (`contexts`); `not-plain`: what decides
    about a credential, spelled otherwise (`spelling`); `undefined-term`: a property or type that no context defines;
    `relative-id`: an id that is no absolute URL; `protected-term`: a term defined twice; `lost-data`: what says nothing
    in RDF (`losses`; not looked for unless `whole`, as where the text itself is signed); `not-json-ld`.
    """
    expanded = expand(document)
    if (reason := disguised(document, expanded)) is not None:
        raise CanonicalError("not-plain", reason)
    if whole and (loss := lost(document, expanded)) is not None:
        raise CanonicalError(loss.code, loss.detail, loss.pointer)
    try:
        return str(jsonld.to_rdf(expanded, {**_options(), **_TO_RDF}))
    except jsonld.JsonLdError as error:
        raise _translate(error) from None
    except _BROKEN as error:
        raise _unreadable(error) from None


def expand(document: Mapping[str, Any]) -> list[Any]:
    """The expanded form (JSON-LD 1.1 API, 5.1). Raises CanonicalError, as `to_nquads`, for what would be lost."""

    def refuse(term: Any) -> None:
        name = str(term)[:100]
        raise CanonicalError("undefined-term", f"no context defines the term {name!r}", pointer_to_key(document, name))

    if any(name == "@base" for name in _context_keys(document)):
        raise CanonicalError("context-not-allowed", "a context must not change what ids are relative to", "#/@context")
    try:
        expanded: list[Any] = jsonld.expand(document, _options(), on_property_dropped=refuse)
    except jsonld.JsonLdError as error:
        raise _translate(error) from None
    except _BROKEN as error:
        raise _unreadable(error) from None
    _check_expanded(expanded, document)
    return expanded


def _context_keys(document: Mapping[str, Any]) -> Iterator[str]:
    """The keys of the document's own contexts, at whatever depth."""
    waiting: list[tuple[Any, bool]] = [(document, False)]
    while waiting:
        here, is_context = waiting.pop()
        if isinstance(here, Mapping):
            yield from here if is_context else ()
            waiting += [(item, is_context or name == "@context") for name, item in here.items()]
        elif isinstance(here, list):
            waiting += [(item, is_context) for item in here]


def _options() -> dict[str, Any]:
    return {"documentLoader": load_known, "processingMode": "json-ld-1.1", "base": RELATIVE}


def load_known(url: str, _options: Any) -> dict[str, Any]:
    """A document loader for the JSON-LD library that knows contexts and nothing else."""
    if not is_known(url):
        raise CanonicalError("context-not-allowed", f"the context {url[:200]} is not known here", "#/@context")
    return {
        "contentType": "application/ld+json",
        "contextUrl": None,
        "documentUrl": url,
        "document": load(url),
        "tag": "static",  # the library keeps what is tagged, digested, for the life of the process
    }


def _translate(error: jsonld.JsonLdError) -> CanonicalError:
    cause: Any = error
    while cause is not None:
        if isinstance(cause, CanonicalError):
            return cause
        if getattr(cause, "code", None) == "protected term redefinition":
            return CanonicalError("protected-term", "a context redefines a protected term", "#/@context")
        cause = cause.__cause__
    return CanonicalError("not-json-ld", f"the document is not JSON-LD: {error.code or error.type}")


def _unreadable(error: Exception) -> CanonicalError:
    return CanonicalError("not-json-ld", f"the document is not JSON-LD: {type(error).__name__}")


def _check_expanded(value: Any, document: Mapping[str, Any]) -> None:
    """Every id, type and property has to be an absolute IRI, or RDF would silently leave it out; languages be such.

    A blank node's name is neither: without such names JSON makes trees, not graphs that are hard to canonicalise.
    """
    if isinstance(value, list):
        for item in value:
            _check_expanded(item, document)
    elif isinstance(value, dict):
        identifier = value.get("@id")
        if "@id" in value and not _is_iri(identifier):
            raise _relative("relative-id", "the id {} is not an absolute URL", identifier, document)
        kinds = value.get("@type", ())
        for kind in [kinds] if isinstance(kinds, str) else kinds:
            if not _is_iri(kind) and kind != "@json":
                raise _relative("undefined-term", "no context defines the type {}", kind, document)
        language = value.get("@language", "en")
        if not isinstance(language, str) or _LANGUAGE.fullmatch(language) is None:
            detail = f"{str(language)[:50]!r} is no language"
            raise CanonicalError("not-json-ld", detail, pointer_to_text(document, lambda text: text == language))
        if "@value" not in value:
            _check_properties(value, document)


def _check_properties(node: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    for key, item in node.items():
        if not key.startswith("@") and not _is_iri(key):
            raise _relative("undefined-term", "the property {} is not an absolute URL", key, document)
        if key not in ("@id", "@type"):
            _check_expanded(item, document)


def _relative(code: str, sentence: str, iri: Any, document: Mapping[str, Any]) -> CanonicalError:
    """The error about an IRI that is none, shown as the document wrote it."""
    text = str(iri)
    written = text.removeprefix(RELATIVE)

    def is_it(value: str) -> bool:
        return value in (text, written) or (":" not in value and iri_resolver.resolve(value, RELATIVE) == text)

    return CanonicalError(code, sentence.format(repr(written[:100])), pointer_to_text(document, is_it))


def _is_iri(text: Any) -> bool:
    return isinstance(text, str) and not text.startswith(RELATIVE) and _IRI.fullmatch(text) is not None
