"""One credential's life. Keyed by credential, so every consumer sees a life in order."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.events.envelope import Event

_ISSUER, _REGISTRY, _VERIFIER = "issuer.events", "registry.events", "verifier.events"


class StatusEntry(BaseModel):
    """One position of the credential in a Bitstring Status List (Bitstring Status List 1.0, 2.1)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: Literal["revocation", "suspension"]
    status_list_credential: str = Field(description="URL of the status list.")
    index: int = Field(ge=0)


class Sealed(BaseModel):
    """A text that only services with the recipient key can read (`LAUREL_RECIPIENT_KEY`): topics hold no address.

    AES-256-GCM; bound to what the text is and to the credential it belongs to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ciphertext: str = Field(description="Nonce and ciphertext, in base64url without padding.")
    key_id: str


class CredentialIssued(Event, type="org.laurel.credential.issued.v1", topic=_ISSUER, key="credential_id"):
    """A signed credential exists. Sent once for each credential, before any other event about it."""

    credential_id: UUID
    institution_id: UUID
    achievement_id: UUID
    issuer: str = Field(description="DID of the issuer.")
    document: dict[str, Any] = Field(
        description="The signed Open Badges 3.0 credential, exactly as answered to the institution."
    )
    status_entries: list[StatusEntry]
    recipient: Sealed | None = Field(
        None, description="Whom to write to: JSON with `email`, `name` and `language`. None for one without an address."
    )
    issued_at: datetime


class _StatusChanged(Event):
    credential_id: UUID
    institution_id: UUID
    status_entry: StatusEntry = Field(description="The position whose bit changed.")
    reason: str
    changed_at: datetime
    achievement_id: UUID | None = None


class CredentialRevoked(_StatusChanged, type="org.laurel.credential.revoked.v1", topic=_ISSUER, key="credential_id"):
    """The credential is void, for ever."""


class CredentialSuspended(
    _StatusChanged, type="org.laurel.credential.suspended.v1", topic=_ISSUER, key="credential_id"
):
    """The credential is void until it is reinstated."""


class CredentialReinstated(
    _StatusChanged, type="org.laurel.credential.reinstated.v1", topic=_ISSUER, key="credential_id"
):
    """The suspension is over."""


class CredentialExpired(Event, type="org.laurel.credential.expired.v1", topic=_ISSUER, key="credential_id"):
    """The last moment of the credential's validity has passed. Not sent for one that was revoked before."""

    credential_id: UUID
    institution_id: UUID
    expired_at: datetime = Field(description="The credential's `validUntil`.")
    achievement_id: UUID | None = None


class CredentialRegistered(Event, type="org.laurel.credential.registered.v1", topic=_REGISTRY, key="credential_id"):
    """The credential is on the public record and can be fetched from its own address."""

    credential_id: UUID
    institution_id: UUID
    achievement_id: UUID
    document_sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the document's JCS form (RFC 8785), in hex."
    )
    registered_at: datetime


class CredentialVerified(Event, type="org.laurel.credential.verified.v1", topic=_VERIFIER, key="credential_id"):
    """Somebody checked a credential of ours. Never says who asked, nor who the learner is."""

    verification_id: UUID
    credential_id: UUID
    institution_id: UUID
    verdict: Literal["valid", "valid-with-warnings", "outside-dates", "revoked-or-suspended", "cannot-tell", "forged"]
    verified_at: datetime
    achievement_id: UUID | None = None
