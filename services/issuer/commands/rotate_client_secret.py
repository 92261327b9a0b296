"""Replace a client's secret without an interruption: two may live at once."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.issuer.commands.create_client import NewClient, secret_record
from services.issuer.domain import client_secret
from services.issuer.domain.client import require_room_for_secret
from services.issuer.domain.errors import Unknown
from services.issuer.store import clients
from shared.postgres.database import Transaction


async def add_client_secret(tx: Transaction, client_id: UUID, *, now: datetime) -> NewClient:
    """Give the client a further secret. Raises Unknown, WrongState when revoked, TooManySecrets beyond two."""
    client = await clients.lock(tx, client_id)
    require_room_for_secret(client)
    text = client_secret.new_secret()
    secret = secret_record(text, now)
    await clients.add_secret(tx, client, secret)
    return NewClient(replace(client, secrets=(*client.secrets, secret)), text)


async def revoke_client_secret(tx: Transaction, client_id: UUID, secret_id: UUID, *, now: datetime) -> None:
    """End one live secret of the client; tokens it was traded for run out by themselves. Raises Unknown."""
    client = await clients.lock(tx, client_id)
    if secret_id not in {secret.id for secret in client.secrets}:
        raise Unknown("There is no such secret.")
    await clients.revoke_secret(tx, secret_id, now)
