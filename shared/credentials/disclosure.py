"""The proof values of `ecdsa-sd-2023`: Data Integrity ECDSA Cryptosuites 1.0 (3.5.2 to 3.5.8), read strictly."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cbor2

from shared.credentials.jwk import decode_base64url, encode_base64url

BASE, DERIVED = b"\xd9\x5d\x00", b"\xd9\x5d\x01"
SIGNATURE_BYTES, PUBLIC_KEY_BYTES, LABEL_BYTES = 64, 35, 32
MAX_SIGNATURES = 1000
MAX_POINTERS = 100


class MalformedDisclosure(ValueError):
    """The proof value is not what its header says; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class BaseValue:
    """What an issuer gives a holder: a signature for each statement that may be left out, and the HMAC key."""

    signature: bytes
    public_key: bytes
    hmac_key: bytes
    signatures: tuple[bytes, ...]
    mandatory_pointers: tuple[str, ...]

    def encode(self) -> str:
        """As multibase text (3.5.2)."""
        parts = [self.signature, self.public_key, self.hmac_key, list(self.signatures), list(self.mandatory_pointers)]
        return "u" + encode_base64url(BASE + cbor2.dumps(parts))


@dataclass(frozen=True, slots=True)
class DerivedValue:
    """What a holder shows: the signatures of the statements that are shown, and the labels of their blank nodes."""

    signature: bytes
    public_key: bytes
    signatures: tuple[bytes, ...]
    labels: Mapping[str, str]
    mandatory: tuple[int, ...]

    def encode(self) -> str:
        """As multibase text (3.5.7); labels are kept as the bytes they stand for (3.5.5)."""
        labels = {int(name.removeprefix("c14n")): decode_base64url(label[1:]) for name, label in self.labels.items()}
        parts = [self.signature, self.public_key, list(self.signatures), labels, list(self.mandatory)]
        return "u" + encode_base64url(DERIVED + cbor2.dumps(parts))


def decode_base(text: str) -> BaseValue:
    """Read a base proof's value (3.5.3). Raises MalformedDisclosure."""
    parts = _parts(text, BASE, "no base proof of ecdsa-sd-2023")
    signature, public_key, hmac_key, signatures, pointers = parts
    if not _is_list(pointers, MAX_POINTERS) or not all(isinstance(one, str) for one in pointers):
        raise MalformedDisclosure("the mandatory pointers are texts")
    return BaseValue(
        _bytes(signature, SIGNATURE_BYTES),
        _bytes(public_key, PUBLIC_KEY_BYTES),
        _bytes(hmac_key, LABEL_BYTES),
        _signatures(signatures),
        tuple(pointers),
    )


def decode_derived(text: str) -> DerivedValue:
    """Read a derived proof's value (3.5.8). Raises MalformedDisclosure."""
    parts = _parts(text, DERIVED, "no derived proof of ecdsa-sd-2023: a holder derives one from the issuer's first")
    signature, public_key, signatures, labels, mandatory = parts
    if not isinstance(labels, dict) or len(labels) > MAX_SIGNATURES or not all(_is_index(name) for name in labels):
        raise MalformedDisclosure("the labels are a map by number")
    if not _is_list(mandatory, MAX_SIGNATURES) or not all(_is_index(one) for one in mandatory):
        raise MalformedDisclosure("the mandatory statements are given by number")
    if len(set(mandatory)) != len(mandatory):
        raise MalformedDisclosure("a mandatory statement is given twice")
    named = {f"c14n{name}": "u" + encode_base64url(_bytes(label, LABEL_BYTES)) for name, label in labels.items()}
    if len(set(named.values())) != len(named):
        raise MalformedDisclosure("two blank nodes have one label")
    return DerivedValue(
        _bytes(signature, SIGNATURE_BYTES),
        _bytes(public_key, PUBLIC_KEY_BYTES),
        _signatures(signatures),
        named,
        tuple(mandatory),
    )


def _parts(text: str, header: bytes, otherwise: str) -> list[Any]:
    try:
        raw = decode_base64url(text[1:]) if text.startswith("u") else b""
    except ValueError:
        raw = b""
    if not raw.startswith(header):
        raise MalformedDisclosure(otherwise)
    parts = _plain_cbor(raw[len(header) :])
    if not isinstance(parts, list) or len(parts) != 5:
        raise MalformedDisclosure("the proof value is not five parts")
    return parts


def _plain_cbor(encoded: bytes) -> Any:
    """CBOR (RFC 8949) without tags, indefinite lengths or repeated keys, in its shortest form and nothing behind it."""
    try:
        value = cbor2.loads(
            encoded, semantic_decoders=_NoTags(), max_depth=3, allow_indefinite=False, allow_duplicate_keys=False
        )
        is_shortest = cbor2.dumps(value) == encoded
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError):
        is_shortest = False
    if not is_shortest:
        raise MalformedDisclosure("the proof value is not plain CBOR")
    return value


class _NoTags(Mapping[int, Any]):
    """A reader for every tag there is, which refuses it: the library's own would build anything, at any cost."""

    def __getitem__(self, tag: int) -> Any:
        return _refuse_tag

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 1


def _refuse_tag(*_: Any) -> Any:
    raise ValueError("a tag")


def _signatures(value: Any) -> tuple[bytes, ...]:
    if not _is_list(value, MAX_SIGNATURES):
        raise MalformedDisclosure(f"a proof has at most {MAX_SIGNATURES} signatures")
    return tuple(_bytes(one, SIGNATURE_BYTES) for one in value)


def _bytes(value: Any, size: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != size:
        raise MalformedDisclosure(f"a part of the proof value has to be {size} bytes")
    return value


def _is_list(value: Any, most: int) -> bool:
    return isinstance(value, list) and len(value) <= most


def _is_index(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**6
