"""Trade client credentials for an access token (RFC 6749, 4.4)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.issuer.commands.token_keys import TokenKeys
from services.issuer.domain import client_secret
from services.issuer.domain.access_token import LIFETIME, Grant, sign_token
from services.issuer.domain.client import Client
from services.issuer.domain.scopes import narrow, tenant_kind
from services.issuer.store import clients
from shared.events.ids import new_id
from shared.postgres.database import Database, Transaction


class TokenRefused(Exception):
    """No token. `error` is the word of RFC 6749, 5.2."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error, self.description = error, description


@dataclass(frozen=True, slots=True)
class Token:
    """What the token endpoint answers."""

    access_token: str
    expires_in: int
    scope: str


class TokenGranter:
    """Grants tokens in the name of `issuer`, signed with the issuer's token key."""

    def __init__(self, db: Database, keys: TokenKeys, issuer: str, clock: Callable[[], datetime]) -> None:
        self._db, self._keys, self.issuer, self._clock = db, keys, issuer, clock

    async def grant(self, client_id: str, secret: str, scope: str | None) -> Token:
        """A token for the client with what it asks of its scopes. Raises TokenRefused, Unavailable.

        An unknown client, a revoked one and a wrong secret take the same steps and get the same answer. Text that can
        be no secret is refused before the database is asked.
        """
        if not client_secret.well_formed(secret):
            raise TokenRefused("invalid_client", "The client is unknown or its secret is wrong.")
        now = self._clock()
        async with self._db.worker() as tx:
            client = await self._authenticated(tx, client_id, secret, now)
        scopes = narrow(client.scopes, scope)
        if scopes is None:
            raise TokenRefused("invalid_scope", "The client does not have all of these scopes.")
        signer = await self._keys.signer()
        grant = Grant(client.id, client.institution_id, tenant_kind(client.scopes), scopes)
        token = sign_token(signer, grant, issuer=self.issuer, token_id=new_id(), now=now)
        return Token(token, int(LIFETIME.total_seconds()), " ".join(scopes))

    async def _authenticated(self, tx: Transaction, client_id: str, secret: str, now: datetime) -> Client:
        named = _uuid(client_id)
        client = await clients.find(tx, named or UUID(int=0))
        digests = [] if client is None or client.revoked_at else [one.digest for one in client.secrets]
        if not client_secret.matches(secret, digests) or client is None:
            raise TokenRefused("invalid_client", "The client is unknown or its secret is wrong.")
        used = next(one for one in client.secrets if client_secret.matches(secret, [one.digest]))
        hour = now.replace(minute=0, second=0, microsecond=0)
        if used.last_used_at is None or used.last_used_at < hour:
            await clients.note_use(tx, used.id, hour)
        return client


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
