"""What the registry reacts to."""

from services.registry.handlers import issuer_events, verifier_events
from shared.events.catalogue import (
    AchievementArchived,
    AchievementPublished,
    AchievementRevised,
    CredentialExpired,
    CredentialIssued,
    CredentialReinstated,
    CredentialRevoked,
    CredentialSuspended,
    CredentialVerified,
    InstitutionRegistered,
    InstitutionSuspended,
    InstitutionUpdated,
    LearnerErased,
    PlatformRegistered,
    PlatformSuspended,
    PlatformUpdated,
)
from shared.inbox.dispatch import Handlers

HANDLERS: Handlers = {
    InstitutionRegistered: issuer_events.institution_registered,
    InstitutionUpdated: issuer_events.institution_updated,
    InstitutionSuspended: issuer_events.institution_suspended,
    AchievementPublished: issuer_events.achievement_published,
    AchievementRevised: issuer_events.achievement_revised,
    AchievementArchived: issuer_events.achievement_archived,
    PlatformRegistered: issuer_events.platform_described,
    PlatformUpdated: issuer_events.platform_described,
    PlatformSuspended: issuer_events.platform_suspended,  # its shares are withdrawn by a worker
    CredentialIssued: issuer_events.credential_issued,  # record, counts, credential.registered, claim
    CredentialRevoked: issuer_events.credential_changed,  # record, counts, share.changed
    CredentialSuspended: issuer_events.credential_changed,
    CredentialReinstated: issuer_events.credential_changed,
    CredentialExpired: issuer_events.credential_expired,  # share.changed
    LearnerErased: issuer_events.learner_erased,  # claim
    CredentialVerified: verifier_events.credential_verified,  # demand
}
