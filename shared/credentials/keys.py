"""Keys that sign credentials: Ed25519, and ECDSA over P-256 and P-384.

Signatures are as Data Integrity writes them: 64 bytes for Ed25519, and for ECDSA the numbers r and s, each as long as
the curve's field (Data Integrity ECDSA Cryptosuites 1.0, 3.2.6).
"""

from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

Algorithm = Literal["Ed25519", "P-256", "P-384"]
Hash = Literal["sha256", "sha384"]
PublicKey = Ed25519PublicKey | ec.EllipticCurvePublicKey
PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey

ALGORITHMS: tuple[Algorithm, ...] = ("Ed25519", "P-256", "P-384")
HASHES: dict[Algorithm, Hash] = {"Ed25519": "sha256", "P-256": "sha256", "P-384": "sha384"}
"""What a document is canonicalised and hashed with before a key of that algorithm signs it."""
SIGNATURE_BYTES: dict[Algorithm, int] = {"Ed25519": 64, "P-256": 64, "P-384": 96}
_CURVES: dict[str, Algorithm] = {"secp256r1": "P-256", "secp384r1": "P-384"}


def algorithm_of(key: PublicKey | PrivateKey) -> Algorithm:
    """Which algorithm a key is for. Raises ValueError for a curve that no suite here uses."""
    if isinstance(key, Ed25519PublicKey | Ed25519PrivateKey):
        return "Ed25519"
    try:
        return _CURVES[key.curve.name]
    except KeyError:
        raise ValueError(f"keys on {key.curve.name} are not used here") from None


def generate(algorithm: Algorithm) -> PrivateKey:
    """A new key pair."""
    if algorithm == "Ed25519":
        return Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1() if algorithm == "P-256" else ec.SECP384R1())


def private_bytes(key: PrivateKey) -> bytes:
    """The secret alone: the seed of Ed25519, the number of an elliptic curve's key."""
    if isinstance(key, Ed25519PrivateKey):
        return key.private_bytes_raw()
    return key.private_numbers().private_value.to_bytes(SIGNATURE_BYTES[algorithm_of(key)] // 2)


def private_key(algorithm: Algorithm, secret: bytes) -> PrivateKey:
    """The key that `private_bytes` gave the secret of."""
    if algorithm == "Ed25519":
        return Ed25519PrivateKey.from_private_bytes(secret)
    curve = ec.SECP256R1() if algorithm == "P-256" else ec.SECP384R1()
    return ec.derive_private_key(int.from_bytes(secret), curve)


def make_signature(key: PrivateKey, data: bytes) -> bytes:
    """The signature of `data`; ECDSA is deterministic (RFC 6979), so that no bad random number gives a key away."""
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(data)
    width = SIGNATURE_BYTES[algorithm_of(key)] // 2
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(_digest(key), deterministic_signing=True)))
    return r.to_bytes(width) + s.to_bytes(width)


def is_signature(key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether `signature` is the key's own over `data`."""
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, data)
            return True
        width = SIGNATURE_BYTES[algorithm_of(key)] // 2
        if len(signature) != 2 * width:
            return False
        pair = encode_dss_signature(int.from_bytes(signature[:width]), int.from_bytes(signature[width:]))
        key.verify(pair, data, ec.ECDSA(_digest(key)))
    except InvalidSignature:
        return False
    return True


def _digest(key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) -> SHA256 | SHA384:
    return SHA384() if algorithm_of(key) == "P-384" else SHA256()
