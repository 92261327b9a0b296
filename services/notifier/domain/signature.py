"""Standard Webhooks 1.0 signatures over id, timestamp and the exact body: HMAC-SHA256 (`v1`) and Ed25519 (`v1a`)."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Kind = Literal["v1", "v1a"]
Key = bytes | Ed25519PrivateKey
PREFIX = "whsec_"
PRIVATE_PREFIX = "whsk_"
PUBLIC_PREFIX = "whpk_"
_SECRET_BYTES = 32


def new_secret(kind: Kind = "v1") -> str:
    """A fresh secret as text: for `v1`, as it is shown to the platform, `whsec_` and 32 random bytes in base64; for
    `v1a` `whsk_` and the seed with the public key behind it, which nobody is shown."""
    if kind == "v1":
        return _text(PREFIX, secrets.token_bytes(_SECRET_BYTES))
    key = Ed25519PrivateKey.generate()
    return _text(PRIVATE_PREFIX, key.private_bytes_raw() + key.public_key().public_bytes_raw())


def key_of(secret: str) -> Key:
    """The key of a secret: an Ed25519 key behind `whsk_`, else HMAC's. Raises ValueError for what is no such secret."""
    private = secret.startswith(PRIVATE_PREFIX)
    try:
        raw = base64.b64decode(secret.removeprefix(PRIVATE_PREFIX if private else PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("the secret is not base64") from None
    if private:
        return _private_key(raw)
    if not 24 <= len(raw) <= 64:
        raise ValueError("the secret is not 24 to 64 bytes")
    return raw


def _private_key(raw: bytes) -> Ed25519PrivateKey:
    if len(raw) != 64:
        raise ValueError("the secret is not a seed and a public key")
    key = Ed25519PrivateKey.from_private_bytes(raw[:32])
    if key.public_key().public_bytes_raw() != raw[32:]:
        raise ValueError("the secret is not a seed and its own public key")
    return key


def public_key_of(secret: str) -> str:
    """The public key of a `whsk_` secret, as platforms are shown it: `whpk_` and 32 bytes in base64."""
    key = key_of(secret)
    assert isinstance(key, Ed25519PrivateKey)
    return _text(PUBLIC_PREFIX, key.public_key().public_bytes_raw())


def headers(message_id: str, timestamp: int, body: bytes, keys: Sequence[Key]) -> dict[str, str]:
    """The three headers of one attempt. One signature a key, the current key's first; `timestamp` in whole seconds."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(key, signed) for key in keys),
    }


def _signature(key: Key, signed: bytes) -> str:
    if isinstance(key, bytes):
        return _text("v1,", hmac.digest(key, signed, hashlib.sha256))
    return _text("v1a,", key.sign(signed))


def _text(prefix: str, raw: bytes) -> str:
    return prefix + base64.b64encode(raw).decode()
