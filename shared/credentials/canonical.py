"""One document, one sequence of bytes: JCS (RFC 8785) and RDF Dataset Canonicalization (RDFC-1.0)."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import orjson
import pyoxigraph
import rfc8785
from pyld import jsonld

from shared.credentials.contexts import UnknownContext, load

# What orjson may write otherwise: floats (NaN becomes null), integers beyond 2^53, and keys whose order differs
# between UTF-8 and UTF-16. A hit inside a string only costs the slower library.
_UNCERTAIN = re.compile(rb"[\xee-\xff]|(?:[:,\[]|^)-?\d+(?:[.eE]|\d{15})|null")
# What is relative is resolved against this, and recognised by it: RDF would otherwise take it for an address.
_RELATIVE = "relative://here/"
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S")
_SYMMETRIC = 6
_MAX_QUADS = 20_000


class CanonicalError(Exception):
    """A document that has no faithful canonical form; `code` is a stable word."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def jcs(document: Any) -> bytes:
    """RFC 8785 of a value as parsed from JSON. Raises CanonicalError for what JSON cannot carry exactly."""
    try:
        fast = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
        if _UNCERTAIN.search(fast) is None:
            return fast
    except TypeError:  # integers beyond 64 bits, lone surrogates, what is no JSON: the library says which
        pass
    try:
        return rfc8785.dumps(document)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise CanonicalError("not-canonical", str(error)[:200]) from None


def rdfc(document: Mapping[str, Any], contexts: Mapping[str, Any] | None = None) -> bytes:
    """The canonical N-Quads of a JSON-LD document, in safe mode.

    A property, type or id that JSON-LD would drop or leave relative is an error, so that nothing in the document goes
    unsigned. Only the contexts shipped, and those in `contexts` (URL to document), are known. Raises CanonicalError.
    """
    return _canonical_quads(_to_nquads(document, contexts or {}))


def _to_nquads(document: Mapping[str, Any], contexts: Mapping[str, Any]) -> str:
    def known(url: str, _options: Any) -> dict[str, Any]:
        body = contexts.get(url) or load(url)
        return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": body}

    options = {"documentLoader": known, "processingMode": "json-ld-1.1", "base": _RELATIVE}
    try:
        expanded = jsonld.expand(document, options, on_property_dropped=_refuse_dropped)
        _check_expanded(expanded)
        return str(jsonld.to_rdf(expanded, {**options, "format": "application/n-quads"}))
    except jsonld.JsonLdError as error:
        raise _translate(error) from None
    except UnknownContext as error:
        raise CanonicalError("context-not-allowed", f"the context {str(error)[:200]} is not known here") from None
    except (RecursionError, TypeError, AttributeError, KeyError, ValueError) as error:
        raise CanonicalError("not-json-ld", f"the document is not JSON-LD: {type(error).__name__}") from None


def _translate(error: jsonld.JsonLdError) -> CanonicalError:
    cause: Any = error
    while cause is not None:
        if isinstance(cause, UnknownContext):
            return CanonicalError("context-not-allowed", f"the context {str(cause)[:200]} is not known here")
        if getattr(cause, "code", None) == "protected term redefinition":
            return CanonicalError("protected-term", "a context redefines a protected term")
        cause = getattr(cause, "cause", None) or cause.__cause__
    return CanonicalError("not-json-ld", f"the document is not JSON-LD: {error.code or error.type}")


def _refuse_dropped(term: Any) -> None:
    raise CanonicalError("undefined-term", f"no context defines the term {str(term)[:100]!r}")


def _check_expanded(value: Any) -> None:
    """Every id and type has to be an absolute IRI, or RDF would silently leave it out."""
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
    if not isinstance(text, str) or text.startswith(_RELATIVE):
        return False
    return text.startswith("_:") or _ABSOLUTE.match(text) is not None


def _canonical_quads(nquads: str) -> bytes:
    try:
        dataset = pyoxigraph.Dataset(pyoxigraph.parse(nquads, format=pyoxigraph.RdfFormat.N_QUADS))
    except (SyntaxError, ValueError):
        raise CanonicalError(
            "not-json-ld", "the document does not become RDF: an id or a language is malformed"
        ) from None
    _check_work(dataset)
    dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)
    lines = sorted(f"{quad} .\n" for quad in dataset)
    return "".join(lines).encode()


def _check_work(dataset: Any) -> None:
    """Refuse what would take exponential time: many blank nodes that look alike from everywhere.

    Colours are refined from each node's neighbours until they no longer split (Weisfeiler and Leman); nodes that keep
    one colour are what canonicalisation would have to permute.
    """
    if len(dataset) > _MAX_QUADS:
        raise CanonicalError("too-complex", "the document has too many statements")
    edges: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    plain: dict[str, list[str]] = defaultdict(list)
    for quad in dataset:
        ends = [("s", quad.subject), ("o", quad.object), ("g", quad.graph_name)]
        blank = [(place, term) for place, term in ends if isinstance(term, pyoxigraph.BlankNode)]
        rest = "|".join(f"{place}{term}" for place, term in ends if not isinstance(term, pyoxigraph.BlankNode))
        for place, term in blank:
            others = [(p, t.value) for p, t in blank if t.value != term.value]
            if not others:
                plain[term.value].append(f"{place}{quad.predicate}{rest}")
            for other, name in others:
                edges[term.value].append((f"{place}{other}{quad.predicate}{rest}", name, other))
    names = edges.keys() | plain.keys()
    if len(names) <= _SYMMETRIC:
        return
    colours = {name: _digest(sorted(plain[name])) for name in names}
    for _ in range(len(names)):
        refined = {
            name: _digest([colours[name], *sorted(label + colours[other] for label, other, _ in edges[name])])
            for name in names
        }
        stable = len(set(refined.values())) == len(set(colours.values()))
        colours = refined
        if stable:
            break
    alike = Counter(colours[name] for name in names if edges[name])
    if alike and max(alike.values()) > _SYMMETRIC:
        raise CanonicalError("too-complex", "too many parts of the document cannot be told apart")


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
