"""Public keys as JSON Web Keys (RFC 7517; RFC 8037 for Ed25519, RFC 7518, 6.2 for elliptic curves)."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.credentials.keys import PublicKey, algorithm_of

_CURVES: dict[str, tuple[ec.EllipticCurve, int]] = {"P-256": (ec.SECP256R1(), 32), "P-384": (ec.SECP384R1(), 48)}
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_MAX_TEXT = 200


def encode_base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """The bytes of base64url without padding; no other text gives the same bytes. Raises ValueError."""
    if _BASE64URL.fullmatch(text) is None:
        raise ValueError("not base64url without padding")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("not base64url without padding") from None
    if encode_base64url(data) != text:
        raise ValueError("base64url with bits to spare")
    return data


def encode_jwk(key: PublicKey) -> dict[str, str]:
    """The JWK of a public key, with its required members alone, in the order of their names (RFC 7638)."""
    if isinstance(key, Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": encode_base64url(key.public_bytes_raw())}
    name = algorithm_of(key)
    size, numbers = _CURVES[name][1], key.public_numbers()
    x, y = (encode_base64url(number.to_bytes(size)) for number in (numbers.x, numbers.y))
    return {"crv": name, "kty": "EC", "x": x, "y": y}


def decode_jwk(jwk: Mapping[str, Any]) -> PublicKey:
    """The key that a public JWK is. Raises ValueError for a private one, for other kinds and for what is no key."""
    if "d" in jwk:
        raise ValueError("the JWK is a private key")
    kind, curve = jwk.get("kty"), jwk.get("crv")
    if kind == "OKP" and curve == "Ed25519":
        return Ed25519PublicKey.from_public_bytes(_member(jwk, "x", 32))
    if kind == "EC" and isinstance(curve, str) and curve in _CURVES:
        group, size = _CURVES[curve]
        x, y = (int.from_bytes(_member(jwk, name, size)) for name in ("x", "y"))
        return ec.EllipticCurvePublicNumbers(x, y, group).public_key()
    raise ValueError("not an Ed25519, P-256 or P-384 JWK")


def _member(jwk: Mapping[str, Any], name: str, size: int) -> bytes:
    value = jwk.get(name)
    raw = decode_base64url(value) if isinstance(value, str) and len(value) <= _MAX_TEXT else b""
    if len(raw) != size:
        raise ValueError(f"the JWK's {name} has to be {size} bytes")
    return raw
