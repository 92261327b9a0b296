"""Find out how the address that a credential was issued to stands with letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.notifier.domain.mailbox import mailbox_of
from services.notifier.store import addressees, refusals
from services.notifier.store.addressees import Known
from shared.credentials.sealing import CannotUnseal, Sealer
from shared.postgres.database import Transaction


@dataclass(frozen=True, slots=True)
class Standing:
    """`indexes` are the address's keyed hashes, none where there is no address, or none any more."""

    language: str | None
    indexes: Sequence[bytes]
    unsubscribed: bool


async def read_standing(tx: Transaction, credential_id: UUID, *, sealer: Sealer) -> Standing:
    """Whether letters to the address were ended, by the link in whichever of them and under whichever of our keys."""
    known = await addressees.find(tx, credential_id)
    indexes = _indexes(known, credential_id, sealer)
    return Standing(known.language, indexes, "unsubscribed" in await refusals.find(tx, indexes))


def _indexes(known: Known, credential_id: UUID, sealer: Sealer) -> Sequence[bytes]:
    """An address that cannot be opened, as its key is gone, is still known by the hash beside it."""
    if known.address is None or known.index is None:
        return ()
    try:
        mailbox = mailbox_of(sealer.unseal(known.address, addressees.TABLE, credential_id))
    except CannotUnseal:
        return (known.index,)
    return sealer.blind_indexes(mailbox.searchable)
