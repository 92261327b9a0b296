"""Access tokens: RFC 9068 JWTs, signed with Ed25519, good at all four services for a quarter of an hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.issuer.domain.scopes import TenantKind

ALGORITHM = "EdDSA"
AUDIENCE = "laurel"
LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """The key that signs tokens now."""

    kid: str
    key: Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may do what, as the token will say it."""

    client_id: UUID
    institution_id: UUID
    tenant_kind: TenantKind
    scopes: Sequence[str]


def sign_token(signer: TokenSigner, grant: Grant, *, issuer: str, token_id: UUID, now: datetime) -> str:
    """The token as a compact JWS. `issuer` is what the services are told to expect."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": str(grant.client_id),
        "client_id": str(grant.client_id),
        "institution": str(grant.institution_id),
        "tenant_kind": grant.tenant_kind,
        "scope": " ".join(grant.scopes),
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
        "jti": str(token_id),
    }
    return jwt.encode(claims, signer.key, ALGORITHM, headers={"typ": "at+jwt", "kid": signer.kid})
