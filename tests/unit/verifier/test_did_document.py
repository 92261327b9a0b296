"""The keys that a DID, or its document, stands for."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.verifier.domain.did_document import UnusableDidDocument, did_jwk, did_key, keys_of
from shared.credentials import ALGORITHMS, Algorithm, encode_base64url, encode_jwk, encode_multikey, generate

DID = "did:web:issuer.example"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
# The specification's own example.
PRINTED = (
    "did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVVM3l6OTFQSDZDZEgyVjAiLCJ5I"
    "joiX0tjeUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9"
)


def as_did(jwk: Any) -> str:
    return "did:jwk:" + encode_base64url(json.dumps(jwk).encode())


def document(**method: Any) -> dict[str, Any]:
    listed = {"id": f"{DID}#a", "type": "JsonWebKey", "controller": DID, **method}
    return {"id": DID, "verificationMethod": [listed], "assertionMethod": [f"{DID}#a"]}


def test_the_printed_did_jwk_is_a_p256_key() -> None:
    [(method, key)] = did_jwk(PRINTED).items()
    assert method == f"{PRINTED}#0"
    assert key.startswith("zDn")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_kind_of_key_is_found_however_it_is_written(algorithm: Algorithm) -> None:
    public = generate(algorithm).public_key()
    multikey, jwk = encode_multikey(public), encode_jwk(public)
    assert did_jwk(as_did(jwk)) == {f"{as_did(jwk)}#0": multikey}
    assert did_jwk(as_did({**jwk, "use": "sig", "kid": "x"})) == {
        f"{as_did({**jwk, 'use': 'sig', 'kid': 'x'})}#0": multikey
    }
    assert did_key(f"did:key:{multikey}") == {f"did:key:{multikey}#{multikey}": multikey}
    assert keys_of(document(publicKeyMultibase=multikey), DID, NOW) == {f"{DID}#a": multikey}
    assert keys_of(document(publicKeyJwk=jwk), DID, NOW) == {f"{DID}#a": multikey}


@pytest.mark.parametrize(
    "did",
    [
        "did:jwk:",
        "did:jwk:e",
        "did:jwk:" + encode_base64url(b"[" * 100_000),
        as_did([]),
        as_did("x"),
        as_did({}),
        as_did({**encode_jwk(generate("P-256").public_key()), "use": "enc"}),
        as_did({**encode_jwk(generate("P-256").public_key()), "d": "AA"}),
        PRINTED + "=",
        PRINTED + "#0",
        PRINTED.replace("did:jwk:", "did:key:"),
    ],
    ids=range(11),
)
def test_a_did_jwk_that_holds_no_signing_key_is_refused(did: str) -> None:
    with pytest.raises(UnusableDidDocument):
        did_jwk(did)


def test_a_method_with_two_keys_is_passed_over() -> None:
    one, other = (generate("P-256").public_key() for _ in range(2))
    with pytest.raises(UnusableDidDocument):
        keys_of(document(publicKeyMultibase=encode_multikey(one), publicKeyJwk=encode_jwk(other)), DID, NOW)


@pytest.mark.parametrize("name", ["expires", "revoked"])
def test_a_method_that_has_ended_verifies_nothing(name: str) -> None:
    multikey = encode_multikey(generate("Ed25519").public_key())
    for ends in ("2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z", "soon", None):
        with pytest.raises(UnusableDidDocument):
            keys_of(document(publicKeyMultibase=multikey, **{name: ends}), DID, NOW)
    assert keys_of(document(publicKeyMultibase=multikey, **{name: "2026-03-01T00:00:01Z"}), DID, NOW)
