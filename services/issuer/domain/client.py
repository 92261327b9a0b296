"""A program of an institution that may ask for access tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.issuer.domain import client_secret
from services.issuer.domain.errors import TooManySecrets, WrongState


@dataclass(frozen=True, slots=True)
class Secret:
    """What is kept of a client secret: enough to recognise it, by machine and by eye, not to use it."""

    id: UUID
    digest: bytes
    last_four: str
    created_at: datetime
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth client and its live secrets."""

    id: UUID
    institution_id: UUID
    name: str
    scopes: Sequence[str]
    created_at: datetime
    revoked_at: datetime | None
    secrets: Sequence[Secret]


def require_room_for_secret(client: Client) -> None:
    """Raises WrongState for a revoked client, TooManySecrets when as many secrets live as may."""
    require_live(client)
    if len(client.secrets) >= client_secret.MAX_LIVE:
        raise TooManySecrets(f"The client has {client_secret.MAX_LIVE} live secrets; revoke one first.")


def require_live(client: Client) -> None:
    """Raises WrongState for a revoked client."""
    if client.revoked_at is not None:
        raise WrongState("The client is revoked.")
