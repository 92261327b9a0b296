"""Every event type there is, in one table. A type never changes incompatibly: a new version is a new class."""

from shared.events.catalogue.achievement import AchievementArchived, AchievementPublished, AchievementRevised
from shared.events.catalogue.credential import (
    CredentialExpired,
    CredentialIssued,
    CredentialRegistered,
    CredentialReinstated,
    CredentialRevoked,
    CredentialSuspended,
    CredentialVerified,
)
from shared.events.catalogue.delivery import EndpointDisabled, EndpointFailing, MessageExhausted
from shared.events.catalogue.institution import (
    InstitutionRegistered,
    InstitutionSuspended,
    InstitutionUpdated,
    KeyActivated,
    KeyCompromised,
    KeyRetired,
)
from shared.events.catalogue.learner import (
    ClaimOffered,
    CredentialClaimed,
    CredentialShared,
    CredentialUnshared,
    LearnerErased,
    ShareChanged,
)
from shared.events.catalogue.platform import PlatformRegistered, PlatformSuspended, PlatformUpdated
from shared.events.envelope import Event

ISSUER_TOPIC = "issuer.events"
REGISTRY_TOPIC = "registry.events"
VERIFIER_TOPIC = "verifier.events"
NOTIFIER_TOPIC = "notifier.events"
TOPICS = (ISSUER_TOPIC, REGISTRY_TOPIC, VERIFIER_TOPIC, NOTIFIER_TOPIC)

EVENT_TYPES: tuple[type[Event], ...] = (
    InstitutionRegistered,
    InstitutionUpdated,
    InstitutionSuspended,
    KeyActivated,
    KeyRetired,
    KeyCompromised,
    AchievementPublished,
    AchievementRevised,
    AchievementArchived,
    CredentialIssued,
    CredentialRevoked,
    CredentialSuspended,
    CredentialReinstated,
    CredentialExpired,
    LearnerErased,
    CredentialRegistered,
    CredentialVerified,
    ClaimOffered,
    CredentialClaimed,
    CredentialShared,
    CredentialUnshared,
    ShareChanged,
    PlatformRegistered,
    PlatformUpdated,
    PlatformSuspended,
    EndpointFailing,
    EndpointDisabled,
    MessageExhausted,
)

BY_TYPE: dict[str, type[Event]] = {event.TYPE: event for event in EVENT_TYPES}
BY_SHORT_NAME: dict[str, type[Event]] = {event.short_name(): event for event in EVENT_TYPES}

__all__ = [
    "BY_SHORT_NAME",
    "BY_TYPE",
    "EVENT_TYPES",
    "ISSUER_TOPIC",
    "NOTIFIER_TOPIC",
    "REGISTRY_TOPIC",
    "TOPICS",
    "VERIFIER_TOPIC",
    "AchievementArchived",
    "AchievementPublished",
    "AchievementRevised",
    "ClaimOffered",
    "CredentialClaimed",
    "CredentialExpired",
    "CredentialIssued",
    "CredentialRegistered",
    "CredentialReinstated",
    "CredentialRevoked",
    "CredentialShared",
    "CredentialSuspended",
    "CredentialUnshared",
    "CredentialVerified",
    "EndpointDisabled",
    "EndpointFailing",
    "InstitutionRegistered",
    "InstitutionSuspended",
    "InstitutionUpdated",
    "KeyActivated",
    "KeyCompromised",
    "KeyRetired",
    "LearnerErased",
    "MessageExhausted",
    "PlatformRegistered",
    "PlatformSuspended",
    "PlatformUpdated",
    "ShareChanged",
]
