"""One document, one sequence of bytes: JCS (RFC 8785) and RDF Dataset Canonicalization (RDFC-1.0)."""

import re
from collections.abc import Mapping
from typing import Any

import orjson
import pyoxigraph
import rfc8785

from shared.credentials.json_ld import CanonicalError, to_nquads
from shared.credentials.keys import Hash
from shared.credentials.plain_rdf import plain_nquads
from shared.credentials.scopes import Unsure
from shared.credentials.work_limit import MAX_ALIKE, check_size, check_work

# What orjson may write otherwise: floats with an exponent or without a fraction (NaN becomes null), integers beyond
# 2^53, and keys whose order differs between UTF-8 and UTF-16. A hit that was none only costs the slower library.
_UNCERTAIN_NUMBER = re.compile(rb"[:,\[]-?\d+(?:\.0[,\]}]|(?:\.\d+)?[eE]|\d{15})")
_UNCERTAIN_ORDER = re.compile(rb"[\xee-\xff]")
# As the N-Quads here name them; a hit inside a literal only costs a check that was not needed.
_BLANK_NODE = re.compile(r"_:[A-Za-z0-9]+")
_ALGORITHMS: dict[Hash, Any] = {
    "sha256": pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0_SHA_256,
    "sha384": pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0_SHA_384,
}


def jcs(document: Any) -> bytes:
    """RFC 8785 of a value as parsed from JSON. Raises CanonicalError for what JSON cannot carry exactly."""
    try:
        fast = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
        if isinstance(document, dict | list) and _is_certain(fast):
            return fast
    except TypeError:  # integers beyond 64 bits, lone surrogates, what is no JSON: the library says which
        pass
    try:
        return rfc8785.dumps(document)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise CanonicalError("not-canonical", str(error)[:200]) from None


def _is_certain(fast: bytes) -> bool:
    # Without escapes every other piece between quotes is outside of strings: a tenth, searched instead of the whole.
    bare = fast if b"\\" in fast else b"".join(fast.split(b'"')[::2])
    return (
        b"null" not in bare
        and _UNCERTAIN_NUMBER.search(bare) is None
        and (fast.isascii() or _UNCERTAIN_ORDER.search(fast) is None)
    )


def rdfc(document: Mapping[str, Any], hashed: Hash = "sha256") -> bytes:
    """The canonical N-Quads of a JSON-LD document. Raises CanonicalError, as `safe_nquads`."""
    return canonical_quads(safe_nquads(document), hashed)


def safe_nquads(document: Mapping[str, Any], *, whole: bool = True) -> str:
    """The N-Quads of a JSON-LD document, in safe mode: `json_ld.to_nquads` says what that refuses.

    Raises CanonicalError, with `too-complex` for a document that would take too long.
    """
    check_size(document)
    try:
        return plain_nquads(document)
    except (Unsure, RecursionError):
        return to_nquads(document, whole=whole)


def canonical_quads(nquads: str, hashed: Hash = "sha256") -> bytes:
    """RDFC-1.0 of a dataset. Raises CanonicalError for what is no N-Quads, or would take too long.

    The order in which blank nodes are numbered follows from hashes, so another hash gives another form.
    """
    dataset = pyoxigraph.Dataset(parse_quads(nquads))
    if len(set(_BLANK_NODE.findall(nquads))) > MAX_ALIKE:
        check_work(dataset)
    dataset.canonicalize(_ALGORITHMS[hashed])
    written = pyoxigraph.serialize(dataset, format=pyoxigraph.RdfFormat.N_QUADS)
    assert written is not None, "nowhere else to write to"
    return b"".join(sorted(written.splitlines(keepends=True)))  # bytes of UTF-8 sort as code points do


def parse_quads(nquads: str) -> list[pyoxigraph.Quad]:
    """The statements of a dataset. Raises CanonicalError where an id or a language is malformed."""
    try:
        return list(pyoxigraph.parse(nquads, format=pyoxigraph.RdfFormat.N_QUADS))
    except (SyntaxError, ValueError):
        detail = "the document does not become RDF: an id or a language is malformed"
        raise CanonicalError("not-json-ld", detail) from None


def require_rdf(document: Mapping[str, Any]) -> None:
    """That a document's terms, types and ids all mean something in RDF, whatever signs it. Raises CanonicalError.

    What says nothing (null, an empty array) is no fault where the text itself is signed; `rdfc` does not take it.
    """
    parse_quads(safe_nquads(document, whole=False))
