"""The learner a credential is about, as the institution named them and as the signed document may name them."""

import secrets
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from shared.credentials import hashed_identity

_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Recipient:
    """An e-mail address or a DID, perhaps a name, and the language (BCP 47) to write to them in.

    E-mail addresses compare without regard to case.
    """

    kind: Literal["email", "did"]
    value: str
    name: str | None = None
    language: str | None = None

    @classmethod
    def of(
        cls, *, email: str | None, did: str | None, name: str | None = None, language: str | None = None
    ) -> "Recipient":
        """Exactly one of `email` and `did` is given; the edge has checked that."""
        if email is not None:
            return cls("email", email.strip().lower(), name, language)
        assert did is not None
        return cls("did", did, name, language)

    @classmethod
    def from_stored(cls, raw: bytes) -> "Recipient":
        """The recipient that `stored` was made of; rows of earlier releases name no language."""
        return cls(**orjson.loads(raw))

    def stored(self) -> bytes:
        """What is kept of them, to be sealed."""
        return orjson.dumps(self)

    def letter(self) -> str | None:
        """What a letter to them needs, as JSON to be sealed; None for one without an e-mail address."""
        if self.kind != "email":
            return None
        return orjson.dumps({"email": self.value, "name": self.name, "language": self.language}).decode()

    @property
    def searchable(self) -> str:
        """What the blind index is made of."""
        return f"{self.kind}:{self.value}"


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject part of a document: an `id` or salted hashes, never an address or a name in the clear."""

    properties: dict[str, Any]
    recipient_id: str


def subject_of(recipient: Recipient) -> Subject:
    """How the document names the learner (Open Badges 3.0, IdentityObject): a DID as it is, the rest hashed.

    Each credential has its own salt, so two credentials of one learner do not show that they belong together.
    """
    identifiers = []
    if recipient.kind == "email":
        identifiers.append(_hashed(recipient.value, "emailAddress"))
    if recipient.name:
        identifiers.append(_hashed(recipient.name, "name"))
    properties: dict[str, Any] = {}
    if recipient.kind == "did":
        properties["id"] = recipient.value
    if identifiers:
        properties["identifier"] = identifiers
    named = recipient.value if recipient.kind == "did" else identifiers[0]["identityHash"]
    return Subject(properties, str(named))


def _hashed(value: str, identity_type: str) -> dict[str, Any]:
    return hashed_identity(value, identity_type, secrets.token_hex(_SALT_BYTES))
