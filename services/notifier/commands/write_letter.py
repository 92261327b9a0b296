"""Put letters in line: to the learner of a credential, or to whoever an endpoint belongs to."""

from datetime import datetime
from uuid import UUID

from services.notifier.domain.letter import WARNINGS, InstitutionKind, LearnerKind
from services.notifier.store import addressees, letters
from services.notifier.store.letters import NewLetter
from shared.credentials.sealing import Sealer
from shared.events.ids import new_id
from shared.postgres.database import Transaction

_WARNINGS_AT_ONCE = 1000


async def write_learner_letter(
    tx: Transaction,
    kind: LearnerKind,
    *,
    credential_id: UUID,
    institution_id: UUID,
    event_id: UUID,
    now: datetime,
) -> None:
    """A letter about a credential, once an event; once a credential too, except for links somebody asked for."""
    letter = NewLetter(new_id(), institution_id, kind, now, credential_id=credential_id, event_id=event_id)
    await letters.add(tx, letter)


async def write_claim_letter(
    tx: Transaction,
    kind: LearnerKind,
    *,
    credential_id: UUID,
    institution_id: UUID,
    event_id: UUID,
    link: str,
    link_expires_at: datetime,
    sealer: Sealer,
    now: datetime,
) -> None:
    """A letter with a claim link, kept sealed until it expires. It waits where credential.issued was not heard yet: the
    two come by different topics."""
    await addressees.expect(tx, credential_id, institution_id)
    letter_id = new_id()
    await letters.add(
        tx,
        NewLetter(
            letter_id,
            institution_id,
            kind,
            now,
            credential_id=credential_id,
            event_id=event_id,
            link=sealer.seal(link.encode(), letters.LINKS, letter_id),
            link_expires_at=link_expires_at,
        ),
    )


async def write_institution_letter(
    tx: Transaction, kind: InstitutionKind, *, institution_id: UUID, endpoint_id: UUID, now: datetime
) -> None:
    """A letter about an endpoint to the address that its institution, or platform, gave for itself. Calling it twice
    writes two."""
    await letters.add(tx, NewLetter(new_id(), institution_id, kind, now, endpoint_id=endpoint_id))


async def write_warnings(tx: Transaction, now: datetime) -> int:
    """Letters to all whose credential expires soon and who were not warned yet; gives how many, 1000 a kind at most."""
    written = 0
    for position, (kind, ahead) in enumerate(WARNINGS):
        nearer = WARNINGS[position + 1][1] if position + 1 < len(WARNINGS) else ahead - ahead
        written += await letters.add_warnings(tx, kind, ahead, nearer, now, _WARNINGS_AT_ONCE)
    return written
