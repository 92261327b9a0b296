"""From a letter that was taken to the message that goes out: is it still wanted, whom to, what does it say."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import structlog

from services.notifier.domain.content import Addresses
from services.notifier.domain.letter import Branding, ClaimedLetter, refused, why_not
from services.notifier.domain.mail import Envelope, Parcel, Sender, parcel, reference_of
from services.notifier.domain.mailbox import Mailbox, UnusableAddress, mailbox_of
from services.notifier.domain.posting import Reply, Settled
from services.notifier.domain.unsubscribing import token_of
from services.notifier.domain.wording import Facts, Wording
from services.notifier.store import addressees, letters, refusals
from shared.credentials.sealing import CannotUnseal, Sealer
from shared.postgres.database import Database

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ready:
    """A letter that can go out. `index` is the keyed hash of its address."""

    parcel: Parcel
    language: str
    index: bytes


@dataclass(frozen=True, slots=True)
class Writer:
    """One a process. `notifier` is the public base URL that unsubscribe links begin with."""

    db: Database
    sealer: Sealer
    wording: Wording
    sender: Sender
    addresses: Addresses
    notifier: str

    async def write(self, letter: ClaimedLetter, now: datetime) -> Ready | Settled | Reply:
        """The message; or that the letter is not to be sent, with the reason; or what keeps it from being written now.

        Raises Unavailable.
        """
        reason = why_not(letter, now)
        if reason is not None:
            return Settled("suppressed", reason)
        if letter.branding is None:  # its event comes by another partition
            return Reply("connection", error="institution-unknown")
        try:
            mailbox = self._recipient(letter, letter.branding)
            indexes = self.sealer.blind_indexes(mailbox.searchable)
            async with self.db.worker_connection() as connection:
                reason = refused(letter, await refusals.find(connection, indexes))
            return Settled("suppressed", reason) if reason else self._ready(letter, letter.branding, mailbox, now)
        except CannotUnseal as error:
            log.error("letter.unreadable", letter_id=str(letter.id), error=str(error))
            return Reply("connection", error="unreadable")
        except UnusableAddress:
            return Settled("suppressed", "no-address")

    def _recipient(self, letter: ClaimedLetter, branding: Branding) -> Mailbox:
        if letter.addressee is None:
            return Mailbox.of(branding.email or "", branding.name)
        assert letter.addressee.address is not None
        return mailbox_of(self.sealer.unseal(letter.addressee.address, addressees.TABLE, letter.credential_id))

    def _ready(self, letter: ClaimedLetter, branding: Branding, mailbox: Mailbox, now: datetime) -> Ready:
        facts = self._facts(letter, branding, mailbox)
        content = self.wording.letter(facts, letter.addressee.language if letter.addressee else None)
        reply_to = branding.email if letter.addressee else None
        envelope = Envelope(self.sender, branding.name, reply_to, mailbox, facts.unsubscribe)
        made = parcel(envelope, content, reference_of(letter.id, letter.edition), now)
        return Ready(made, content.language, self.sealer.blind_indexes(mailbox.searchable)[0])

    def _facts(self, letter: ClaimedLetter, branding: Branding, mailbox: Mailbox) -> Facts:
        if letter.addressee is None:
            return Facts(
                letter.kind,
                branding.name,
                branding.url,
                branding.image,
                host=urlsplit(letter.endpoint_url or "").hostname,  # the rest of the URL may be a secret
                endpoint=str(letter.endpoint_id),
                description=letter.endpoint_description,
            )
        assert letter.credential_id is not None
        public = f"{self.addresses.registry}/credentials/{letter.credential_id}"
        return Facts(
            letter.kind,
            branding.name,
            branding.url,
            branding.image,
            learner=mailbox.name,
            credential=letter.addressee.title,
            credential_url=public,
            valid_until=letter.addressee.valid_until,
            link_expires_at=letter.link_expires_at,
            button=self._link(letter) or public,
            unsubscribe=f"{self.notifier}/unsubscribe/{token_of(letter.credential_id, self.sealer)}",
        )

    def _link(self, letter: ClaimedLetter) -> str | None:
        return self.sealer.unseal(letter.link, letters.LINKS, letter.id).decode() if letter.link else None
