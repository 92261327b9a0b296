"""Institutions and the keys they sign with. Keyed by institution, so a key never overtakes its institution."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from shared.events.envelope import Event

_TOPIC = "issuer.events"


class _InstitutionProfile(Event):
    institution_id: UUID
    slug: str
    did: str = Field(description="The DID the institution signs as.")
    name: str
    url: str
    email: str | None = None
    image: str | None = None
    linkedin_organization_id: int | None = Field(None, ge=1, description="The number of its page on LinkedIn.")


class InstitutionRegistered(
    _InstitutionProfile, type="org.laurel.institution.registered.v1", topic=_TOPIC, key="institution_id"
):
    """An institution may now publish achievements and issue credentials."""

    registered_at: datetime


class InstitutionUpdated(
    _InstitutionProfile, type="org.laurel.institution.updated.v1", topic=_TOPIC, key="institution_id"
):
    """The institution's public profile changed; carries the whole new profile."""

    updated_at: datetime


class InstitutionSuspended(Event, type="org.laurel.institution.suspended.v1", topic=_TOPIC, key="institution_id"):
    """The operator stopped the institution from issuing; what it issued before stays."""

    institution_id: UUID
    reason: str
    suspended_at: datetime


class _Key(Event):
    institution_id: UUID
    did: str
    verification_method: str = Field(description="DID URL of the key, as proofs name it.")


class KeyActivated(_Key, type="org.laurel.key.activated.v1", topic=_TOPIC, key="institution_id"):
    """A signing key is valid from `activated_at` on. Carries the public key, never the private one."""

    public_key_multibase: str = Field(description="The public key as a Multikey (Controlled Identifiers 1.0, 2.2.2).")
    activated_at: datetime


class KeyRetired(_Key, type="org.laurel.key.retired.v1", topic=_TOPIC, key="institution_id"):
    """The key signs no more; what it signed before `retired_at` stays valid."""

    retired_at: datetime


class KeyCompromised(_Key, type="org.laurel.key.compromised.v1", topic=_TOPIC, key="institution_id"):
    """Somebody else may hold the key; what it signed from `compromised_at` on is not to be believed."""

    compromised_at: datetime
    reason: str
