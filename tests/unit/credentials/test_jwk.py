"""Keys as JSON Web Keys: what the RFCs print, and what is refused."""

import hashlib
import json
from typing import Any

import pytest

from shared.credentials import (
    ALGORITHMS,
    Algorithm,
    decode_base64url,
    decode_jwk,
    encode_base64url,
    encode_jwk,
    encode_multikey,
    generate,
)

# RFC 8037, A.2, and RFC 7517, A.1.
ED25519 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
P256 = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
}


@pytest.mark.parametrize("jwk", [ED25519, P256], ids=["Ed25519", "P-256"])
def test_a_printed_key_comes_back(jwk: dict[str, str]) -> None:
    assert encode_jwk(decode_jwk(jwk)) == jwk


def test_the_members_stand_as_a_thumbprint_needs_them() -> None:
    text = json.dumps(encode_jwk(decode_jwk(ED25519)), separators=(",", ":"))
    thumbprint = encode_base64url(hashlib.sha256(text.encode()).digest())
    assert thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"  # RFC 8037, A.3


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_kind_comes_back(algorithm: Algorithm) -> None:
    key = generate(algorithm).public_key()
    assert encode_multikey(decode_jwk(encode_jwk(key))) == encode_multikey(key)


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {**ED25519, "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"},
        {**ED25519, "crv": "Ed448"},
        {**ED25519, "kty": "EC"},
        {**ED25519, "x": ED25519["x"][:-1]},
        {**ED25519, "x": ED25519["x"] + "="},
        {**ED25519, "x": ED25519["x"][:-1] + "p"},  # bits to spare
        {**ED25519, "x": "A" * 100_000},
        {**ED25519, "x": 7},
        {**P256, "crv": "P-384"},
        {**P256, "crv": "secp256k1"},
        {**P256, "crv": ["P-256"]},
        {**P256, "y": P256["x"]},  # no point of the curve
        {"kty": "EC", "crv": "P-256", "x": P256["x"]},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
    ],
)
def test_what_is_no_public_key_of_ours_is_refused(jwk: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_jwk(jwk)


@pytest.mark.parametrize("text", ["A", "AB=", "A+", "A/", "A ", "AB", "Zg\n", "é"])
def test_base64url_has_one_form(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        decode_base64url(text)


@pytest.mark.parametrize("data", [b"", b"f", b"fo", b"foo", bytes(range(256))])
def test_base64url_comes_back(data: bytes) -> None:
    assert decode_base64url(encode_base64url(data)) == data
