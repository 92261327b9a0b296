"""Documents that institutions had secured as they gave them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.issuer.domain.credential import ListPurpose, Position
from services.issuer.domain.errors import Unknown, WrongState
from shared.postgres.database import Transaction

PURPOSES: tuple[ListPurpose, ...] = ("revocation", "suspension", "message")


@dataclass(frozen=True, slots=True)
class Secured:
    """One signed document. `credential_id` is what its status is changed by; a position for each purpose asked for."""

    id: UUID
    institution_id: UUID
    credential_id: str | None
    document: bytes
    positions: dict[ListPurpose, Position]
    message_bits: int | None
    issued_at: datetime


async def add_if_current(tx: Transaction, secured: Secured, institution_version: int) -> bool:
    """Insert the document if institution and keys are what it was signed with; False when they changed.

    The institution's row is share-locked, as when a badge is issued. Raises WrongState for a name that is taken.
    """
    places = [secured.positions.get(purpose) for purpose in PURPOSES]
    try:
        added = await tx.fetchval(
            "INSERT INTO secured_credential (id, institution_id, credential_id, document, revocation_list,"
            " revocation_index, suspension_list, suspension_index, message_list, message_index, message_bits,"
            " issued_at)"
            " SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM institution i"
            " WHERE i.institution_id = $2 AND i.version = $13 AND i.state = 'active'"
            " FOR KEY SHARE OF i RETURNING true",
            *(secured.id, secured.institution_id, secured.credential_id, secured.document),
            *(part for place in places for part in ((place.list_id, place.index) if place else (None, None))),
            *(secured.message_bits, secured.issued_at, institution_version),
        )
    except asyncpg.UniqueViolationError:
        raise WrongState("A credential of this id has been issued already.") from None
    return bool(added)


async def position(tx: Transaction, credential_id: str, purpose: ListPurpose) -> tuple[Position, int]:
    """Where the document's status of a purpose stands, and how many bits it has.

    Raises Unknown where there is no such document or status.
    """
    row = await tx.fetchrow(
        "SELECT revocation_list, revocation_index, suspension_list, suspension_index, message_list, message_index,"
        " message_bits FROM secured_credential WHERE credential_id = $1 FOR UPDATE",
        credential_id,
    )
    if row is None or row[f"{purpose}_list"] is None:
        raise Unknown("There is no such credential, or it has no status of that purpose.")
    place = Position(row[f"{purpose}_list"], row[f"{purpose}_index"])
    return place, row["message_bits"] if purpose == "message" else 1
