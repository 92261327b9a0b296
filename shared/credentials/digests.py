"""Digests as text: Subresource Integrity, and multibase-encoded multihashes (Controlled Identifiers 1.0, 2.5)."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from shared.credentials.finding import many
from shared.credentials.jwk import decode_base64url
from shared.credentials.multikey import decode_base58

_SRI = re.compile(r"(?P<name>sha256|sha384|sha512)-(?P<text>[A-Za-z0-9+/_-]+={0,2})(?:\?[!-~]*)?", re.ASCII)
_SIZES = {"sha256": 32, "sha384": 48, "sha512": 64, "sha3_256": 32, "sha3_384": 48, "sha3_512": 64}
_MULTIHASHES = {
    b"\x12\x20": "sha256",
    b"\x20\x30": "sha384",
    b"\x13\x40": "sha512",
    b"\x16\x20": "sha3_256",
    b"\x15\x30": "sha3_384",
    b"\x14\x40": "sha3_512",
}


class UnusableDigest(ValueError):
    """The text is no digest of a kind that is known; the message says what is wrong."""


def read_digest_sri(text: Any) -> tuple[str, bytes]:
    """The algorithm (`sha256`, `sha384`, `sha512`) and the digest (Subresource Integrity, 3.5).

    Raises UnusableDigest.
    """
    found = _SRI.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise UnusableDigest("a digestSRI is sha256-, sha384- or sha512- and the digest in base64")
    plain = found["text"].rstrip("=").replace("-", "+").replace("_", "/")
    try:
        digest = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        raise UnusableDigest("the digest is not base64") from None
    return _sized(found["name"], digest)


def read_digest_multibase(text: Any) -> tuple[str, bytes]:
    """The algorithm and the digest of a multihash in base64url (`u…`) or base58-btc (`z…`). Raises UnusableDigest."""
    if not isinstance(text, str) or text[:1] not in ("u", "z"):
        raise UnusableDigest("a digestMultibase is base64url, with u before it, or base58-btc, with z")
    try:
        raw = decode_base64url(text[1:]) if text[0] == "u" else decode_base58(text[1:])
    except ValueError:
        raise UnusableDigest("a digestMultibase is a multihash in base64url or base58-btc") from None
    name = _MULTIHASHES.get(raw[:2])
    if name is None:
        raise UnusableDigest("the multihash is not of SHA-2 or SHA-3 with 256, 384 or 512 bits")
    return _sized(name, raw[2:])


READERS = {"digestSRI": read_digest_sri, "digestMultibase": read_digest_multibase}


def check_digests(owner: Mapping[str, Any], content: bytes) -> None:
    """Whether content is what the digests beside its id say (VC Data Model 2.0, 5.3). Without any, it is.

    Raises UnusableDigest for one that cannot be read, or is of other content.
    """
    for name, read in READERS.items():
        for text in many(owner[name]) if name in owner else ():
            algorithm, digest = read(text)
            if hashlib.new(algorithm, content).digest() != digest:
                raise UnusableDigest(f"the {name} is that of another document")


def _sized(name: str, digest: bytes) -> tuple[str, bytes]:
    if len(digest) != _SIZES[name]:
        raise UnusableDigest(f"a {name} digest has {_SIZES[name]} bytes")
    return name, digest
