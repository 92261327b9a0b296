"""Who is asking: access tokens (RFC 9068) checked offline, and the operator's token.

Writer = Annotated[Principal, Depends(require("credentials:write"))]   # an institution's client with this scope
Operator = Annotated[Principal, Depends(operator())]                  # the operator
Either = Annotated[Principal, Depends(operator_or("institution:write"))]
Anybody = Annotated[Principal | None, Depends(optional_principal())]  # for public reads; a bad token is still 401
"""

import hmac
import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase

from shared.http.problems import Forbidden, InsufficientScope, Unauthorized

ALGORITHM = "EdDSA"
TOKEN_TYPE = "at+jwt"  # noqa: S105 (a media type)
AUDIENCE = "laurel"
INSTITUTION_CLAIM = "institution"
KIND_CLAIM, PLATFORM = "tenant_kind", "platform"
PLATFORM_SCOPE = "shares:write"  # which no institution's client can have
REQUIRED_CLAIMS = ("iss", "aud", "sub", "client_id", "exp", "iat", "jti")
LEEWAY = 30
_FORBIDDEN_HEADERS = ("jku", "x5u", "jwk", "x5c", "crit")
_MAX_TOKEN = 8192
_REMEMBERED = 4096


class OperatorOnly(Forbidden, type="operator-only"):
    """An institution's token was given where the operator's is needed."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. `institution_id` is None for the operator and only for the operator; for a platform's client it is
    the platform's id.

    `until` is when the token stops being accepted, in seconds since 1970.
    """

    client_id: str
    institution_id: UUID | None
    scopes: frozenset[str]
    is_operator: bool = False
    is_platform: bool = False
    until: float = math.inf

    @property
    def name(self) -> str:
        """Whose Idempotency-Keys and cursors these are: the institution's id, or `operator`."""
        return "operator" if self.institution_id is None else str(self.institution_id)

    @property
    def institution(self) -> UUID:
        """The institution of a principal that `require` let through. Raises Forbidden for the operator."""
        if self.institution_id is None:
            raise Forbidden("this is for an institution's client, not for the operator")
        return self.institution_id


OPERATOR = Principal("operator", None, frozenset(), is_operator=True)


class JwksSource(Protocol):
    """Where the keys that sign access tokens come from."""

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        """The key named `kid`, or None. Raises Unavailable when no key set was ever seen."""
        ...


class Authenticator:
    """Turns an `Authorization` header into a Principal. Verified tokens are remembered until they expire."""

    def __init__(self, jwks: JwksSource, *, issuer: str, operator_token: str, audience: str = AUDIENCE) -> None:
        self._jwks = jwks
        self._audience = audience
        self._issuer = issuer
        self._operator = operator_token.encode()
        self._verified: OrderedDict[str, Principal] = OrderedDict()

    def remembered(self, header: str) -> Principal | None:
        """The principal of a header seen before and still good, without any work; for the rate limit."""
        known = self._verified.get(header)
        return known if known is not None and known.until >= time.time() else None

    async def authenticate(self, header: str) -> Principal:
        """The principal that `Authorization: <header>` proves. Raises Unauthorized, or Unavailable."""
        if principal := self.remembered(header):
            return principal
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.isascii() or len(token) > _MAX_TOKEN:
            raise Unauthorized("Authorization should be: Bearer and an access token")
        if self._operator and hmac.compare_digest(token.encode(), self._operator):
            return OPERATOR
        claims = await self._claims(token)
        principal = _principal(claims)
        self._remember(header, principal)
        return principal

    async def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError:
            raise Unauthorized("the access token is not a JWT") from None
        if str(header.get("typ", "")).lower() not in (TOKEN_TYPE, f"application/{TOKEN_TYPE}"):
            raise Unauthorized("the token is not an access token")
        if header.get("alg") != ALGORITHM or any(name in header for name in _FORBIDDEN_HEADERS):
            raise Unauthorized("the access token's header is not one of ours")
        kid = header.get("kid")
        key = await self._jwks.key(kid) if isinstance(kid, str) and len(kid) <= 200 else None
        if key is None:
            raise Unauthorized("the access token is signed with an unknown key")
        return self._verify(token, key)

    def _verify(self, token: str, key: Ed25519PublicKey) -> Mapping[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": list(REQUIRED_CLAIMS)},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthorized("the access token has expired") from None
        except jwt.InvalidTokenError:
            raise Unauthorized("the access token is not valid here") from None

    def _remember(self, header: str, principal: Principal) -> None:
        self._verified[header] = principal
        if len(self._verified) > _REMEMBERED:
            self._verified.popitem(last=False)


def _principal(claims: Mapping[str, Any]) -> Principal:
    try:
        institution = UUID(claims[INSTITUTION_CLAIM])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Unauthorized("the access token names no institution") from None
    client_id, scope = claims["client_id"], claims.get("scope", "")
    if not isinstance(client_id, str) or not isinstance(scope, str):
        raise Unauthorized("the access token's claims are malformed")
    scopes = frozenset(scope.split())
    until = float(claims["exp"]) + LEEWAY
    return Principal(client_id, institution, scopes, is_platform=_is_platform(claims, scopes), until=until)


def _is_platform(claims: Mapping[str, Any], scopes: frozenset[str]) -> bool:
    """Whether the token is a platform's. Where its issuer does not say, its scopes do, unless it was narrowed."""
    kind = claims.get(KIND_CLAIM)
    return PLATFORM_SCOPE in scopes if kind is None else kind == PLATFORM


class Requirement(SecurityBase):
    """A dependency that lets only some principals through; in the OpenAPI document, a need for a bearer token."""

    model = HTTPBearerModel(bearerFormat="JWT", description="An access token (RFC 9068), or the operator's token.")
    scheme_name = "bearer"

    def __init__(self, *scopes: str, institutions: bool, operators: bool) -> None:
        self.scopes, self.institutions, self.operators = scopes, institutions, operators

    async def __call__(self, request: Request) -> Principal:
        """The principal. Raises Unauthorized or Forbidden."""
        principal = await identify(request)
        if principal is None:
            raise Unauthorized("this needs an access token", error=None)
        if principal.is_operator:
            if not self.operators:
                raise Forbidden("this is for an institution's client, not for the operator")
        elif not self.institutions:
            raise OperatorOnly("this is for the operator")
        elif self.scopes and principal.scopes.isdisjoint(self.scopes):
            raise InsufficientScope(*self.scopes)
        return principal


async def identify(request: Request) -> Principal | None:
    """Whoever asks, or None without a token; as a dependency, for public reads. Raises Unauthorized for a bad token."""
    known: Principal | None = getattr(request.state, "principal", None)
    header = request.headers.get("authorization")
    if known is None and header is not None:
        authenticator: Authenticator = request.app.state.authenticator
        known = await authenticator.authenticate(header)
        request.state.principal = known
    return known


def require(scope: str) -> Requirement:
    """A dependency: an institution's client with `scope`."""
    return Requirement(scope, institutions=True, operators=False)


def require_any(*scopes: str) -> Requirement:
    """A dependency: an institution's client with one of `scopes`."""
    return Requirement(*scopes, institutions=True, operators=False)


def operator() -> Requirement:
    """A dependency: the operator."""
    return Requirement(institutions=False, operators=True)


def operator_or(scope: str) -> Requirement:
    """A dependency: the operator, or an institution's client with `scope`."""
    return Requirement(scope, institutions=True, operators=True)


Authenticated = Annotated[Principal, Depends(Requirement(institutions=True, operators=True))]
"""Any client of an institution, whatever its scopes, or the operator."""
