"""Bitstring status lists: positions given out, and the bits themselves."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.issuer.domain.credential import ListPurpose, Position
from services.issuer.domain.errors import Unknown
from services.issuer.domain.positions import OpenList, Reservation
from shared.credentials import StatusList
from shared.postgres.database import Transaction


@dataclass(frozen=True, slots=True)
class ListVersion:
    """What a signed list depends on, without the bits."""

    id: UUID
    institution_id: UUID
    purpose: ListPurpose
    version: int
    updated_at: datetime


async def open_lists(
    tx: Transaction, institution_id: UUID, revocation: OpenList, suspension: OpenList, now: datetime
) -> None:
    """Insert an institution's lists for its next credentials; none of these purposes may be open."""
    await tx.executemany(
        "INSERT INTO status_list (id, institution_id, purpose, seed, size, bits, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        [
            (one.id, institution_id, purpose, one.seed, one.size, bytes(one.size // 8), now)
            for one, purpose in ((revocation, "revocation"), (suspension, "suspension"))
        ],
    )


async def reserve(tx: Transaction, institution_id: UUID, count: int) -> Reservation | None:
    """Take the next `count` positions of both open lists, for this process alone. None when fewer are left.

    The rows stay locked until the end, so this belongs in a short transaction of its own.
    """
    rows = await tx.fetch(
        "UPDATE status_list SET next = next + $2 WHERE institution_id = $1 AND is_open AND next + $2 <= size"
        " AND purpose <> 'message' RETURNING id, purpose, seed, size, next - $2 AS start",
        *(institution_id, count),
    )
    if len(rows) < 2:
        return None
    by_purpose = {row["purpose"]: OpenList(row["id"], row["seed"], row["size"]) for row in rows}
    return Reservation(by_purpose["revocation"], by_purpose["suspension"], rows[0]["start"], count)


async def close_open(tx: Transaction, institution_id: UUID) -> None:
    """Give no further position out from the open lists. Credentials that have one keep it."""
    await tx.execute(
        "UPDATE status_list SET is_open = false WHERE institution_id = $1 AND is_open AND purpose <> 'message'",
        institution_id,
    )


async def reserve_message(tx: Transaction, institution_id: UUID, entry_bits: int) -> Position | None:
    """The next position of the open list of messages with entries of so many bits; None when there is none left.

    The list stays locked until the end.
    """
    row = await tx.fetchrow(
        "UPDATE status_list SET next = next + 1 WHERE institution_id = $1 AND is_open AND purpose = 'message'"
        " AND entry_bits = $2 AND next < size RETURNING id, seed, size, next - 1 AS count",
        *(institution_id, entry_bits),
    )
    return None if row is None else OpenList(row["id"], row["seed"], row["size"]).at(row["count"])


async def open_message_list(
    tx: Transaction, institution_id: UUID, entry_bits: int, one: OpenList, now: datetime
) -> None:
    """Close the list of messages that is used up, where there is one, and open the next."""
    await tx.execute(
        "UPDATE status_list SET is_open = false WHERE institution_id = $1 AND is_open AND purpose = 'message'"
        " AND entry_bits = $2",
        *(institution_id, entry_bits),
    )
    await tx.execute(
        "INSERT INTO status_list (id, institution_id, purpose, entry_bits, seed, size, bits, created_at, updated_at)"
        " VALUES ($1, $2, 'message', $3, $4, $5, $6, $7, $7)",
        *(one.id, institution_id, entry_bits, one.seed, one.size, bytes(one.size * entry_bits // 8), now),
    )


async def set_value(tx: Transaction, place: Position, entry_bits: int, value: int, now: datetime) -> None:
    """Say in a list of messages which one holds. The list stays locked until the end."""
    raw = await tx.fetchval("SELECT bits FROM status_list WHERE id = $1 FOR UPDATE", place.list_id)
    changed = StatusList(raw)
    changed.set_value(place.index, entry_bits, value)
    await tx.execute(
        "UPDATE status_list SET bits = $2, version = version + 1, updated_at = $3 WHERE id = $1",
        *(place.list_id, bytes(changed), now),
    )


async def set_bit(tx: Transaction, position: Position, bit: bool, now: datetime) -> None:
    """Say in the list what became of a credential. The list stays locked until the end.

    The specification counts bits from the left of each byte, PostgreSQL from the right.
    """
    at = (position.index & ~7) | (7 - (position.index & 7))
    await tx.execute(
        "UPDATE status_list SET bits = set_bit(bits, $2, $3), version = version + 1, updated_at = $4 WHERE id = $1",
        *(position.list_id, at, int(bit), now),
    )


async def version(tx: Transaction, list_id: UUID) -> ListVersion:
    """What the list is now, cheap to ask. Raises Unknown."""
    row = await tx.fetchrow(
        "SELECT id, institution_id, purpose, version, updated_at FROM status_list WHERE id = $1", list_id
    )
    if row is None:
        raise Unknown("There is no such status list.")
    return ListVersion(*row)


async def bits(tx: Transaction, list_id: UUID) -> tuple[ListVersion, bytes]:
    """The list with its bits. Raises Unknown."""
    row = await tx.fetchrow(
        "SELECT id, institution_id, purpose, version, updated_at, bits FROM status_list WHERE id = $1", list_id
    )
    if row is None:
        raise Unknown("There is no such status list.")
    return ListVersion(*row[:5]), row["bits"]
