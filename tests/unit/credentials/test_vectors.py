"""The vectors that the specifications print, both ways."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.credentials import Cryptosuite, encode_multikey, rdfc, sign, verify_proof
from shared.credentials.multikey import decode_base58, decode_multikey, encode_base58

# Data Integrity EdDSA Cryptosuites 1.0, appendix B: the key, the document, and each suite's proofValue.
SECRET = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
PUBLIC = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
METHOD = f"did:key:{PUBLIC}#{PUBLIC}"
DOCUMENT = {
    "@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"],
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
}
PROOF_VALUES: dict[Cryptosuite, str] = {
    "eddsa-rdfc-2022": "z2YwC8z3ap7yx1nZYCg4L3j3ApHsF8kgPdSb5xoS1VR7vPG3F561B52hYnQF9iseabecm3ijx4K1FBTQsCZahKZme",
    "eddsa-jcs-2022": "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX",
}


def key() -> Ed25519PrivateKey:
    raw = decode_base58(SECRET[1:])
    assert raw[:2] == b"\x80\x26"  # multicodec ed25519-priv
    return Ed25519PrivateKey.from_private_bytes(raw[2:])


def test_the_key_pair_belongs_together() -> None:
    assert encode_multikey(key().public_key()) == PUBLIC
    assert decode_multikey(PUBLIC).public_bytes_raw() == key().public_key().public_bytes_raw()


@pytest.mark.parametrize("suite", PROOF_VALUES)
def test_signing_gives_the_printed_proof_value(suite: Cryptosuite) -> None:
    created = datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC)
    signed = sign(DOCUMENT, key=key(), verification_method=METHOD, cryptosuite=suite, created=created)
    assert signed["proof"]["proofValue"] == PROOF_VALUES[suite]


@pytest.mark.parametrize("suite", PROOF_VALUES)
def test_the_printed_proof_verifies(suite: Cryptosuite) -> None:
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": suite,
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": METHOD,
        "proofPurpose": "assertionMethod",
        "proofValue": PROOF_VALUES[suite],
    }
    if suite == "eddsa-jcs-2022":
        proof["@context"] = DOCUMENT["@context"]  # type: ignore[assignment]
    (verified,) = verify_proof({**DOCUMENT, "proof": proof}, {METHOD: PUBLIC})
    assert (verified.cryptosuite, verified.verification_method) == (suite, METHOD)


def test_the_canonical_document_is_the_printed_one() -> None:
    lines = rdfc(DOCUMENT).decode().splitlines()
    assert lines[0] == (
        '<did:example:abcdefgh> <https://www.w3.org/ns/credentials/examples#alumniOf> "The School of Examples" .'
    )
    assert len(lines) == 8


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\x01", b"\xff" * 64, bytes(range(64))])
def test_base58_comes_back(data: bytes) -> None:
    assert decode_base58(encode_base58(data)) == data


def test_base58_is_the_known_one() -> None:
    assert encode_base58(b"Hello World!") == "2NEpo7TZRRrLZSi2U"
