"""What access tokens are signed with: the newest key signs, all are published."""

from dataclasses import dataclass
from datetime import datetime

from shared.credentials.sealing import Sealed
from shared.postgres.database import Transaction

TABLE = "token_key"


@dataclass(frozen=True, slots=True)
class TokenKey:
    """One key; the private half is sealed."""

    kid: str
    public_key: bytes
    private_key: Sealed
    created_at: datetime


async def all_of_them(tx: Transaction) -> list[TokenKey]:
    """Every key, newest first."""
    rows = await tx.fetch("SELECT kid, public_key, ciphertext, kek_id, created_at FROM token_key ORDER BY kid DESC")
    return [TokenKey(row[0], row[1], Sealed(row[2], row[3]), row[4]) for row in rows]


async def add_first(tx: Transaction, key: TokenKey) -> None:
    """Insert `key` unless there is a key already; of several processes that start at once, one adds its key."""
    await tx.execute("LOCK TABLE token_key IN SHARE ROW EXCLUSIVE MODE")
    await tx.execute(
        "INSERT INTO token_key (kid, public_key, ciphertext, kek_id, created_at)"
        " SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS (SELECT FROM token_key)",
        *(key.kid, key.public_key, key.private_key.ciphertext, key.private_key.kek_id, key.created_at),
    )
