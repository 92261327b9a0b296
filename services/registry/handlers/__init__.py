"""What the registry reacts to."""

from services.registry.handlers import issuer_events, verifier_events
from shared.events.catalogue import (
    AchievementArchived,
    AchievementPublished,
    AchievementRevised,
    CredentialIssued,
    CredentialReinstated,
    CredentialRevoked,
    CredentialSuspended,
    CredentialVerified,
    InstitutionRegistered,
    InstitutionSuspended,
    InstitutionUpdated,
)
from shared.inbox.dispatch import Handlers

HANDLERS: Handlers = {
    InstitutionRegistered: issuer_events.institution_registered,
    InstitutionUpdated: issuer_events.institution_updated,
    InstitutionSuspended: issuer_events.institution_suspended,
    AchievementPublished: issuer_events.achievement_published,
    AchievementRevised: issuer_events.achievement_revised,
    AchievementArchived: issuer_events.achievement_archived,
    CredentialIssued: issuer_events.credential_issued,  # record, counts, credential.registered
    CredentialRevoked: issuer_events.credential_changed,
    CredentialSuspended: issuer_events.credential_changed,
    CredentialReinstated: issuer_events.credential_changed,
    CredentialVerified: verifier_events.credential_verified,  # demand
}
