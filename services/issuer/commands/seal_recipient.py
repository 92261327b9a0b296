"""The learner of a credential, sealed twice: for our own row, and for those who write to learners."""

from uuid import UUID

from services.issuer.domain.recipient import Recipient
from services.issuer.store import credentials
from shared.credentials.sealing import Sealed, Sealer
from shared.events.catalogue import credential as events
from shared.events.sealed_text import seal_text


class RecipientSealer:
    """`rows` holds the keys of `LAUREL_KEK`, `recipients` those of `LAUREL_RECIPIENT_KEY`."""

    def __init__(self, rows: Sealer, recipients: Sealer) -> None:
        self._rows, self._recipients = rows, recipients

    def for_row(self, recipient: Recipient, credential_id: UUID) -> Sealed:
        """What the credential's row keeps."""
        return self._rows.seal(recipient.stored(), credentials.TABLE, credential_id)

    def from_row(self, sealed: Sealed, credential_id: UUID) -> Recipient:
        """Whom `for_row` was given. Raises CannotUnseal."""
        return Recipient.from_stored(self._rows.unseal(sealed, credentials.TABLE, credential_id))

    def for_event(self, recipient: Recipient, credential_id: UUID) -> events.Sealed | None:
        """What the event carries; None for a learner without an address."""
        letter = recipient.letter()
        return seal_text(self._recipients, letter, "recipient", credential_id) if letter else None

    def indexes(self, recipient: Recipient) -> list[bytes]:
        """What the learner's credentials are found by: the first is stored, a search compares with all."""
        return self._rows.blind_indexes(recipient.searchable)
