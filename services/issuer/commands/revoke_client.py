"""End a client."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.issuer.domain.client import Client, require_live
from services.issuer.store import clients
from shared.postgres.database import Transaction


async def revoke_client(tx: Transaction, client_id: UUID, *, now: datetime) -> Client:
    """No further token for the client; those it has run out within their lifetime. Raises Unknown, WrongState."""
    client = await clients.lock(tx, client_id)
    require_live(client)
    await clients.revoke(tx, client_id, now)
    return replace(client, revoked_at=now, secrets=())
