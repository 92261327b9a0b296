"""Data Integrity proofs: EdDSA Cryptosuites 1.0 (3.2, 3.3) and ECDSA Cryptosuites 1.0 (3.2, 3.3)."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal, cast

from shared.credentials.canonical import jcs, rdfc
from shared.credentials.finding import is_url, many
from shared.credentials.json_ld import CanonicalError
from shared.credentials.keys import (
    HASHES,
    SIGNATURE_BYTES,
    Algorithm,
    PrivateKey,
    PublicKey,
    algorithm_of,
    is_signature,
    make_signature,
)
from shared.credentials.multikey import decode_base58, decode_multikey, encode_base58
from shared.credentials.proof_error import ProofError
from shared.credentials.selective import SUITE, verify_derived
from shared.credentials.times import read_timestamp, timestamp

Cryptosuite = Literal["eddsa-rdfc-2022", "eddsa-jcs-2022", "ecdsa-rdfc-2019", "ecdsa-jcs-2019"]
CRYPTOSUITES: tuple[Cryptosuite, ...] = ("eddsa-rdfc-2022", "eddsa-jcs-2022", "ecdsa-rdfc-2019", "ecdsa-jcs-2019")
AnyCryptosuite = Cryptosuite | Literal["ecdsa-sd-2023"]
"""Those that sign a document whole, and the one whose proofs holders derive from an issuer's (`selective`)."""
JCS_SUITES = ("eddsa-jcs-2022", "ecdsa-jcs-2019")  # tuples, so that any JSON value may be looked for in them
"""Those that canonicalise the JSON itself and so cost next to nothing; the others canonicalise RDF."""
_EDDSA = ("eddsa-rdfc-2022", "eddsa-jcs-2022")
_LEGACY_TYPE = "Ed25519Signature2020"  # verified, never made: eddsa-rdfc-2022 under another name
_DIGESTS = {"sha256": hashlib.sha256, "sha384": hashlib.sha384}
_ALGORITHMS: dict[bool, tuple[Algorithm, ...]] = {True: ("Ed25519",), False: ("P-256", "P-384")}
MAX_PROOFS = 8
Purpose = Literal["assertionMethod", "authentication"]


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """One proof that holds, and what it says of itself, for whoever has a clock and asked the question to judge.

    `created` and `expires` are dateTimeStamps. `domains` are those that the proof was made for.
    """

    cryptosuite: AnyCryptosuite
    verification_method: str
    created: str | None
    expires: str | None
    challenge: str | None = None
    domains: tuple[str, ...] = ()


def algorithms_of(cryptosuite: AnyCryptosuite) -> tuple[Algorithm, ...]:
    """The kinds of keys that a cryptosuite signs with."""
    if cryptosuite == SUITE:
        return ("P-256",)
    return _ALGORITHMS[cryptosuite in _EDDSA]


def sign(
    document: Mapping[str, Any],
    *,
    key: PrivateKey,
    verification_method: str,
    cryptosuite: Cryptosuite,
    created: datetime,
    expires: datetime | None = None,
    purpose: Purpose = "assertionMethod",
    challenge: str | None = None,
    domain: str | None = None,
) -> dict[str, Any]:
    """`document` with a proof added (Data Integrity 1.0, 4.2). The document itself is not changed.

    `challenge` and `domain` answer a verifier's question, in a presentation's proof. Raises ProofError for a document
    that has a proof already, or that cannot be signed whole (an undefined term), and for a key that is not of the
    suite's algorithms.
    """
    if "proof" in document:
        raise ProofError("already-secured", "the document has a proof already")
    algorithm = _algorithm_for(cryptosuite, key)
    proof: dict[str, Any] = {
        "type": "DataIntegrityProof",
        "cryptosuite": cryptosuite,
        "created": timestamp(created),
        "verificationMethod": verification_method,
        "proofPurpose": purpose,
    }
    asked = {"expires": expires and timestamp(expires), "challenge": challenge, "domain": domain}
    proof.update({name: value for name, value in asked.items() if value is not None})
    if cryptosuite in JCS_SUITES and "@context" in document:
        proof = {"@context": document["@context"], **proof}
    data = _hash_data(document, proof, cryptosuite, algorithm)
    proof["proofValue"] = "z" + encode_base58(make_signature(key, data))
    return {**document, "proof": proof}


def verify_proof(
    document: Mapping[str, Any], keys: Mapping[str, str], *, purpose: Purpose = "assertionMethod"
) -> list[VerifiedProof]:
    """Check every proof of a document (Data Integrity 1.0, 4.5). All must hold: one bad proof in a set is an error.

    A proof that names previous ones was made over the document with those in it, so each of them has to be there.
    `keys` are Multikeys by verification method; a proof by any other method is an error. Times (`created`, `expires`)
    are not judged here, where there is no clock. Raises ProofError.
    """
    proofs = document.get("proof")
    listed = proofs if isinstance(proofs, list) else [proofs]
    if not listed or len(listed) > MAX_PROOFS:
        raise ProofError("malformed-proof", f"a document has 1 to {MAX_PROOFS} proofs")
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    inputs = [{**unsecured, **_previous(proof, listed)} for proof in listed]
    return [_verify_one(input_, proof, keys, purpose) for input_, proof in zip(inputs, listed, strict=True)]


def _previous(proof: Any, among: list[Any]) -> dict[str, list[Any]]:
    """The `proof` property of what a proof was made over (4.5, steps 3.1 to 3.3): the previous ones, in their order."""
    named = proof.get("previousProof") if isinstance(proof, Mapping) else None
    if named is None:
        return {}
    names = named if isinstance(named, list) else [named]
    others = [each for each in among if isinstance(each, Mapping) and each is not proof]
    there = [each.get("id") for each in others]
    if not all(isinstance(name, str) and there.count(name) == 1 for name in names):
        raise ProofError("missing-previous-proof", "a proof names a previous one that is not there, or there twice")
    return {"proof": [each for each in others if each.get("id") in names]}


def _verify_one(unsecured: Mapping[str, Any], proof: Any, keys: Mapping[str, str], purpose: Purpose) -> VerifiedProof:
    suite = _check_form(proof, purpose)
    method = proof["verificationMethod"]
    key = _key(keys, method)
    signed = _with_context_of(proof, unsecured) if "@context" in proof else unsecured
    if suite == "ecdsa-sd-2023":
        verify_derived(unsecured, proof, key)
        return _verified(suite, proof)
    algorithm = _algorithm_for(suite, key)
    signature = _signature(proof["proofValue"], algorithm)
    config = {name: value for name, value in proof.items() if name != "proofValue"}
    data = _hash_data(signed if suite in JCS_SUITES else unsecured, config, suite, algorithm)
    if not is_signature(key, signature, data):
        raise ProofError("invalid-signature", "the signature does not fit the document")
    return _verified(suite, proof)


def _verified(suite: AnyCryptosuite, proof: Mapping[str, Any]) -> VerifiedProof:
    domains = tuple(many(proof.get("domain")))
    created, expires, challenge = (proof.get(name) for name in ("created", "expires", "challenge"))
    return VerifiedProof(suite, proof["verificationMethod"], created, expires, challenge, domains)


def _key(keys: Mapping[str, str], method: str) -> PublicKey:
    try:
        return decode_multikey(keys[method])
    except KeyError:
        raise ProofError("unknown-key", "the verification method is not a key of the issuer") from None
    except ValueError as error:
        raise ProofError("malformed-key", str(error)) from None


def _algorithm_for(suite: Cryptosuite, key: PublicKey | PrivateKey) -> Algorithm:
    """The key's algorithm, where the suite uses it: whoever names the suite must not choose how a key is read."""
    algorithm = algorithm_of(key)
    if algorithm not in algorithms_of(suite):
        raise ProofError("wrong-key-type", f"{suite} does not use {algorithm} keys")
    return algorithm


def _check_form(proof: Any, purpose: Purpose) -> AnyCryptosuite:
    """The rules of 2.1: type, suite, purpose, the fields that must be there and of which kind each is."""
    if not isinstance(proof, Mapping):
        raise ProofError("malformed-proof", "a proof is an object")
    suite = "eddsa-rdfc-2022" if proof.get("type") == _LEGACY_TYPE else proof.get("cryptosuite")
    if proof.get("type") not in ("DataIntegrityProof", _LEGACY_TYPE):
        raise ProofError("unknown-proof-type", "only DataIntegrityProof and Ed25519Signature2020 are understood here")
    if suite not in (*CRYPTOSUITES, SUITE):
        raise ProofError("unknown-cryptosuite", "the cryptosuite is not one that is understood here")
    if proof.get("proofPurpose") != purpose:
        raise ProofError("wrong-purpose", f"the proof was not made for {purpose}")
    for name in ("verificationMethod", "proofValue"):
        if not isinstance(proof.get(name), str):
            raise ProofError("malformed-proof", f"a proof has a {name}")
    _check_values(proof)
    return cast(AnyCryptosuite, suite)


def _check_values(proof: Mapping[str, Any]) -> None:
    for name in ("created", "expires"):
        if name in proof and read_timestamp(proof[name]) is None:
            raise ProofError("malformed-proof", f"{name} is a date with a time and a time zone")
    texts = [proof.get("challenge", ""), proof.get("nonce", ""), *many(proof.get("domain"))]
    if not all(isinstance(text, str) for text in texts):
        raise ProofError("malformed-proof", "challenge, domain and nonce are texts")
    if "id" in proof and not is_url(proof["id"]):
        raise ProofError("malformed-proof", "the id of a proof is a URL")


def _signature(value: str, algorithm: Algorithm) -> bytes:
    try:
        signature = decode_base58(value[1:]) if value.startswith("z") else b""
    except ValueError:
        signature = b""
    if len(signature) != SIGNATURE_BYTES[algorithm]:
        raise ProofError("malformed-proof", f"the proofValue is not a base58-btc signature by a {algorithm} key")
    return signature


def _with_context_of(config: Mapping[str, Any], unsecured: Mapping[str, Any]) -> dict[str, Any]:
    """3.3.2, step 4: the proof was made over the contexts it repeats; the document may only have more behind them.

    The suites that sign RDF read the proof by the document's contexts: what it repeats must be no others either.
    """
    mine, theirs = config["@context"], unsecured.get("@context")
    mine_listed = mine if isinstance(mine, list) else [mine]
    theirs_listed = theirs if isinstance(theirs, list) else [theirs]
    if theirs_listed[: len(mine_listed)] != mine_listed:
        raise ProofError("context-mismatch", "the document's contexts are not those the proof was made over")
    return {**unsecured, "@context": mine}


def _hash_data(
    unsecured: Mapping[str, Any],
    config: Mapping[str, Any],
    suite: Cryptosuite,
    algorithm: Algorithm,
) -> bytes:
    """The hash of the canonical proof options, then that of the canonical document (3.2.4, 3.3.4 of both)."""
    hashed = HASHES[algorithm]
    canonical: Callable[[Mapping[str, Any]], bytes] = jcs
    if suite not in JCS_SUITES:
        config = {**config, "@context": unsecured.get("@context")}
        canonical = partial(rdfc, hashed=hashed)  # the key decides how blank nodes are numbered too (ECDSA, 3)
    try:
        options, body = canonical(config), canonical(unsecured)
    except CanonicalError as error:
        raise ProofError(error.code, error.detail, error.pointer) from None
    digest = _DIGESTS[hashed]
    return digest(options).digest() + digest(body).digest()
