"""What an access token may be used for."""

from collections.abc import Sequence

INSTITUTION_SCOPES = (
    "achievements:write",
    "credentials:write",
    "credentials:read",
    "endpoints:write",
    "endpoints:read",
    "institution:write",
)
PLATFORM_SCOPES = ("endpoints:read", "endpoints:write", "shares:write")
SCOPES = (*INSTITUTION_SCOPES, "shares:write")


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
