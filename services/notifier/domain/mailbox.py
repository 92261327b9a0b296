"""E-mail addresses as letters need them: spelt for the envelope, and in the one form that equal ones share."""

from dataclasses import dataclass

import idna
import orjson


class UnusableAddress(Exception):
    """No letter can be addressed to this."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with its domain in ASCII (RFC 5891), and the name of whoever reads it."""

    local: str
    domain: str
    name: str | None = None

    @classmethod
    def of(cls, address: str, name: str | None = None) -> "Mailbox":
        """Raises UnusableAddress for what is no address, or would break out of a command or a header."""
        local, at, domain = address.strip().rpartition("@")
        if not (at and local and domain) or len(address) > 320:
            raise UnusableAddress("not an address")
        if not local.isprintable() or any(character in ' <>()[],;:\\"' for character in local):
            raise UnusableAddress("the local part has characters that would have to be quoted")
        try:
            ascii_domain = idna.encode(domain, uts46=True, transitional=False).decode()
        except (idna.IDNAError, UnicodeError):
            raise UnusableAddress("the domain is not one") from None
        return cls(local, ascii_domain, name)

    @property
    def address(self) -> str:
        """As it stands in the envelope."""
        return f"{self.local}@{self.domain}"

    @property
    def needs_utf8(self) -> bool:
        """Whether only servers with SMTPUTF8 (RFC 6531) can take it."""
        return not self.local.isascii()

    @property
    def searchable(self) -> str:
        """What the blind index is made of: addresses compare without regard to case."""
        return f"email:{self.address.lower()}"


@dataclass(frozen=True, slots=True)
class Recipient:
    """What an event says of whom to write to: JSON with `email`, `name` and `language`."""

    mailbox: Mailbox
    language: str | None

    @classmethod
    def from_letter(cls, text: str) -> "Recipient":
        """Read what the issuer sealed. Raises UnusableAddress."""
        try:
            found = orjson.loads(text)
            return cls(Mailbox.of(found["email"], found.get("name")), found.get("language"))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise UnusableAddress("not a recipient") from None

    def stored(self) -> bytes:
        """What is kept sealed: the mailbox. The language is no secret and is needed without the key."""
        return orjson.dumps({"email": self.mailbox.address, "name": self.mailbox.name})


def mailbox_of(stored: bytes) -> Mailbox:
    """The mailbox that `Recipient.stored` kept."""
    found = orjson.loads(stored)
    return Mailbox.of(found["email"], found["name"])
