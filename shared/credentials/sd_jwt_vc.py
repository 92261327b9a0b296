"""SD-JWT VC (draft-ietf-oauth-sd-jwt-vc): a credential as plain claims, of which its holder shows a part."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.credentials.keys import PrivateKey, PublicKey
from shared.credentials.proof_error import ProofError
from shared.credentials.sd_jwt import SdJwt, make_sd_jwt
from shared.credentials.times import read_seconds

_TYPE, _OLDER_TYPE = "dc+sd-jwt", "vc+sd-jwt"
# A holder who could leave these out would be believed more than the issuer meant (2.2.2.2).
_PROTECTED = ("iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "status")
_OWN = ("iss", "iat", "nbf", "exp", "cnf")


def secure_sd_jwt_vc(
    claims: Mapping[str, Any],
    disclosable: Sequence[str],
    *,
    key: PrivateKey,
    issuer: str,
    verification_method: str,
    created: datetime,
    not_before: datetime | None = None,
    expires: datetime | None = None,
    holder: PublicKey | None = None,
) -> str:
    """Claims as a signed token whose parts at the JSON pointers `disclosable` can be withheld (2.2).

    `holder` is whose key a presentation has to be signed with. Raises ProofError `required` without a `vct`,
    `claims-mismatch` for claims that are not the caller's to make, `reserved-name`, and `invalid-pointer` for a part
    that decides about the credential, or is not there.
    """
    for name in _OWN:
        if name in claims:
            raise ProofError("claims-mismatch", f"{name} is said by the token itself", f"#/{name}")
    if not isinstance(claims.get("vct"), str) or not claims["vct"]:
        raise ProofError("required", "an SD-JWT VC has a type, vct, that is a text", "#/vct")
    for pointer in disclosable:
        if pointer.split("/")[1:2] in ([name] for name in (*_PROTECTED, "iat")):
            raise ProofError("invalid-pointer", f"{pointer[:100]!r} decides about the credential")
    times = {"iat": created, "nbf": not_before, "exp": expires}
    own = {name: int(time.timestamp()) for name, time in times.items() if time is not None}
    header = {"typ": _TYPE, "kid": verification_method}
    return make_sd_jwt({"iss": issuer, **own, **claims}, disclosable, key=key, header=header, holder=holder)


def require_sd_jwt_vc(token: SdJwt, payload: Mapping[str, Any]) -> None:
    """Whether a token is an SD-JWT VC (2.2). `payload` is its own. Raises ProofError `malformed-token`.

    What decides must not be a disclosure, nor have parts that are: a holder could leave them out. The type of drafts
    up to November 2024 is read as well.
    """
    typ, vct = token.jws.header.get("typ"), payload.get("vct")
    if str(typ).removeprefix("application/") not in (_TYPE, _OLDER_TYPE) or not isinstance(vct, str) or not vct:
        raise ProofError("malformed-token", f"an SD-JWT VC has the type {_TYPE} and a vct")
    for name in _PROTECTED:
        if payload.get(name) != token.claims.get(name):
            raise ProofError("malformed-token", f"{name} must not be withheld")
    if not all(isinstance(payload.get(name, ""), str) for name in ("iss", "sub")):
        raise ProofError("malformed-token", "iss and sub are texts")
    if any(name in payload and read_seconds(payload[name]) is None for name in ("iat", "nbf", "exp")):
        raise ProofError("malformed-token", "iat, nbf and exp are numbers of seconds")
