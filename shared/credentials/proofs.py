"""Data Integrity proofs: `eddsa-rdfc-2022` and `eddsa-jcs-2022` (Data Integrity EdDSA Cryptosuites 1.0, 3.2, 3.3)."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.credentials.canonical import jcs, rdfc
from shared.credentials.json_ld import CanonicalError
from shared.credentials.multikey import decode_base58, decode_multikey, encode_base58
from shared.credentials.times import read_timestamp, timestamp

Cryptosuite = Literal["eddsa-rdfc-2022", "eddsa-jcs-2022"]
CRYPTOSUITES: tuple[Cryptosuite, ...] = ("eddsa-rdfc-2022", "eddsa-jcs-2022")
MAX_PROOFS = 8
_PURPOSE = "assertionMethod"


class ProofError(Exception):
    """A document whose proofs do not hold, or that cannot be secured; `code` is a stable word, `detail` for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """One proof that holds, and the times it gives (dateTimeStamps), for whoever has a clock to judge."""

    cryptosuite: Cryptosuite
    verification_method: str
    created: str | None
    expires: str | None


def sign(
    document: Mapping[str, Any],
    *,
    key: Ed25519PrivateKey,
    verification_method: str,
    cryptosuite: Cryptosuite,
    created: datetime,
    contexts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """`document` with a proof added (Data Integrity 1.0, 4.2). The document itself is not changed.

    Raises ProofError for a document that has a proof already, or that cannot be signed whole (an undefined term).
    """
    if "proof" in document:
        raise ProofError("already-secured", "the document has a proof already")
    proof: dict[str, Any] = {
        "type": "DataIntegrityProof",
        "cryptosuite": cryptosuite,
        "created": timestamp(created),
        "verificationMethod": verification_method,
        "proofPurpose": _PURPOSE,
    }
    if cryptosuite == "eddsa-jcs-2022" and "@context" in document:
        proof = {"@context": document["@context"], **proof}
    data = _hash_data(document, proof, cryptosuite, contexts)
    proof["proofValue"] = "z" + encode_base58(key.sign(data))
    return {**document, "proof": proof}


def verify_proof(
    document: Mapping[str, Any], keys: Mapping[str, str], contexts: Mapping[str, Any] | None = None
) -> list[VerifiedProof]:
    """Check every proof of a document (Data Integrity 1.0, 4.4). All must hold: one bad proof in a set is an error.

    `keys` are Multikeys by verification method; a proof by any other method is an error. Times (`created`, `expires`)
    are not judged here, where there is no clock. Raises ProofError.
    """
    proofs = document.get("proof")
    listed = proofs if isinstance(proofs, list) else [proofs]
    if not listed or len(listed) > MAX_PROOFS:
        raise ProofError("malformed-proof", f"a document has 1 to {MAX_PROOFS} proofs")
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    return [_verify_one(unsecured, proof, keys, contexts) for proof in listed]


def _verify_one(
    unsecured: Mapping[str, Any], proof: Any, keys: Mapping[str, str], contexts: Mapping[str, Any] | None
) -> VerifiedProof:
    suite = _check_form(proof)
    method = proof["verificationMethod"]
    signature = _signature(proof["proofValue"])
    config = {name: value for name, value in proof.items() if name != "proofValue"}
    if suite == "eddsa-jcs-2022" and "@context" in config:
        unsecured = _with_context_of(config, unsecured)
    data = _hash_data(unsecured, config, suite, contexts)
    try:
        key = decode_multikey(keys[method])
    except KeyError:
        raise ProofError("unknown-key", "the verification method is not a key of the issuer") from None
    except ValueError as error:
        raise ProofError("malformed-key", str(error)) from None
    try:
        key.verify(signature, data)
    except InvalidSignature:
        raise ProofError("invalid-signature", "the signature does not fit the document") from None
    return VerifiedProof(suite, method, proof.get("created"), proof.get("expires"))


def _check_form(proof: Any) -> Cryptosuite:
    """The rules of 2.1: type, suite, purpose, the fields that must be there."""
    if not isinstance(proof, Mapping):
        raise ProofError("malformed-proof", "a proof is an object")
    if proof.get("type") != "DataIntegrityProof":
        raise ProofError("unknown-proof-type", "only DataIntegrityProof is understood here")
    if proof.get("cryptosuite") not in CRYPTOSUITES:
        raise ProofError("unknown-cryptosuite", "the cryptosuite is not one that is understood here")
    if proof.get("proofPurpose") != _PURPOSE:
        raise ProofError("wrong-purpose", "the proof was not made to assert a claim")
    if "previousProof" in proof:
        raise ProofError("unsupported-proof-chain", "proof chains are not understood here")
    for name in ("verificationMethod", "proofValue"):
        if not isinstance(proof.get(name), str):
            raise ProofError("malformed-proof", f"a proof has a {name}")
    for name in ("created", "expires"):
        if name in proof and read_timestamp(proof[name]) is None:
            raise ProofError("malformed-proof", f"{name} is a date with a time and a time zone")
    return cast(Cryptosuite, proof["cryptosuite"])


def _signature(value: str) -> bytes:
    try:
        signature = decode_base58(value[1:]) if value.startswith("z") else b""
    except ValueError:
        signature = b""
    if len(signature) != 64:
        raise ProofError("malformed-proof", "the proofValue is not a base58-btc Ed25519 signature")
    return signature


def _with_context_of(config: Mapping[str, Any], unsecured: Mapping[str, Any]) -> dict[str, Any]:
    """3.3.2, step 4: the proof was made over the contexts it repeats; the document may only have more behind them."""
    mine, theirs = config["@context"], unsecured.get("@context")
    mine_listed = mine if isinstance(mine, list) else [mine]
    theirs_listed = theirs if isinstance(theirs, list) else [theirs]
    if theirs_listed[: len(mine_listed)] != mine_listed:
        raise ProofError("context-mismatch", "the document's contexts are not those the proof was made over")
    return {**unsecured, "@context": mine}


def _hash_data(
    unsecured: Mapping[str, Any], config: Mapping[str, Any], suite: Cryptosuite, contexts: Mapping[str, Any] | None
) -> bytes:
    """SHA-256 of the canonical proof options, then of the canonical document (3.2.4, 3.3.4)."""
    canonical: Callable[[Mapping[str, Any]], bytes]
    if suite == "eddsa-jcs-2022":
        canonical = jcs
    else:
        config = {**config, "@context": unsecured.get("@context")}
        canonical = _rdfc_with(contexts)
    try:
        options, body = canonical(config), canonical(unsecured)
    except CanonicalError as error:
        raise ProofError(error.code, error.detail) from None
    return hashlib.sha256(options).digest() + hashlib.sha256(body).digest()


def _rdfc_with(contexts: Mapping[str, Any] | None) -> Callable[[Mapping[str, Any]], bytes]:
    return lambda document: rdfc(document, contexts)
