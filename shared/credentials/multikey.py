"""Public keys as text: Multikey (Controlled Identifiers 1.0, 2.2.2), base58-btc with a multicodec prefix."""

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = {character: value for value, character in enumerate(_ALPHABET)}
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_ED25519 = b"\xed\x01"
_MAX_TEXT = 1000


def encode_base58(data: bytes) -> str:
    """Base58-btc; leading zero bytes become leading `1`s."""
    number, pairs = int.from_bytes(data), []
    while number:
        number, rest = divmod(number, 3364)
        pairs.append(_PAIRS[rest])
    text = "".join(reversed(pairs)).lstrip("1")
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def decode_base58(text: str) -> bytes:
    """The bytes of base58-btc text; no other text gives the same bytes. Raises ValueError."""
    if len(text) > _MAX_TEXT:
        raise ValueError("too long for a key or a signature")
    number = 0
    try:
        for character in text:
            number = number * 58 + _DIGITS[character]
    except KeyError:
        raise ValueError("not base58") from None
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8)


def encode_ed25519_public(raw: bytes) -> str:
    """The Multikey of a 32-byte Ed25519 public key: `z6Mk…`. Raises ValueError for another length."""
    if len(raw) != 32:
        raise ValueError("an Ed25519 public key has 32 bytes")
    return "z" + encode_base58(_ED25519 + raw)


@lru_cache(maxsize=4096)
def decode_multikey(text: str) -> Ed25519PublicKey:
    """The Ed25519 key of a Multikey. Raises ValueError for any other kind or malformed text."""
    if not text.startswith("z"):
        raise ValueError("a Multikey starts with z (base58-btc)")
    raw = decode_base58(text[1:])
    if len(raw) != 34 or raw[:2] != _ED25519:
        raise ValueError("not an Ed25519 Multikey")
    return Ed25519PublicKey.from_public_bytes(raw[2:])
