"""What an access token may be used for."""

from collections.abc import Sequence
from typing import Literal

TenantKind = Literal["institution", "platform"]
_OF_PLATFORMS = "shares:write"
INSTITUTION_SCOPES = (
    "achievements:write",
    "credentials:write",
    "credentials:read",
    "endpoints:write",
    "endpoints:read",
    "institution:write",
)
PLATFORM_SCOPES = ("endpoints:read", "endpoints:write", _OF_PLATFORMS)
SCOPES = (*INSTITUTION_SCOPES, _OF_PLATFORMS)


def tenant_kind(granted: Sequence[str]) -> TenantKind:
    """Whose a client is that has these scopes: a platform's has one that no institution's can have."""
    return "platform" if _OF_PLATFORMS in granted else "institution"


def narrow(granted: Sequence[str], asked: str | None) -> list[str] | None:
    """The scopes of a token: all that the client has, or the part it asks for (RFC 6749, 3.3).

    None when it asks for a scope that it does not have, or that does not exist.
    """
    if not asked or not asked.split():
        return list(granted)
    wanted = set(asked.split())
    if not wanted <= set(granted):
        return None
    return [scope for scope in granted if scope in wanted]
