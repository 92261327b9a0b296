"""Selective disclosure: `ecdsa-sd-2023` (Data Integrity ECDSA Cryptosuites 1.0, 3.4 to 3.6).

The issuer signs some statements together and each of the others by itself, with a key made for this document alone. A
holder shows those together and as many of the others as it likes.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from shared.credentials.canonical import canonical_quads, rdfc, safe_nquads
from shared.credentials.disclosure import (
    MAX_POINTERS,
    BaseValue,
    DerivedValue,
    MalformedDisclosure,
    decode_base,
    decode_derived,
)
from shared.credentials.finding import many
from shared.credentials.json_ld import CanonicalError
from shared.credentials.jwk import encode_base64url
from shared.credentials.keys import PublicKey, algorithm_of, generate, is_signature, make_signature
from shared.credentials.multikey import decode_base58, decode_multikey, encode_base58, encode_multikey
from shared.credentials.proof_error import ProofError
from shared.credentials.selection import InvalidPointer, canonical_labels, relabel, select, unnamed, with_named_nodes
from shared.credentials.times import timestamp

SUITE = "ecdsa-sd-2023"


@dataclass(frozen=True, slots=True)
class _Grouped:
    """A document's statements in their order, the names of its nodes, and which statements a part makes."""

    named: Mapping[str, Any]
    labels: Mapping[str, str]
    statements: Sequence[str]

    def of(self, pointers: Sequence[str]) -> tuple[list[int], str]:
        """The places of the statements that the pointed parts make, and those parts as N-Quads."""
        part = select(self.named, pointers)
        if part is None:
            return [], ""
        nquads = unnamed(safe_nquads(part))
        chosen = set(relabel(nquads, self.labels))
        return [place for place, statement in enumerate(self.statements) if statement in chosen], nquads


def sign_base(
    document: Mapping[str, Any],
    *,
    key: ec.EllipticCurvePrivateKey,
    verification_method: str,
    created: datetime,
    mandatory_pointers: Sequence[str] = (),
    hmac_key: bytes | None = None,
    proof_key: ec.EllipticCurvePrivateKey | None = None,
    expires: datetime | None = None,
) -> dict[str, Any]:
    """`document` with a base proof, for its holder alone to derive from (3.6.1). What is at `mandatory_pointers` is
    always shown. `hmac_key` and `proof_key` are made fresh unless given.

    Raises ProofError: for a document that has a proof or cannot be signed whole, a pointer that leads nowhere
    (`invalid-pointer`), a key that is not P-256.
    """
    if "proof" in document:
        raise ProofError("already-secured", "the document has a proof already")
    _require_p256(key.public_key())
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": SUITE,
        "created": timestamp(created),
        "verificationMethod": verification_method,
        "proofPurpose": "assertionMethod",
        **({"expires": timestamp(expires)} if expires else {}),
    }
    hmac_key = hmac_key or secrets.token_bytes(32)
    own = proof_key or generate("P-256")
    public = decode_base58(encode_multikey(own.public_key())[1:])
    try:
        grouped = _group(document, hmac_key)
        mandatory = grouped.of(_checked(mandatory_pointers))[0]
        options = hashlib.sha256(rdfc({**proof, "@context": document.get("@context")})).digest()
    except InvalidPointer as error:
        raise ProofError("invalid-pointer", str(error)) from None
    except CanonicalError as error:
        raise ProofError(error.code, error.detail, error.pointer) from None
    always, others = _parted(grouped.statements, mandatory)
    value = BaseValue(
        make_signature(key, options + public + _digest(always)),
        public,
        hmac_key,
        tuple(make_signature(own, statement.encode()) for statement in others),
        tuple(mandatory_pointers),
    )
    return {**document, "proof": {**proof, "proofValue": value.encode()}}


def derive(document: Mapping[str, Any], selective_pointers: Sequence[str]) -> dict[str, Any]:
    """What a holder shows of a document with a base proof: its mandatory parts, and those pointed at (3.6.5).

    Raises ProofError: `malformed-proof` without a base proof, `invalid-pointer`, `nothing-selected`.
    """
    proofs = many(document.get("proof"))
    proof = proofs[0] if len(proofs) == 1 else None
    if not isinstance(proof, Mapping) or not isinstance(proof.get("proofValue"), str) or not _is_ours(proof):
        raise ProofError("malformed-proof", f"the document has no base proof of {SUITE}", "#/proof")
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    try:
        base = decode_base(proof["proofValue"])
        grouped = _group(unsecured, base.hmac_key)
        pointers = _checked([*base.mandatory_pointers, *selective_pointers])
        mandatory = set(grouped.of(base.mandatory_pointers)[0])
        chosen = set(grouped.of(selective_pointers)[0])
        combined, nquads = grouped.of(pointers)
        shown = canonical_labels(nquads)
    except MalformedDisclosure as error:
        raise ProofError("malformed-proof", str(error), "#/proof/proofValue") from None
    except InvalidPointer as error:
        raise ProofError("invalid-pointer", str(error)) from None
    except CanonicalError as error:
        raise ProofError(error.code, error.detail, error.pointer) from None
    revealed = select(unsecured, pointers)
    optional = [place for place in range(len(grouped.statements)) if place not in mandatory]
    if revealed is None or len(optional) != len(base.signatures):
        code = "nothing-selected" if revealed is None else "malformed-proof"
        raise ProofError(code, "there is nothing to show" if revealed is None else "the proof is not the document's")
    value = DerivedValue(
        base.signature,
        base.public_key,
        tuple(signature for place, signature in zip(optional, base.signatures, strict=True) if place in chosen),
        {name: grouped.labels[label] for label, name in shown.items()},
        tuple(relative for relative, place in enumerate(combined) if place in mandatory),
    )
    return {**revealed, "proof": {**proof, "proofValue": value.encode()}}


def verify_derived(unsecured: Mapping[str, Any], proof: Mapping[str, Any], key: PublicKey) -> None:
    """Check a derived proof over the document it came with, without its proof (3.6.7).

    Raises ProofError: `invalid-signature`, `malformed-proof` (a base proof too), `wrong-key-type`.
    """
    _require_p256(key)
    config = {name: value for name, value in proof.items() if name != "proofValue"}
    try:
        value = decode_derived(proof["proofValue"])
        options = hashlib.sha256(rdfc({**config, "@context": unsecured.get("@context")})).digest()
        statements = relabel(canonical_quads(safe_nquads(unsecured)).decode(), value.labels)
        own = decode_multikey("z" + encode_base58(value.public_key))
        _require_p256(own)
    except MalformedDisclosure as error:
        raise ProofError("malformed-proof", str(error), "#/proof/proofValue") from None
    except CanonicalError as error:
        raise ProofError(error.code, error.detail, error.pointer) from None
    except KeyError:
        raise ProofError("invalid-signature", "the proof has no label for a node of the document") from None
    except ValueError:
        raise ProofError("malformed-proof", "the key in the proof value is not a P-256 key") from None
    if any(place >= len(statements) for place in value.mandatory):
        raise ProofError("invalid-signature", "a statement that has to be shown is not there")
    always, others = _parted(statements, value.mandatory)
    signed = options + value.public_key + _digest(always)
    sound = len(others) == len(value.signatures) and is_signature(key, value.signature, signed)
    if not sound or not all(
        is_signature(own, signature, statement.encode())
        for signature, statement in zip(value.signatures, others, strict=True)
    ):
        raise ProofError("invalid-signature", "the signature does not fit the document")


def _group(document: Mapping[str, Any], hmac_key: bytes) -> _Grouped:
    """Name the nodes by the HMAC of their canonical labels, so that the names tell nothing of what is left out."""
    named = with_named_nodes(document)
    nquads = unnamed(safe_nquads(named))
    labels = {
        label: "u" + encode_base64url(hmac.digest(hmac_key, name.encode(), "sha256"))
        for label, name in canonical_labels(nquads).items()
    }
    return _Grouped(named, labels, relabel(nquads, labels))


def _is_ours(proof: Mapping[str, Any]) -> bool:
    return proof.get("type") == "DataIntegrityProof" and proof.get("cryptosuite") == SUITE


def _checked(pointers: Sequence[str]) -> Sequence[str]:
    if len(pointers) > MAX_POINTERS:
        raise ProofError("invalid-pointer", f"at most {MAX_POINTERS} pointers")
    return pointers


def _parted(statements: Sequence[str], mandatory: Sequence[int]) -> tuple[list[str], list[str]]:
    """The statements signed together, and the others, each in their order."""
    places = set(mandatory)
    always = [statement for place, statement in enumerate(statements) if place in places]
    return always, [statement for place, statement in enumerate(statements) if place not in places]


def _digest(statements: Sequence[str]) -> bytes:
    return hashlib.sha256("".join(statements).encode()).digest()


def _require_p256(key: PublicKey) -> None:
    if algorithm_of(key) != "P-256":
        raise ProofError("wrong-key-type", f"{SUITE} does not use {algorithm_of(key)} keys")
