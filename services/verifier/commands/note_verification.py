"""Tell the institution's side that a credential of theirs was verified (credential.verified)."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.verifier.domain.answer import Verdict
from services.verifier.store import credentials
from shared.events.catalogue import CredentialVerified
from shared.events.envelope import Event
from shared.outbox import outbox
from shared.postgres.database import Transaction

MOST_WAITING = 20_000


@dataclass(frozen=True, slots=True)
class Note:
    """One verification of a credential of ours. `traceparent` is the request's."""

    verification_id: UUID
    credential_id: UUID
    institution_id: UUID
    achievement_id: UUID | None
    verdict: Verdict
    at: datetime
    traceparent: str | None = None


class Notes:
    """Verifications answered but not yet in the outbox. Lost when the process is killed (docs/decisions/0049)."""

    def __init__(self) -> None:
        self._waiting: deque[Note] = deque()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, note: Note) -> None:
        """Keep a note; beyond the bound, while the database is away, the new one is dropped and counted."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(note)
        else:
            self.dropped += 1

    def take(self, most: int) -> list[Note]:
        """The oldest notes, which are then the caller's."""
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def give_back(self, notes: Sequence[Note]) -> None:
        """Put notes back to the front."""
        self._waiting.extendleft(reversed(notes))


async def append_notes(tx: Transaction, notes: Sequence[Note]) -> None:
    """One credential.verified each, numbered within its credential, in the order the notes were made."""
    counted = Counter(note.credential_id for note in notes)
    institutions = {note.credential_id: note.institution_id for note in notes}
    reached = await credentials.count_verifications(tx, counted, institutions)
    versions = {credential_id: reached[credential_id] - number for credential_id, number in counted.items()}
    events: list[tuple[Event, datetime, str | None]] = []
    for note in notes:
        versions[note.credential_id] += 1
        event = CredentialVerified(
            version=versions[note.credential_id],
            verification_id=note.verification_id,
            credential_id=note.credential_id,
            institution_id=note.institution_id,
            achievement_id=note.achievement_id,
            verdict=note.verdict,
            verified_at=note.at,
        )
        events.append((event, note.at, note.traceparent))
    await outbox.append_all(tx, events)
