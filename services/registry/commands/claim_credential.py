"""Trade a one-time code for a learner's token."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.registry.domain.claim import TOKEN_LIFETIME, digest, new_token
from services.registry.store import claims, learner_tokens
from shared.events.catalogue import CredentialClaimed
from shared.outbox import outbox
from shared.postgres.database import Transaction


@dataclass(frozen=True, slots=True)
class Claimed:
    """The token in the clear, which is kept nowhere, and the credential it is for."""

    token: str
    credential_id: UUID


async def claim_credential(tx: Transaction, code: str, *, now: datetime) -> Claimed:
    """Use the code up and make a token for its credential; the first one of a credential is announced
    (credential.claimed). Of two requests at once one gets the token. Raises UnknownCode, UsedCode, ExpiredCode.
    """
    credential_id = await claims.use_code(tx, digest(code), now)
    first = await claims.mark_claimed(tx, credential_id, now)
    if first is not None:
        institution_id, achievement_id, version = first
        event = claimed_event(credential_id, institution_id, achievement_id, version, now)
        await outbox.append(tx, event, at=now)
    token = new_token()
    await learner_tokens.add(tx, digest(token), credential_id, now, now + TOKEN_LIFETIME)
    return Claimed(token, credential_id)


def claimed_event(
    credential_id: UUID, institution_id: UUID, achievement_id: UUID, version: int, at: datetime
) -> CredentialClaimed:
    """What is announced of a credential's first claim, the first time and again in a replay."""
    return CredentialClaimed(
        version=version,
        credential_id=credential_id,
        institution_id=institution_id,
        achievement_id=achievement_id,
        claimed_at=at,
    )
