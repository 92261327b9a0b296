"""What the verifier reacts to."""

from services.verifier.handlers import issuer_events
from shared.events.catalogue import (
    CredentialIssued,
    CredentialReinstated,
    CredentialRevoked,
    CredentialSuspended,
    InstitutionRegistered,
    InstitutionSuspended,
    InstitutionUpdated,
    KeyActivated,
    KeyCompromised,
    KeyRetired,
)
from shared.inbox.dispatch import Handlers

HANDLERS: Handlers = {
    InstitutionRegistered: issuer_events.institution_described,
    InstitutionUpdated: issuer_events.institution_described,
    InstitutionSuspended: issuer_events.institution_suspended,
    KeyActivated: issuer_events.key_activated,
    KeyRetired: issuer_events.key_retired,
    KeyCompromised: issuer_events.key_compromised,
    CredentialIssued: issuer_events.credential_issued,  # the credential and its status list entries
    CredentialRevoked: issuer_events.bit_set,
    CredentialSuspended: issuer_events.bit_set,
    CredentialReinstated: issuer_events.bit_cleared,
}
