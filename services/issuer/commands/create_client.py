"""Let another program of an institution ask for access tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.issuer.domain import client_secret
from services.issuer.domain.client import Client, Secret
from services.issuer.store import clients
from shared.events.ids import new_id
from shared.postgres.database import Transaction


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client and its secret in the clear, which is kept nowhere."""

    client: Client
    secret: str


async def create_client(
    tx: Transaction, institution_id: UUID, name: str, scopes: Sequence[str], *, now: datetime
) -> NewClient:
    """Write a client with one live secret."""
    text = client_secret.new_secret()
    client = Client(new_id(), institution_id, name, tuple(scopes), now, None, (secret_record(text, now),))
    await clients.add(tx, client)
    return NewClient(client, text)


def secret_record(text: str, now: datetime) -> Secret:
    """What is kept of a new secret."""
    return Secret(new_id(), client_secret.digest(text), text[-4:], now)
