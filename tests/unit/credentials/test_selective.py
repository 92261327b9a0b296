"""Selective disclosure: the specification's printed example, and what a holder can and cannot do."""

import copy
import random
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from shared.credentials import ProofError, derive, encode_base64url, encode_multikey, generate, sign_base, verify_proof
from shared.credentials.disclosure import MalformedDisclosure, decode_base, decode_derived
from shared.credentials.multikey import decode_base58
from shared.credentials.selection import InvalidPointer, select
from tests.unit.credentials.badges import CREATED, badge
from tests.unit.credentials.sd_vector import (
    BASE_PROOF_VALUE,
    BASE_SIGNATURE,
    DERIVED_SIGNATURES,
    DOCUMENT,
    HMAC_KEY,
    LABELS,
    MANDATORY,
    METHOD,
    PROOF_KEY,
    SECRET,
)

Document = dict[str, Any]
SELECTIVE = ["/validFrom", "/validUntil", "/credentialSubject/birthCountry"]
METHOD_OF_OURS = "did:example:issuer#key-1"
KEY = generate("P-256")
assert isinstance(KEY, ec.EllipticCurvePrivateKey)
KEYS = {METHOD_OF_OURS: encode_multikey(KEY.public_key())}


def secret(multibase: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(decode_base58(multibase[1:])[2:]), ec.SECP256R1())


def printed_base() -> Document:
    return sign_base(
        DOCUMENT,
        key=secret(SECRET),
        verification_method=METHOD,
        created=datetime(2023, 8, 15, 23, 36, 38, tzinfo=UTC),
        mandatory_pointers=["/issuer"],
        hmac_key=bytes.fromhex(HMAC_KEY),
        proof_key=secret(PROOF_KEY),
    )


def two_lists() -> Document:
    """A badge in two status lists."""
    made = badge()
    entries = made["credentialStatus"]
    (entry,) = entries if isinstance(entries, list) else [entries]
    return {**made, "credentialStatus": [entry, {**entry, "id": "urn:x:2", "statusPurpose": "suspension"}]}


def base(document: Document | None = None, mandatory: list[str] | None = None) -> Document:
    return sign_base(
        document or two_lists(),
        key=KEY,  # type: ignore[arg-type]
        verification_method=METHOD_OF_OURS,
        created=CREATED,
        mandatory_pointers=["/issuer"] if mandatory is None else mandatory,
    )


def test_the_base_proof_is_the_printed_one_byte_for_byte() -> None:
    assert printed_base()["proof"]["proofValue"] == BASE_PROOF_VALUE
    assert decode_base(BASE_PROOF_VALUE).encode() == BASE_PROOF_VALUE
    assert decode_base(BASE_PROOF_VALUE).signature.hex() == BASE_SIGNATURE


def test_what_is_derived_from_the_printed_base_is_what_is_printed() -> None:
    shown = derive(printed_base(), SELECTIVE)
    value = decode_derived(shown["proof"]["proofValue"])
    assert value.signature.hex() == BASE_SIGNATURE
    assert [signature.hex() for signature in value.signatures] == DERIVED_SIGNATURES
    assert value.labels == LABELS
    assert list(value.mandatory) == MANDATORY
    assert value.encode() == shown["proof"]["proofValue"]
    (verified,) = verify_proof(shown, {METHOD: METHOD.partition("#")[2]})
    assert verified.cryptosuite == "ecdsa-sd-2023"
    assert set(shown["credentialSubject"]) == {"type", "birthCountry"}


POINTERS = [
    [],
    ["/credentialSubject/achievement/name"],
    ["/credentialSubject/achievement", "/validFrom"],
    ["/credentialStatus/1"],
    ["/credentialStatus/1/statusPurpose", "/credentialStatus/0"],
    ["/type/1", "/name"],
    [""],
]


@pytest.mark.parametrize("mandatory", [["/issuer"], [], ["/issuer", "/credentialStatus", "/validFrom"]])
@pytest.mark.parametrize("pointers", POINTERS)
def test_a_badge_is_shown_in_part(mandatory: list[str], pointers: list[str]) -> None:
    if not mandatory and not pointers:
        with pytest.raises(ProofError, match="nothing-selected"):
            derive(base(mandatory=mandatory), pointers)
        return
    shown = derive(base(mandatory=mandatory), pointers)
    assert [proof.cryptosuite for proof in verify_proof(shown, KEYS)] == ["ecdsa-sd-2023"]
    if pointers == [""]:
        assert {**shown, "proof": None} == {**two_lists(), "proof": None}
    elif pointers == POINTERS[1]:
        assert set(shown["credentialSubject"]["achievement"]) == {"id", "type", "name"}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where each text of a document stands."""
    if isinstance(value, dict):
        return [place for name, item in value.items() for place in leaves(item, (*path, name))]
    if isinstance(value, list):
        return [place for number, item in enumerate(value) for place in leaves(item, (*path, number))]
    return [path] if isinstance(value, str) else []


def refused(document: Document, keys: dict[str, str] | None = None) -> bool:
    try:
        verify_proof(document, keys or KEYS)
    except ProofError:
        return True
    return False


def test_no_text_that_is_shown_can_be_changed() -> None:
    shown = derive(base(), ["/credentialSubject", "/validFrom", "/name"])
    verify_proof(shown, KEYS)
    places = [place for place in leaves(shown) if place[0] != "@context"]
    assert len(places) > 20
    for *path, last in places:
        changed = copy.deepcopy(shown)
        target = changed
        for step in path:
            target = target[step]
        target[last] = target[last][:-1] + ("B" if target[last][-1] == "A" else "A")
        assert refused(changed), (path, last)


def test_nothing_can_be_taken_out_put_in_or_moved() -> None:
    shown = derive(base(mandatory=["/issuer", "/credentialStatus"]), ["/credentialSubject", "/validFrom"])
    verify_proof(shown, KEYS)
    for name in ("issuer", "credentialStatus", "validFrom", "credentialSubject", "id", "type"):
        assert refused({key: value for key, value in shown.items() if key != name}), name
    assert refused({**shown, "validUntil": "2030-01-01T00:00:00Z"})
    assert refused({**shown, "credentialStatus": shown["credentialStatus"][:1]})
    other = derive(base({**two_lists(), "name": "Other"}), ["/credentialSubject", "/validFrom"])
    assert refused({**shown, "proof": other["proof"]})


def test_random_changes_of_the_proof_value_are_refused() -> None:
    shown, source = derive(base(), ["/credentialSubject"]), random.Random(5)
    value = shown["proof"]["proofValue"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for _ in range(60):
        place = source.randrange(1, len(value))
        letter = source.choice(alphabet.replace(value[place], ""))
        changed = value[:place] + letter + value[place + 1 :]
        assert refused({**shown, "proof": {**shown["proof"], "proofValue": changed}})


def test_a_base_proof_is_for_the_holder_alone() -> None:
    with pytest.raises(ProofError, match="derive") as caught:
        verify_proof(base(), KEYS)
    assert caught.value.code == "malformed-proof"
    with pytest.raises(ProofError, match="malformed-proof"):
        derive(derive(base(), ["/name"]), ["/name"])


@pytest.mark.parametrize("algorithm", ["Ed25519", "P-384"])
def test_a_key_of_another_kind_is_refused(algorithm: Any) -> None:
    shown = derive(base(), ["/name"])
    with pytest.raises(ProofError, match="wrong-key-type"):
        verify_proof(shown, {METHOD_OF_OURS: encode_multikey(generate(algorithm).public_key())})
    assert refused(shown, {METHOD_OF_OURS: encode_multikey(generate("P-256").public_key())})


@pytest.mark.parametrize("pointer", ["/nothing", "/issuer/nothing", "/credentialStatus/9", "/credentialStatus/01", "x"])
def test_a_pointer_that_leads_nowhere_is_refused(pointer: str) -> None:
    with pytest.raises(ProofError, match="invalid-pointer"):
        base(mandatory=[pointer])
    with pytest.raises(ProofError, match="invalid-pointer"):
        derive(base(), [pointer])


def test_the_labels_tell_nothing_of_what_is_left_out() -> None:
    """Two badges that differ in a hidden part alone show the same labels under one HMAC key only if it is one key."""
    shown = [decode_derived(derive(base(), ["/credentialSubject"])["proof"]["proofValue"]) for _ in range(2)]
    assert set(shown[0].labels.values()).isdisjoint(shown[1].labels.values())


def test_what_cannot_be_signed_whole_is_not_signed() -> None:
    for change, code in (({"nothing": 1}, "undefined-term"), ({"proof": {}}, "already-secured")):
        with pytest.raises(ProofError, match=code):
            base({**badge(), **change})


def test_a_part_keeps_ids_and_types_on_the_way_and_the_order_of_what_is_chosen() -> None:
    document = {
        "@context": ["c"],
        "id": "urn:x:1",
        "type": "T",
        "a": [{"type": "A", "b": [10, 20, 30], "c": 1}, {"d": 2}],
    }
    assert select(document, ["/a/0/b/2", "/a/0/b/0"]) == {
        "@context": ["c"],
        "id": "urn:x:1",
        "type": "T",
        "a": [{"type": "A", "b": [10, 30]}],
    }
    assert select(document, ["/a/1/d", "/a"]) == document
    assert select(document, []) is None
    with pytest.raises(InvalidPointer):
        select(document, ["/a/-1"])


@pytest.mark.parametrize(
    "text", ["a\u2028b", "a\u2029b", "a\x85b", "a\x0cb", 'a" _:c14n0 b', "\\u0041\n\t", "_:b0", "\x01", "\x7f\b"]
)
def test_a_text_that_looks_like_something_else_is_signed(text: str) -> None:
    document = {**two_lists(), "name": text}
    shown = derive(base(document), ["/name", "/credentialSubject"])
    verify_proof(shown, KEYS)
    assert refused({**shown, "name": text + "x"})


@pytest.mark.parametrize(
    "encoded",
    [
        b"\x9f\xff",
        cbor2.dumps([1, 2, 3, 4, 5]) + b"\x00",
        cbor2.dumps(cbor2.CBORTag(35, "(a+)+$")),
        cbor2.dumps(cbor2.CBORTag(30, [1, 0])),
        b"\x85" * 200,
        b"\xa2\x00\x40\x00\x40",
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"",
    ],
)
def test_cbor_that_is_not_plain_is_refused(encoded: bytes) -> None:
    for header in (b"\xd9\x5d\x00", b"\xd9\x5d\x01"):
        for read in (decode_base, decode_derived):
            with pytest.raises(MalformedDisclosure):
                read("u" + encode_base64url(header + encoded))
