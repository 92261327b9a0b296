"""A letter as an Internet message (RFC 5322): its headers, its two bodies, its envelope."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from uuid import UUID

from services.notifier.domain.mailbox import Mailbox, UnusableAddress
from services.notifier.domain.tidy import tidy
from services.notifier.domain.wording import Content

_NAME = 100
_SUBJECT = 200
_WHOLE = frozenset({"list-unsubscribe", "message-id"})
_REFERENCE = re.compile(r"([0-9a-f]{32})\.\d{1,6}")


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom letters come from. `bounces` is where what cannot be delivered goes back to, the sender itself if None; the
    letter is named in its local part, `bounces+<letter>@…` (VERP)."""

    mailbox: Mailbox
    bounces: Mailbox | None

    def envelope(self, reference: str) -> str:
        """The envelope's sender for one letter."""
        if self.bounces is None:
            return self.mailbox.address
        return f"{self.bounces.local}+{reference}@{self.bounces.domain}"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is handed to a mail server. `utf8` is True where it must know SMTPUTF8."""

    name: str
    sender: str
    recipient: str
    message: bytes
    utf8: bool


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes to whom; the sender is shown under the institution's name, for that is who writes.

    `unsubscribe` is the address of the one-click page, None for letters that have none.
    """

    sender: Sender
    institution: str
    reply_to: str | None
    recipient: Mailbox
    unsubscribe: str | None


class _Folding(EmailPolicy):
    """Long headers are folded, but for what would not survive it: an address becomes an encoded word that no mail
    program looks into. A line may have 998 characters (RFC 5322, 2.1.1)."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in _WHOLE:
            return f"{name}: {value}{self.linesep}".encode()
        return super().fold_binary(name, value)


def reference_of(letter_id: UUID, edition: int) -> str:
    """What names a letter to mail servers: the same for every try of an edition."""
    return f"{letter_id.hex}.{edition}"


def letter_named(text: str) -> UUID | None:
    """The letter whose reference stands in a Message-ID or an address, or None."""
    found = _REFERENCE.search(text)
    return UUID(found[1]) if found else None


def parcel(envelope: Envelope, content: Content, reference: str, now: datetime) -> Parcel:
    """The finished message. Raises UnusableAddress for an institution's address that cannot be answered."""
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(replace(envelope.sender.mailbox, name=envelope.institution))
    message["To"] = _address(envelope.recipient)
    if envelope.reply_to is not None:
        message["Reply-To"] = _address(Mailbox.of(envelope.reply_to, envelope.institution))
    message["Subject"] = tidy(content.subject, _SUBJECT)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{reference}@{envelope.sender.mailbox.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    _add_unsubscribe(message, envelope.unsubscribe)
    message.set_content(content.text, cte="quoted-printable")
    message.add_alternative(content.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = content.language
    utf8 = envelope.recipient.needs_utf8
    raw = message.as_bytes(policy=_Folding(linesep="\r\n", utf8=utf8))
    return Parcel(reference, envelope.sender.envelope(reference), envelope.recipient.address, raw, utf8)


def _add_unsubscribe(message: EmailMessage, url: str | None) -> None:
    """One click without opening anything (RFC 8058), which mail programs believe for https alone."""
    if url is None:
        return
    message["List-Unsubscribe"] = f"<{url}>"
    if url.startswith("https://"):
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _address(mailbox: Mailbox) -> Address:
    try:
        return Address(tidy(mailbox.name or "", _NAME), mailbox.local, mailbox.domain)
    except ValueError:
        raise UnusableAddress("not an address for a header") from None
