"""Public keys as text: Multikey (Controlled Identifiers 1.0, 2.2.2), base58-btc with a multicodec prefix."""

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.credentials.keys import Algorithm, PublicKey, algorithm_of

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = {character: value for value, character in enumerate(_ALPHABET)}
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_PREFIXES: dict[Algorithm, bytes] = {"Ed25519": b"\xed\x01", "P-256": b"\x80\x24", "P-384": b"\x81\x24"}
_SIZES: dict[Algorithm, int] = {"Ed25519": 32, "P-256": 33, "P-384": 49}
_MAX_TEXT = 1000
_CHUNK_PAIRS = 5
_CHUNK = 3364**_CHUNK_PAIRS


def encode_base58(data: bytes) -> str:
    """Base58-btc; leading zero bytes become leading `1`s."""
    number = int.from_bytes(data)
    pairs: list[str] = []
    while number:
        number, chunk = divmod(number, _CHUNK)  # few long divisions, then short ones
        high, low = divmod(chunk, 3364**2)
        pairs += (
            _PAIRS[low % 3364],
            _PAIRS[low // 3364],
            _PAIRS[high % 3364],
            _PAIRS[high // 3364 % 3364],
            _PAIRS[high // 3364**2],
        )
    text = "".join(reversed(pairs)).lstrip("1")
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def decode_base58(text: str) -> bytes:
    """The bytes of base58-btc text; no other text gives the same bytes. Raises ValueError."""
    if len(text) > _MAX_TEXT:
        raise ValueError("too long for a key or a signature")
    number = 0
    try:
        for start in range(0, len(text), 2 * _CHUNK_PAIRS):
            part, chunk = text[start : start + 2 * _CHUNK_PAIRS], 0
            for character in part:
                chunk = chunk * 58 + _DIGITS[character]
            number = number * 58 ** len(part) + chunk
    except KeyError:
        raise ValueError("not base58") from None
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8)


def encode_multikey(key: PublicKey) -> str:
    """The Multikey of a public key: `z6Mk…` for Ed25519, `zDn…` for P-256, `z82…` for P-384."""
    algorithm = algorithm_of(key)
    if isinstance(key, Ed25519PublicKey):
        raw = key.public_bytes_raw()
    else:
        raw = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return "z" + encode_base58(_PREFIXES[algorithm] + raw)


@lru_cache(maxsize=4096)
def decode_multikey(text: str) -> PublicKey:
    """The key of a Multikey. Raises ValueError for any other kind or malformed text."""
    if not text.startswith("z"):
        raise ValueError("a Multikey starts with z (base58-btc)")
    raw = decode_base58(text[1:])
    algorithm = next((name for name, prefix in _PREFIXES.items() if raw.startswith(prefix)), None)
    if algorithm is None:
        raise ValueError("not an Ed25519, P-256 or P-384 Multikey")
    if len(raw) != 2 + _SIZES[algorithm]:
        raise ValueError(f"{algorithm} public keys have {_SIZES[algorithm]} bytes")
    if algorithm == "Ed25519":
        return Ed25519PublicKey.from_public_bytes(raw[2:])
    curve = ec.SECP256R1() if algorithm == "P-256" else ec.SECP384R1()
    return ec.EllipticCurvePublicKey.from_encoded_point(curve, raw[2:])
