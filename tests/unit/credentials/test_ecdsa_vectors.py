"""The vectors that Data Integrity ECDSA Cryptosuites 1.0 prints in appendix A, both ways, and what must not pass."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from shared.credentials import Cryptosuite, ProofError, decode_multikey, encode_multikey, generate, sign, verify_proof
from shared.credentials.keys import is_signature, make_signature
from shared.credentials.multikey import decode_base58, encode_base58
from tests.unit.credentials.test_vectors import DOCUMENT

P256 = "zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP"
P384 = "z82LkuBieyGShVBhvtE2zoiD6Kma4tJGFtkAhxR5pfkp5QPw4LutoYWhvQCnGjdVn14kujQ"
SECRETS = {
    P256: "z42twTcNeSYcnqg1FLuSFs2bsGH3ZqbRHFmvS9XMsYhjxvHN",
    P384: "z2fanyY7zgwNpZGxX5fXXibvScNaUWNprHU9dKx7qpVj7mws9J8LLt4mDB5TyH2GLHWkUc",
}


class Vector(NamedTuple):
    suite: Cryptosuite
    public: str
    hash_data: str
    value: str

    @property
    def method(self) -> str:
        return f"did:key:{self.public}#{self.public}"


VECTORS = [
    Vector(
        "ecdsa-rdfc-2019",
        P256,
        "3a8a522f689025727fb9d1f0fa99a618da023e8494ac74f51015d009d35abc2e"
        "517744132ae165a5349155bef0bb0cf2258fff99dfe1dbd914b938d775a36017",
        "zaHXrr7AQdydBk3ahpCDpWbxfLokDqmCToYm2dyWvpcFVyWooC2he63w1f7UNQoAMKdhaRtcnaE2KTo5o5vTCcfw",
    ),
    Vector(
        "ecdsa-rdfc-2019",
        P384,
        "",
        "z967Mvv5bxtmLNqTzPZ8KmJjFmFXaAKeQNzq7GWnQkMcLtaGSSmuozE5WtJ8PipMe178B1tE28K1vsJur9bGVJhz6jgSJsRHFSQeqgH8hhjcg8gZD"
        "FJC1b9FsR5ggNmDBqHv",
    ),
    Vector(
        "ecdsa-jcs-2019",
        P256,
        "9c4b552d65fcb106b6b27ec2436d8ae81b319afc7aeaab7964b2938cd120cec3"
        "59b7cb6251b8991add1ce0bc83107e3db9dbbab5bd2c28f687db1a03abc92f19",
        "zq6PrUMCtqY5obCSsrQxuFJdGffCDxvFuopdZiBPUBRTFEs1VVsBZi8YiEwVWgHYrXxoV93gBHqGDBtQLPFxpZxz",
    ),
    Vector(
        "ecdsa-jcs-2019",
        P384,
        "bb8fd231f3f5441c089210bb991ca21910ecb2c62e82111f9d4de1ac0db3e6f2fc5dbe33cffc3a08ec1165b7b3a8bedd"
        "3e0be671cc1881035d463158c80921973dab3534d4f8dfacf4ff2725a4115eb718e49d66de0e90e7365cd6062abf2259",
        "zR3krc7pt9Dpn1PY2u8HWPePggtzAG2SuH2ZGNrzw8Ku3QrFLWgDTjS5mCWy65ShixJEtpMwfviAFfh5xTgd5FGN1sSbpPJ5djqSZQLqQkY8KLBPN"
        "swuqKtq3bS8f9vEHm8w",
    ),
]
NAMES = [f"{vector.suite} {'P-256' if vector.public == P256 else 'P-384'}" for vector in VECTORS]


def secret(public: str) -> ec.EllipticCurvePrivateKey:
    raw = decode_base58(SECRETS[public][1:])
    assert raw[:2] == (b"\x86\x26" if public == P256 else b"\x87\x26")  # multicodec p256-priv, p384-priv
    return ec.derive_private_key(int.from_bytes(raw[2:]), ec.SECP256R1() if public == P256 else ec.SECP384R1())


def signed(vector: Vector) -> dict[str, Any]:
    """The printed document. Its proof repeats no contexts, though 3.3.1 says that a `jcs` proof does."""
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": vector.suite,
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": vector.method,
        "proofPurpose": "assertionMethod",
        "proofValue": vector.value,
    }
    return {**DOCUMENT, "proof": proof}


@pytest.mark.parametrize("public", SECRETS)
def test_the_printed_key_pairs_belong_together(public: str) -> None:
    assert encode_multikey(secret(public).public_key()) == public
    assert encode_multikey(decode_multikey(public)) == public


@pytest.mark.parametrize("vector", VECTORS, ids=NAMES)
def test_the_printed_proof_verifies(vector: Vector) -> None:
    (verified,) = verify_proof(signed(vector), {vector.method: vector.public})
    assert (verified.cryptosuite, verified.verification_method) == (vector.suite, vector.method)


@pytest.mark.parametrize("vector", [each for each in VECTORS if each.hash_data], ids=lambda each: each.suite)
def test_signing_the_printed_hash_data_gives_the_printed_value(vector: Vector) -> None:
    signature = make_signature(secret(vector.public), bytes.fromhex(vector.hash_data))
    assert "z" + encode_base58(signature) == vector.value


@pytest.mark.parametrize("vector", VECTORS[:2], ids=NAMES[:2])
def test_signing_gives_the_printed_document(vector: Vector) -> None:
    assert made_by_us(vector) == signed(vector)


@pytest.mark.parametrize("vector", VECTORS[2:], ids=NAMES[2:])
def test_signing_repeats_the_contexts_in_a_jcs_proof(vector: Vector) -> None:
    made = made_by_us(vector)
    assert made["proof"]["@context"] == DOCUMENT["@context"]
    assert verify_proof(made, {vector.method: vector.public})


def made_by_us(vector: Vector) -> dict[str, Any]:
    return sign(
        DOCUMENT,
        key=secret(vector.public),
        verification_method=vector.method,
        cryptosuite=vector.suite,
        created=datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC),
    )


@pytest.mark.parametrize("vector", VECTORS, ids=NAMES)
@pytest.mark.parametrize("algorithm", ["Ed25519", "P-256", "P-384"])
def test_a_key_of_another_kind_is_refused(vector: Vector, algorithm: Any) -> None:
    other = encode_multikey(generate(algorithm).public_key())
    with pytest.raises(ProofError) as refused:
        verify_proof(signed(vector), {vector.method: other})
    same_kind = algorithm == ("P-256" if vector.public == P256 else "P-384")
    same_family = algorithm != "Ed25519"
    expected = "invalid-signature" if same_kind else "malformed-proof" if same_family else "wrong-key-type"
    assert refused.value.code == expected


def test_a_suite_signs_with_its_own_kinds_of_keys_alone() -> None:
    for algorithm, suite in (("Ed25519", "ecdsa-jcs-2019"), ("P-256", "eddsa-jcs-2022"), ("P-384", "eddsa-rdfc-2022")):
        with pytest.raises(ProofError, match="wrong-key-type"):
            sign(
                DOCUMENT,
                key=generate(algorithm),  # type: ignore[arg-type]
                verification_method="did:example:a#b",
                cryptosuite=suite,  # type: ignore[arg-type]
                created=datetime(2026, 1, 1, tzinfo=UTC),
            )


@pytest.mark.parametrize("algorithm", ["Ed25519", "P-256", "P-384"])
def test_any_bit_of_data_or_signature_counts(algorithm: Any) -> None:
    key = generate(algorithm)
    data = b"what was signed"
    signature = make_signature(key, data)
    assert is_signature(key.public_key(), signature, data)
    assert not is_signature(key.public_key(), signature, data + b".")
    for place in range(len(signature)):
        broken = bytes([*signature[:place], signature[place] ^ 1, *signature[place + 1 :]])
        assert not is_signature(key.public_key(), broken, data)
    for wrong in (b"", signature[:-1], signature + b"\0", bytes(len(signature)), b"\xff" * len(signature)):
        assert not is_signature(key.public_key(), wrong, data)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x80\x24",
        b"\x80\x24" + b"\x02" + b"\xff" * 32,  # no point of the curve
        b"\x80\x24" + b"\x04" + b"\x11" * 64,  # not compressed
        b"\x80\x24" + b"\0" * 33,
        b"\x81\x24" + b"\x02" + b"\x11" * 32,  # P-256's length
        b"\xe7\x01" + b"\x02" + b"\x11" * 32,  # secp256k1
    ],
)
def test_what_is_no_key_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_multikey("z" + encode_base58(raw))
