"""The issuer's facts become the verifier's own copy of keys and status. A fact handled twice has no further effect."""

import hashlib

from services.verifier.store import credentials, issuers
from services.verifier.store.credentials import Known
from services.verifier.store.issuers import Profile
from shared.credentials import CanonicalError, jcs
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
from shared.events.envelope import Envelope
from shared.inbox.dispatch import InvalidMessage
from shared.postgres.database import Transaction


async def institution_described(
    tx: Transaction, _: Envelope, event: InstitutionRegistered | InstitutionUpdated
) -> None:
    """An institution's first or new profile."""
    await issuers.put(tx, Profile(event.institution_id, event.did, event.name, event.url), event.version)


async def institution_suspended(tx: Transaction, _: Envelope, event: InstitutionSuspended) -> None:
    """An institution may not issue any more. Raises InvalidMessage when its registration was never heard of."""
    if not await issuers.suspend(tx, event.institution_id, event.version, event.suspended_at):
        raise InvalidMessage("unknown-institution", f"institution {event.institution_id} is not known")


async def key_activated(tx: Transaction, _: Envelope, event: KeyActivated) -> None:
    """A key that proofs may be made with from now on."""
    await issuers.activate_key(
        tx,
        event.verification_method,
        event.institution_id,
        event.did,
        event.public_key_multibase,
        event.activated_at,
    )


async def key_retired(tx: Transaction, _: Envelope, event: KeyRetired) -> None:
    """A key that signs no more. Raises InvalidMessage when its activation was never heard of."""
    if not await issuers.retire_key(tx, event.verification_method, event.retired_at):
        raise _unknown_key(event.verification_method)


async def key_compromised(tx: Transaction, _: Envelope, event: KeyCompromised) -> None:
    """A key that somebody else may hold. Raises InvalidMessage when its activation was never heard of."""
    if not await issuers.compromise_key(tx, event.verification_method, event.compromised_at, event.reason):
        raise _unknown_key(event.verification_method)


async def credential_issued(tx: Transaction, _: Envelope, event: CredentialIssued) -> None:
    """A credential exists, neither revoked nor suspended.

    Raises InvalidMessage for a document that no JSON can carry exactly.
    """
    try:
        canonical = jcs(event.document)
    except CanonicalError as error:
        raise InvalidMessage(error.code, error.detail) from error
    known = Known(
        credential_id=event.credential_id,
        institution_id=event.institution_id,
        issuer=event.issuer,
        document_sha256=hashlib.sha256(canonical).digest(),
        issued_at=event.issued_at,
    )
    await credentials.add(tx, known, event.status_entries, event.version)


async def bit_set(tx: Transaction, _: Envelope, event: CredentialRevoked | CredentialSuspended) -> None:
    """The credential is void, for ever or for now. Raises InvalidMessage when it was never issued."""
    await _change(tx, event, is_set=True)


async def bit_cleared(tx: Transaction, _: Envelope, event: CredentialReinstated) -> None:
    """The suspension is over. Raises InvalidMessage when the credential was never issued."""
    await _change(tx, event, is_set=False)


async def _change(
    tx: Transaction, event: CredentialRevoked | CredentialSuspended | CredentialReinstated, *, is_set: bool
) -> None:
    if not await credentials.set_bit(tx, event.status_entry, is_set, event.version):
        raise InvalidMessage("unknown-credential", f"no status entry of credential {event.credential_id} is known")


def _unknown_key(verification_method: str) -> InvalidMessage:
    return InvalidMessage("unknown-key", f"{verification_method[:200]} is not known")
