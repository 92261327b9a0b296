"""The events about institutions and keys, built from records; the first time and again in a replay."""

from datetime import datetime
from typing import TypeVar

from services.issuer.domain.institution import Institution
from services.issuer.domain.signing_key import SigningKey
from shared.events.catalogue.institution import (
    InstitutionRegistered,
    InstitutionSuspended,
    InstitutionUpdated,
    KeyActivated,
    KeyCompromised,
    KeyRetired,
)

_Value = TypeVar("_Value", int, datetime)


def institution_registered(institution: Institution) -> InstitutionRegistered:
    """`institution` as it was at its first version."""
    profile = institution.profile
    return InstitutionRegistered(
        version=institution.version,
        institution_id=institution.id,
        slug=institution.slug,
        did=institution.did,
        name=profile.name,
        url=profile.url,
        email=profile.email,
        image=profile.image,
        linkedin_organization_id=profile.linkedin_organization_id,
        registered_at=institution.updated_at,
    )


def institution_updated(institution: Institution) -> InstitutionUpdated:
    """`institution` as it is after the update."""
    profile = institution.profile
    return InstitutionUpdated(
        version=institution.version,
        institution_id=institution.id,
        slug=institution.slug,
        did=institution.did,
        name=profile.name,
        url=profile.url,
        email=profile.email,
        image=profile.image,
        linkedin_organization_id=profile.linkedin_organization_id,
        updated_at=institution.updated_at,
    )


def institution_suspended(institution: Institution) -> InstitutionSuspended:
    """`institution` as it is after the suspension."""
    return InstitutionSuspended(
        version=institution.version,
        institution_id=institution.id,
        reason=institution.suspended_reason or "",
        suspended_at=institution.updated_at,
    )


def key_activated(key: SigningKey) -> KeyActivated:
    """The public half of a new key."""
    return KeyActivated(
        version=key.activated_version,
        institution_id=key.institution_id,
        did=key.did,
        verification_method=key.verification_method,
        public_key_multibase=key.public_key_multibase,
        activated_at=key.activated_at,
    )


def key_retired(key: SigningKey) -> KeyRetired:
    """A key that has been retired."""
    return KeyRetired(
        version=_given(key.retired_version),
        institution_id=key.institution_id,
        did=key.did,
        verification_method=key.verification_method,
        retired_at=_given(key.retired_at),
    )


def key_compromised(key: SigningKey) -> KeyCompromised:
    """A key that is known to be compromised."""
    return KeyCompromised(
        version=_given(key.compromised_version),
        institution_id=key.institution_id,
        did=key.did,
        verification_method=key.verification_method,
        compromised_at=_given(key.compromised_at),
        reason=key.compromised_reason or "",
    )


def _given(value: _Value | None) -> _Value:
    assert value is not None, "the record is in the state that the event tells of"
    return value
