"""The keys a DID document lists for signing credentials (DID Core 1.0, 5.2, 5.3.2)."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.verifier.domain.presented import id_of
from shared.credentials import (
    Purpose,
    decode_base64url,
    decode_jwk,
    decode_multikey,
    encode_multikey,
    many,
    read_timestamp,
)

MAX_KEYS = 100
MAX_NAME = 1000
_DID_KEY, _DID_JWK = "did:key:", "did:jwk:"


class UnusableDidDocument(Exception):
    """The document is not that DID's, or lists no key that can be read; the text says which."""


def keys_of(document: Any, did: str, now: datetime, purpose: Purpose = "assertionMethod") -> dict[str, str]:
    """Multikeys by verification method: those of `did` itself that it authorises for a purpose and has not ended.

    Raises UnusableDidDocument when there is none.

    DIDs are compared byte for byte. Keys of kinds that no suite here uses are passed over.
    """
    if not isinstance(document, Mapping) or document.get("id") != did:
        raise UnusableDidDocument("the document there is not of this DID")
    methods = [value for value in many(document.get("verificationMethod")) if isinstance(value, Mapping)]
    asserting = many(document.get(purpose))
    allowed = {_absolute(id_of(value), did) for value in asserting}
    methods += [value for value in asserting if isinstance(value, Mapping)]
    keys = {}
    for method in methods[:MAX_KEYS]:
        name = _absolute(id_of(method), did)
        if name in allowed and method.get("controller") == did and _belongs(name, did):
            key = None if _has_ended(method, now) else multikey_of(method)
            if key is not None:
                keys[name] = key
    if not keys:
        raise UnusableDidDocument("the document lists no key for that purpose that is understood here")
    return keys


def did_key(did: str) -> dict[str, str]:
    """The one key a did:key is (did:key 0.9, 3.1). Raises UnusableDidDocument."""
    key = multikey_of({"publicKeyMultibase": did.removeprefix(_DID_KEY)})
    if not did.startswith(_DID_KEY) or key is None:
        raise UnusableDidDocument("this did:key does not hold an Ed25519, P-256 or P-384 key")
    return {f"{did}#{key}": key}


def did_jwk(did: str) -> dict[str, str]:
    """The one key a did:jwk is, as a Multikey (did:jwk, "Resolve"). Raises UnusableDidDocument."""
    try:
        jwk = json.loads(decode_base64url(did.removeprefix(_DID_JWK)))
    except (ValueError, RecursionError):
        jwk = None
    key = multikey_of({"publicKeyJwk": jwk}) if did.startswith(_DID_JWK) and isinstance(jwk, Mapping) else None
    if key is None or jwk.get("use", "sig") != "sig":
        raise UnusableDidDocument("this did:jwk does not hold an Ed25519, P-256 or P-384 key to sign with")
    return {f"{did}#0": key}


def multikey_of(method: Mapping[str, Any]) -> str | None:
    """The Multikey of a verification method, written so or as a JWK; None for kinds of keys that no suite here uses."""
    multikey, jwk = method.get("publicKeyMultibase"), method.get("publicKeyJwk")
    try:
        if isinstance(multikey, str) and jwk is None:
            decode_multikey(multikey)
            return multikey
        if isinstance(jwk, Mapping) and multikey is None:
            return encode_multikey(decode_jwk(jwk))
    except ValueError:
        return None
    return None


def _has_ended(method: Mapping[str, Any], now: datetime) -> bool:
    """Whether nothing may be verified with it any more (Controlled Identifiers 1.0, 2.2); no date ends it too."""
    ends = (read_timestamp(method[name]) for name in ("expires", "revoked") if name in method)
    return any(end is None or end <= now for end in ends)


def _belongs(name: str, did: str) -> bool:
    """Whether a verification method is part of the DID, and of a length that can be kept."""
    return name.startswith(f"{did}#") and len(name) <= MAX_NAME


def _absolute(name: str | None, did: str) -> str:
    """A DID URL; one that is relative belongs to the document's DID."""
    return f"{did}{name}" if name and name.startswith("#") else name or ""
