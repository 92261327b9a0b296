"""What a document has to be before it is signed as it was given, and who it may say issued it."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.issuer.domain.errors import Fault, Invalid
from shared.credentials import (
    CREDENTIALS_V1,
    DATA_INTEGRITY_V2,
    CanonicalError,
    base_context,
    check_structure,
    require_rdf,
)

DATA_INTEGRITY = ("https://w3id.org/security/data-integrity/v1", DATA_INTEGRITY_V2)
ROOT = "#/credential"


def issuer_of(credential: Mapping[str, Any]) -> str | None:
    """The id of the document's issuer, by itself or in an object."""
    issuer = credential.get("issuer")
    found = issuer.get("id") if isinstance(issuer, Mapping) else issuer
    return found if isinstance(found, str) else None


def require_well_formed(credential: Mapping[str, Any]) -> None:
    """Raises Invalid with every fault of the shape."""
    if "proof" in credential:
        raise Invalid([Fault(f"{ROOT}/proof", "already-secured", "the document has a proof already")])
    findings = check_structure(credential)
    if findings:
        raise Invalid([Fault(ROOT + one.pointer[1:], one.code, one.detail) for one in findings])


def require_nothing_lost(credential: Mapping[str, Any]) -> None:
    """Raises Invalid with the first thing in a well-formed document that its contexts do not define."""
    try:
        require_rdf(credential)
    except CanonicalError as error:
        raise Invalid([Fault(ROOT + error.pointer[1:], error.code, error.detail)]) from None


def with_proof_context(credential: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the Data Integrity context where it needs it: 1.1's context does not know such proofs."""
    contexts: Sequence[Any] = credential["@context"]
    if base_context(credential) != CREDENTIALS_V1 or any(one in DATA_INTEGRITY for one in contexts):
        return dict(credential)
    return {**credential, "@context": [*contexts, DATA_INTEGRITY_V2]}
