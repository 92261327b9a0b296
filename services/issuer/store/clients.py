"""OAuth clients and the digests of their live secrets."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from services.issuer.domain.client import Client, Secret
from services.issuer.domain.errors import Unknown
from shared.postgres.database import Transaction

_CLIENT = "id, institution_id, name, scopes, created_at, revoked_at"
_LIVE = "id, client_id, digest, last_four, created_at, last_used_at"


async def add(tx: Transaction, client: Client) -> None:
    """Insert a client with its secrets."""
    await tx.execute(
        f"INSERT INTO client ({_CLIENT}) VALUES ($1, $2, $3, $4, $5, $6)",  # noqa: S608
        *(client.id, client.institution_id, client.name, list(client.scopes), client.created_at, client.revoked_at),
    )
    for secret in client.secrets:
        await add_secret(tx, client, secret)


async def add_secret(tx: Transaction, client: Client, secret: Secret) -> None:
    """Insert one more live secret."""
    await tx.execute(
        "INSERT INTO client_secret (id, institution_id, client_id, digest, last_four, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        *(secret.id, client.institution_id, client.id, secret.digest, secret.last_four, secret.created_at),
    )


async def find(tx: Transaction, client_id: UUID) -> Client | None:
    """One client, or None; the same two statements for either, so that the time tells nothing."""
    row = await tx.fetchrow(f"SELECT {_CLIENT} FROM client WHERE id = $1", client_id)  # noqa: S608
    secrets = await _secrets(tx, [client_id])
    return None if row is None else _client(row, secrets.get(client_id, []))


async def lock(tx: Transaction, client_id: UUID) -> Client:
    """One client, locked until the end. Raises Unknown."""
    row = await tx.fetchrow(f"SELECT {_CLIENT} FROM client WHERE id = $1 FOR UPDATE", client_id)  # noqa: S608
    if row is None:
        raise Unknown("There is no such client.")
    return _client(row, (await _secrets(tx, [client_id])).get(client_id, []))


async def page(tx: Transaction, institution_id: UUID, after: UUID | None, limit: int) -> list[Client]:
    """An institution's clients, newest first, from behind `after` on."""
    rows = await tx.fetch(
        f"SELECT {_CLIENT} FROM client WHERE institution_id = $1 AND ($2::uuid IS NULL OR id < $2)"  # noqa: S608
        " ORDER BY id DESC LIMIT $3",
        *(institution_id, after, limit),
    )
    secrets = await _secrets(tx, [row["id"] for row in rows])
    return [_client(row, secrets.get(row["id"], [])) for row in rows]


async def revoke(tx: Transaction, client_id: UUID, now: datetime) -> None:
    """End a client and all its secrets."""
    await tx.execute("UPDATE client SET revoked_at = $2 WHERE id = $1", client_id, now)
    await tx.execute(
        "UPDATE client_secret SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL", client_id, now
    )


async def revoke_secret(tx: Transaction, secret_id: UUID, now: datetime) -> None:
    """End one secret."""
    await tx.execute("UPDATE client_secret SET revoked_at = $2 WHERE id = $1", secret_id, now)


async def note_use(tx: Transaction, secret_id: UUID, hour: datetime) -> None:
    """Remember, to the hour, that a secret was used; writes at most once an hour."""
    await tx.execute(
        "UPDATE client_secret SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
        *(secret_id, hour),
    )


async def _secrets(tx: Transaction, client_ids: Sequence[UUID]) -> dict[UUID, list[Secret]]:
    rows = await tx.fetch(
        f"SELECT {_LIVE} FROM client_secret WHERE client_id = ANY($1) AND revoked_at IS NULL ORDER BY id",  # noqa: S608
        list(client_ids),
    )
    found: dict[UUID, list[Secret]] = {}
    for row in rows:
        secret = Secret(row["id"], row["digest"], row["last_four"], row["created_at"], row["last_used_at"])
        found.setdefault(row["client_id"], []).append(secret)
    return found


def _client(row: Record, secrets: Sequence[Secret]) -> Client:
    return Client(
        id=row["id"],
        institution_id=row["institution_id"],
        name=row["name"],
        scopes=row["scopes"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
        secrets=secrets,
    )
