"""SD-JWT (RFC 9901): a signed token whose parts a holder shows or keeps to itself, and proof that it is the holder."""

import copy
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.credentials.jwk import decode_jwk, encode_base64url, encode_jwk
from shared.credentials.jws import MAX_TOKEN, Jws, check_jws, make_jws, read_json_object, read_jws
from shared.credentials.keys import PrivateKey, PublicKey
from shared.credentials.pointers import escape
from shared.credentials.proof_error import ProofError
from shared.credentials.sd_disclosures import Disclosure, digest_of, read_disclosure, reveal
from shared.credentials.selection import InvalidPointer, steps_of
from shared.credentials.times import read_seconds

MAX_DISCLOSURES = 500
_KEY_BINDING = "kb+jwt"
_RESERVED = ("_sd", "_sd_alg", "...")
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class SdJwt:
    """A token with its disclosures, not yet believed. `binding` is the key binding token, where there is one."""

    jws: Jws
    claims: Mapping[str, Any]
    disclosures: tuple[Disclosure, ...]
    shown: str
    binding: Jws | None

    @property
    def payload(self) -> dict[str, Any]:
        """What the token says with what is disclosed in place (7.1). Raises ProofError."""
        return reveal(self.claims, self.disclosures)


@dataclass(frozen=True, slots=True)
class Binding:
    """What a holder answers (4.3): for whom, to which question, and when."""

    audience: str
    nonce: str
    issued_at: datetime


def make_sd_jwt(
    payload: Mapping[str, Any],
    disclosable: Sequence[str],
    *,
    key: PrivateKey,
    header: Mapping[str, Any],
    holder: PublicKey | None = None,
) -> str:
    """Sign a payload of which the parts at the JSON pointers `disclosable` can be withheld (RFC 9901, 4.1, 6.1).

    `holder` is whose key has to sign a presentation (`cnf`). Raises ProofError `invalid-pointer`, or `reserved-name`
    for a payload with names of the format's own.
    """
    claims: dict[str, Any] = copy.deepcopy(dict(payload))
    _refuse_reserved(claims, "#")
    made: list[str] = []
    # The deepest first, so that what is within a hidden part can be hidden in it.
    for pointer in sorted(set(disclosable), key=lambda one: (-one.count("/"), one)):
        made.append(_hide(claims, pointer))
    _mix(claims)
    claims["_sd_alg"] = "sha-256"
    if holder is not None:
        claims["cnf"] = {"jwk": encode_jwk(holder)}
    token = make_jws(header, json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode(), key)
    return "~".join([token, *made, ""])


def present(text: str, wanted: Sequence[str] | None = None) -> str:
    """The token with the disclosures of the parts at the JSON pointers `wanted`, and of what they are in; None is all.

    Raises ProofError.
    """
    token = read_sd_jwt(text)
    if token.binding is not None:
        raise ProofError("malformed-token", "a presentation is not presented again")
    chosen: set[str] = {one.text for one in token.disclosures} if wanted is None else set()
    places: dict[str, Disclosure] = {}
    payload = reveal(token.claims, token.disclosures, places)
    for pointer in wanted or ():
        found = [one for place, one in places.items() if _covers(place, pointer)]
        if not _leads(payload, pointer):
            raise ProofError("invalid-pointer", f"{pointer[:100]!r} leads nowhere")
        chosen.update(one.text for one in found)
    head = text.split("~", 1)[0]
    return "~".join([head, *(one.text for one in token.disclosures if one.text in chosen), ""])


def bind(text: str, *, key: PrivateKey, audience: str, nonce: str, created: datetime) -> str:
    """A presentation signed by its holder, for one audience and question (4.3)."""
    claims = {
        "iat": int(created.timestamp()),
        "aud": audience,
        "nonce": nonce,
        "sd_hash": digest_of(text),
    }
    return text + make_jws({"typ": _KEY_BINDING}, json.dumps(claims).encode(), key)


def read_sd_jwt(text: str) -> SdJwt:
    """Read a token without believing it (7.1, steps 1 to 3). Raises ProofError."""
    if len(text) > MAX_TOKEN or "~" not in text:
        raise ProofError("malformed-token", "not a token with disclosures")
    head, *parts, last = text.split("~")
    if len(parts) > MAX_DISCLOSURES:
        raise ProofError("malformed-token", f"more than {MAX_DISCLOSURES} disclosures")
    jws = read_jws(head)
    claims = read_json_object(jws.payload)
    if claims.get("_sd_alg", "sha-256") != "sha-256":
        raise ProofError("unknown-algorithm", "only sha-256 digests are understood")
    shown = text[: len(text) - len(last)]
    disclosures = tuple(read_disclosure(part) for part in parts)
    return SdJwt(jws, claims, disclosures, shown, read_jws(last) if last else None)


def verify_sd_jwt(token: SdJwt, key: PublicKey) -> dict[str, Any]:
    """The payload of a token that its issuer's key signed, with what is disclosed (7.1). Raises ProofError."""
    check_jws(token.jws, key)
    return token.payload


def read_binding(token: SdJwt) -> Binding:
    """What the holder answered, not yet believed. Raises ProofError `missing-binding`, `malformed-token`."""
    if token.binding is None:
        raise ProofError("missing-binding", "the holder has not signed the presentation")
    if token.binding.header.get("typ") != _KEY_BINDING:
        raise ProofError("malformed-token", "the holder's signature is not a key binding")
    claims = read_json_object(token.binding.payload)
    audience, nonce, issued_at = claims.get("aud"), claims.get("nonce"), read_seconds(claims.get("iat"))
    if not isinstance(audience, str) or not isinstance(nonce, str) or issued_at is None:
        raise ProofError("malformed-token", "a key binding has aud, nonce and iat")
    if claims.get("sd_hash") != digest_of(token.shown):
        raise ProofError("invalid-signature", "the holder signed other disclosures")
    return Binding(audience, nonce, issued_at)


def verify_binding(token: SdJwt) -> Binding:
    """What the holder answered, with the key that the issuer named (7.3). Raises ProofError.

    Whose question it was, and whether it is in time, is for the caller to judge.
    """
    answer = read_binding(token)
    confirmation = token.claims.get("cnf")
    jwk = confirmation.get("jwk") if isinstance(confirmation, Mapping) else None
    try:
        key = decode_jwk(jwk) if isinstance(jwk, Mapping) else None
    except ValueError:
        key = None
    if key is None:
        raise ProofError("missing-binding", "the issuer names no key of the holder that is understood here")
    assert token.binding is not None, "what it says was read"
    check_jws(token.binding, key)
    return answer


def _refuse_reserved(value: Any, where: str) -> None:
    """A payload's own `_sd` would be read as digests of parts that nobody can show (4.1)."""
    for step, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        place = f"{where}/{escape(str(step))}"
        if step in _RESERVED:
            raise ProofError("reserved-name", f"{step} is a name of the format's own", place)
        _refuse_reserved(item, place)


def _hide(claims: dict[str, Any], pointer: str) -> str:
    """Put a digest where a pointer leads; gives the disclosure."""
    try:
        steps = steps_of(pointer)
    except InvalidPointer as error:
        raise ProofError("invalid-pointer", str(error)) from None
    if not steps:
        raise ProofError("invalid-pointer", "not all of the payload can be withheld")
    holder: Any = claims
    for step in steps[:-1]:
        holder = _child(holder, step, pointer)
    last = steps[-1]
    value = _child(holder, last, pointer)
    salt = encode_base64url(secrets.token_bytes(_SALT_BYTES))
    named = isinstance(holder, dict)
    text = encode_base64url(json.dumps([salt, last, value] if named else [salt, value], ensure_ascii=False).encode())
    if named:
        del holder[last]
        holder.setdefault("_sd", []).append(digest_of(text))
    else:
        holder[int(last)] = {"...": digest_of(text)}
    return text


def _child(holder: Any, step: str, pointer: str) -> Any:
    if isinstance(holder, dict) and step in holder:
        return holder[step]
    if isinstance(holder, list) and step.isdecimal() and step == str(int(step)) and int(step) < len(holder):
        return holder[int(step)]
    raise ProofError("invalid-pointer", f"{pointer[:100]!r} leads nowhere")


def _mix(value: Any) -> None:
    """Sort digests, so that their order does not tell that of the parts (4.2.4.1)."""
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _mix(item)
    if isinstance(value, dict) and "_sd" in value:
        value["_sd"].sort()


def _covers(place: str, pointer: str) -> bool:
    """Whether a hidden part at `place` is needed to show what is at `pointer`: it is around it, or within it."""
    return pointer == place or pointer.startswith(f"{place}/") or place.startswith(f"{pointer}/")


def _leads(payload: Mapping[str, Any], pointer: str) -> bool:
    here: Any = payload
    try:
        for step in steps_of(pointer):
            here = _child(here, step, pointer)
    except (InvalidPointer, ProofError):
        return False
    return True
