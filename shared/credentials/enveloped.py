"""Credentials and presentations inside a token: Securing Verifiable Credentials using JOSE and COSE (3.1, 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import orjson

from shared.credentials.contexts import CREDENTIALS_V1, CREDENTIALS_V2
from shared.credentials.finding import many
from shared.credentials.jws import MAX_TOKEN, Jws, check_jws, make_jws, read_json_object, read_jws
from shared.credentials.keys import PrivateKey
from shared.credentials.multikey import decode_multikey
from shared.credentials.proof_error import ProofError
from shared.credentials.sd_jwt import SdJwt, make_sd_jwt, present, read_binding, read_sd_jwt, verify_binding
from shared.credentials.times import read_seconds, timestamp

EnvelopeKind = Literal["vc", "vp"]
_TYPES: dict[str, EnvelopeKind] = {"EnvelopedVerifiableCredential": "vc", "EnvelopedVerifiablePresentation": "vp"}
_DID_KEY = "did:key:"
# What a token may say of itself beside its document: not part of that (RFC 7519, 4.1, and the registry of claims).
_REGISTERED = ("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cnf", "nonce", "_sd", "_sd_alg", "vct", "status")
_OF_TOKENS = ("scope", "client_id", "azp", "sid", "act", "may_act", "acr", "amr", "auth_time", "at_hash", "events")
_CLAIMS = frozenset((*_REGISTERED, *_OF_TOKENS))
_ENVELOPE = frozenset({"@context", "id", "type"})
# What a holder may withhold; all else decides about the credential, or says what it is.
_HIDEABLE = ("credentialSubject", "name", "description", "evidence", "image", "termsOfUse", "refreshService")


@dataclass(frozen=True, slots=True)
class Token:
    """A token with its document, neither believed yet. `verification_method` is None where the header names no key.

    `issued_at`, `expires_at` and `not_before` are of the signature, in seconds since 1970; `nonce` and `audiences`
    answer a question. `bound` is the token that a holder answered with a key binding of its own (RFC 9901, 4.3), and
    `bound_at` when. Of a token that `has_disclosures` a holder may have withheld parts.
    """

    jws: Jws
    document: Mapping[str, Any]
    verification_method: str | None
    issued_at: int | float | None
    expires_at: int | float | None
    nonce: str | None
    audiences: tuple[str, ...]
    not_before: int | float | None = None
    has_disclosures: bool = False
    bound: SdJwt | None = None
    bound_at: datetime | None = None

    @property
    def secured(self) -> dict[str, Any]:
        """The document without the token's own claims: what a proof within it was made over, and what RDF is of it."""
        return {name: value for name, value in self.document.items() if name not in _CLAIMS}


def secure_token(
    document: Mapping[str, Any],
    *,
    key: PrivateKey,
    verification_method: str,
    created: datetime,
    expires: datetime | None = None,
    kind: EnvelopeKind = "vc",
    nonce: str | None = None,
    audience: str | None = None,
) -> str:
    """A document as a signed token (3.1.1): the payload is the document, with `iat` and what else is given."""
    claims: dict[str, Any] = {"iat": int(created.timestamp())}
    given = {"exp": expires and int(expires.timestamp()), "nonce": nonce, "aud": audience}
    claims |= {name: value for name, value in given.items() if value is not None}
    if document.keys() & claims.keys():
        raise ProofError("claims-mismatch", "the document has claims of the token's own")
    header = {"typ": f"{kind}+jwt", "cty": kind, "kid": verification_method}
    return make_jws(header, orjson.dumps({**document, **claims}), key)


def secure_sd_token(
    document: Mapping[str, Any],
    disclosable: Sequence[str],
    *,
    key: PrivateKey,
    verification_method: str,
    created: datetime,
    expires: datetime | None = None,
) -> str:
    """A credential as a token whose parts at the JSON pointers `disclosable` its holder may withhold (3.2.1).

    Raises ProofError `invalid-pointer` for a part that decides about the credential, or is not there.
    """
    claims: dict[str, Any] = {"iat": int(created.timestamp())}
    if expires is not None:
        claims["exp"] = int(expires.timestamp())
    if document.keys() & claims.keys():
        raise ProofError("claims-mismatch", "the document has claims of the token's own")
    for pointer in disclosable:
        if pointer.split("/")[1:2] not in ([name] for name in _HIDEABLE) or pointer == "/credentialSubject":
            raise ProofError("invalid-pointer", f"{pointer[:100]!r} decides about the credential, or is none of it")
    header = {"typ": "vc+sd-jwt", "cty": "vc", "kid": verification_method}
    return make_sd_jwt({**document, **claims}, disclosable, key=key, header=header)


def present_envelope(document: Mapping[str, Any], pointers: Sequence[str]) -> dict[str, Any]:
    """An enveloped credential with only the parts at the JSON pointers disclosed. Raises ProofError."""
    url = document.get("id")
    if not isinstance(url, str) or not url.startswith(_sd_head("vc")):
        raise ProofError("malformed-envelope", f"the id has to begin with {_sd_head('vc')}", "#/id")
    return {**document, "id": _sd_head("vc") + present(url.removeprefix(_sd_head("vc")), pointers)}


def envelope(token: str, kind: EnvelopeKind = "vc") -> dict[str, Any]:
    """The object that stands for a token where JSON is wanted (VC Data Model 2.0, 4.12.1 and 4.13.1)."""
    name = next(name for name, known in _TYPES.items() if known == kind)
    head = _sd_head(kind) if "~" in token else f"data:application/{kind}+jwt,"
    return {"@context": [CREDENTIALS_V2], "id": head + token, "type": name}


def is_enveloped(document: Mapping[str, Any], kind: EnvelopeKind = "vc") -> bool:
    """Whether a document only stands for a token."""
    return any(_TYPES.get(name) == kind for name in many(document.get("type")) if isinstance(name, str))


def open_envelope(document: Mapping[str, Any], kind: EnvelopeKind = "vc") -> Token:
    """The token that an enveloped document stands for. Raises ProofError `malformed-envelope`, `malformed-token`.

    It has nothing else: what stood beside the token would not be signed.
    """
    url = document.get("id")
    head, _, text = url.partition(",") if isinstance(url, str) else ("", "", "")
    media_type, *parameters = head.lower().split(";")  # those say nothing that the token does not; base64 is none
    known = [f"data:application/{one}" for one in _media_types(kind)]
    if media_type not in known or not all("=" in one for one in parameters) or len(text) > MAX_TOKEN:
        expected = f"data:application/{kind}+jwt,"
        raise ProofError("malformed-envelope", f"the id of an enveloped document begins with {expected}", "#/id")
    if CREDENTIALS_V2 not in many(document.get("@context")) or not document.keys() <= _ENVELOPE:
        raise ProofError("malformed-envelope", "an enveloped document has the data model's context, an id and a type")
    if len(many(document.get("type"))) != 1 or ("~" in text) != ("sd-jwt" in media_type):
        raise ProofError("malformed-envelope", "an enveloped document has one type, and what its media type says")
    return read_token(text, kind)


def _media_types(kind: EnvelopeKind) -> tuple[str, ...]:
    return (f"{kind}+jwt", f"{kind}+ld+jwt", f"{kind}+ld+json+jwt", f"{kind}+sd-jwt", f"{kind}+ld+json+sd-jwt")


def read_token(text: str, kind: EnvelopeKind = "vc") -> Token:
    """Read a token (3.1.2, 3.1.3), or one with disclosures (3.2.2, 3.2.3), without believing it. Raises ProofError."""
    claims: Mapping[str, Any]
    hidden: SdJwt | None = None
    if "~" in text:
        hidden = read_sd_jwt(text)
        jws, claims = hidden.jws, hidden.payload
        _check_type(jws, (f"{kind}+sd-jwt", f"{kind}+ld+json+sd-jwt"))
    else:
        jws = read_jws(text)
        _check_type(jws, (f"{kind}+jwt", f"{kind}+ld+jwt", "JWT"))
        claims = read_json_object(jws.payload)
    document = _document_of(claims, kind)
    times = [claims.get(name) for name in ("iat", "exp", "nbf")]
    if any(time is not None and read_seconds(time) is None for time in times):
        raise ProofError("malformed-token", "iat, exp and nbf are numbers of seconds")
    nonce, audiences = claims.get("nonce"), many(claims.get("aud"))
    if not isinstance(nonce, str | None) or not all(isinstance(one, str) for one in audiences):
        raise ProofError("malformed-token", "nonce and aud are texts")
    method = method_of(jws.header.get("kid"), _maker(document, kind))
    token = Token(jws, document, method, times[0], times[1], nonce, tuple(audiences), times[2], hidden is not None)
    return token if hidden is None or hidden.binding is None else _bound(token, hidden)


def _bound(token: Token, hidden: SdJwt) -> Token:
    """The token with its key binding, which is what answers; an answer of the token's own must not be another."""
    answer = read_binding(hidden)
    if token.nonce not in (None, answer.nonce) or (token.audiences and answer.audience not in token.audiences):
        raise ProofError("claims-mismatch", "the token answers another question than its key binding")
    return replace(token, nonce=answer.nonce, audiences=(answer.audience,), bound=hidden, bound_at=answer.issued_at)


def _check_type(jws: Jws, known: tuple[str, ...]) -> None:
    typ = jws.header.get("typ")
    if typ is not None and str(typ).lower().removeprefix("application/") not in (*known, *map(str.lower, known)):
        raise ProofError("malformed-token", f"the token's type is not {known[0]}")


def _sd_head(kind: EnvelopeKind) -> str:
    return f"data:application/{kind}+sd-jwt,"


def verify_token(token: Token, multikey: str) -> None:
    """Whether a token is signed by the key of its verification method, and bound by its holder's where it is bound.

    Raises ProofError.
    """
    try:
        key = decode_multikey(multikey)
    except ValueError as error:
        raise ProofError("malformed-key", str(error)) from None
    check_jws(token.jws, key)
    if token.bound is not None:
        verify_binding(token.bound)


def _document_of(claims: Mapping[str, Any], kind: EnvelopeKind) -> Mapping[str, Any]:
    """The document is the payload; the data model 1.1 alone put it into a claim of its own (1.1, 6.3.1)."""
    if kind not in claims:
        _agree(claims, claims)
        return claims
    inner = claims[kind]
    if not isinstance(inner, Mapping) or "@context" in claims or CREDENTIALS_V1 not in many(inner.get("@context")):
        raise ProofError("malformed-token", f"the claim {kind} is for a document of the data model 1.1 alone")
    merged = dict(inner)
    if isinstance(claims.get("iss"), str) and "issuer" not in merged and kind == "vc":
        merged["issuer"] = claims["iss"]
    if isinstance(claims.get("jti"), str):
        merged.setdefault("id", claims["jti"])
    for claim, name in (("nbf", "issuanceDate"), ("exp", "expirationDate")) if kind == "vc" else ():
        if (moment := read_seconds(claims.get(claim))) is not None:
            merged.setdefault(name, timestamp(moment))
    subject = merged.get("credentialSubject")
    if isinstance(claims.get("sub"), str) and isinstance(subject, Mapping):
        merged["credentialSubject"] = {"id": claims["sub"], **subject}
    _agree(claims, merged)
    return merged


def _agree(claims: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """Where claims and properties say the same thing they say it alike: readers of either must not be told apart."""
    pairs = {"iss": _id_of(document.get("issuer", document.get("holder"))), "jti": document.get("id")}
    subject = document.get("credentialSubject")
    if isinstance(subject, Mapping):
        pairs["sub"] = subject.get("id")
    for name, value in pairs.items():
        if name in claims and value is not None and claims[name] != value:
            raise ProofError("claims-mismatch", f"the claim {name} is not what the document says")


def _maker(document: Mapping[str, Any], kind: EnvelopeKind) -> str | None:
    return _id_of(document.get("issuer" if kind == "vc" else "holder"))


def _id_of(value: Any) -> str | None:
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) else None


def method_of(kid: Any, maker: str | None) -> str | None:
    """The verification method: absolute, or a part of who made the document; a did:key has but one."""
    if isinstance(kid, str) and kid.startswith("#") and maker:
        return maker + kid
    if isinstance(kid, str) and ":" in kid:
        return f"{kid}#{kid.removeprefix(_DID_KEY)}" if kid.startswith(_DID_KEY) and "#" not in kid else kid
    if kid is None and maker is not None and maker.startswith(_DID_KEY):
        return f"{maker}#{maker.removeprefix(_DID_KEY)}"
    return f"{maker}#{kid}" if isinstance(kid, str) and maker else None
