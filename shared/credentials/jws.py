"""JSON Web Signatures in compact form (RFC 7515), read as RFC 8725 advises: the key decides the algorithm."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from shared.credentials.jwk import decode_base64url, encode_base64url
from shared.credentials.keys import Algorithm, PrivateKey, PublicKey, algorithm_of, is_signature, make_signature
from shared.credentials.proof_error import ProofError

MAX_TOKEN, MAX_HEADER = 1024 * 1024, 8 * 1024
_MAX_DEPTH = 32
_MAX_INTEGER = 2**53 - 1  # I-JSON (RFC 7493, 2.2): beyond it, readers begin to round
_NAMES: dict[Algorithm, tuple[str, ...]] = {
    "Ed25519": ("EdDSA", "Ed25519"),  # RFC 8037; RFC 9864 names the curve
    "P-256": ("ES256",),
    "P-384": ("ES384",),
}
# What would have the reader take its key from the writer, or turn the token into something else.
_FORBIDDEN = {
    **dict.fromkeys(("jwk", "x5c", "jku", "x5u", "x5t", "x5t#S256"), "embedded-key"),
    **dict.fromkeys(("crit", "b64", "zip", "enc"), "malformed-token"),
}


@dataclass(frozen=True, slots=True)
class Jws:
    """A token, read and not yet believed."""

    header: Mapping[str, Any]
    payload: bytes
    signed: bytes
    signature: bytes


def make_jws(header: Mapping[str, Any], payload: bytes, key: PrivateKey) -> str:
    """Sign a payload; `alg` is put in front of the header by the key's kind."""
    full = {"alg": _NAMES[algorithm_of(key)][0], **header}
    signed = f"{encode_base64url(json.dumps(full, separators=(',', ':')).encode())}.{encode_base64url(payload)}"
    return f"{signed}.{encode_base64url(make_signature(key, signed.encode()))}"


def read_jws(text: str) -> Jws:
    """The parts of a token. Raises ProofError `malformed-token`, or `embedded-key` for a header that brings a key."""
    if len(text) > MAX_TOKEN or text.count(".") != 2:
        raise ProofError("malformed-token", "the token is too long, or not three parts with dots between them")
    head, body, end = text.split(".")
    if len(head) > MAX_HEADER:
        raise ProofError("malformed-token", f"the token's header is longer than {MAX_HEADER} characters")
    try:
        header, payload, signature = (decode_base64url(part) for part in (head, body, end))
    except ValueError:
        raise ProofError("malformed-token", "a part of the token is not base64url") from None
    found = read_json_object(header)
    for name, code in _FORBIDDEN.items():
        if name in found:
            raise ProofError(code, f"a header with {name} is not accepted")
    return Jws(found, payload, f"{head}.{body}".encode(), signature)


def check_jws(token: Jws, key: PublicKey) -> None:
    """Whether the token was signed by the key. Raises ProofError `wrong-algorithm` or `invalid-signature`.

    The algorithm is the key's; a header that names another, `none` and the symmetric ones included, is refused.
    """
    if token.header.get("alg") not in _NAMES[algorithm_of(key)]:
        raise ProofError("wrong-algorithm", f"the token's algorithm is not that of its {algorithm_of(key)} key")
    if not is_signature(key, token.signature, token.signed):
        raise ProofError("invalid-signature", "the signature does not fit the token")


def read_json_object(raw: bytes) -> dict[str, Any]:
    """A JSON object that every reader reads alike. Raises ProofError `malformed-token`."""
    try:
        value = json.loads(
            raw,
            object_pairs_hook=_without_repetition,
            parse_float=_number,
            parse_int=_integer,
            parse_constant=_refuse_constant,
        )
        text = json.dumps(value, ensure_ascii=False)
        text.encode()  # half of a surrogate pair, which JSON can escape, is no text
    except (ValueError, RecursionError):
        raise ProofError("malformed-token", "a part of the token is not JSON, or says one thing twice") from None
    if not isinstance(value, dict) or not _is_shallow(value, _MAX_DEPTH) or "\\u0000" in text:
        raise ProofError("malformed-token", "a part of the token is no JSON object, or one that cannot be kept")
    return value


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number that no reader can hold")
    return value


def _integer(text: str) -> int:
    value = int(text)
    if abs(value) > _MAX_INTEGER:
        raise ValueError("a number that readers round")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _is_shallow(value: Any, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_is_shallow(item, depth - 1) for item in inner)
