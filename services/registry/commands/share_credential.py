"""Let a platform show a credential: the learner's consent, and all that a profile needs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from services.registry.domain.addresses import Addresses
from services.registry.domain.profile import Issuer, profile_entry
from services.registry.domain.share import (
    CONSENT_VERSION,
    SHARES_A_DAY,
    Platform,
    PlatformIsSuspended,
    Share,
    TooManyShares,
    require_shareable,
)
from services.registry.store import claims, institutions, records, shares
from services.registry.store.claims import Claim
from shared.events.catalogue import CredentialShared
from shared.events.ids import new_id
from shared.outbox import outbox
from shared.postgres.database import Transaction


@dataclass(frozen=True, slots=True)
class Shared:
    """A live consent; `is_new` unless the learner had given it before."""

    share: Share
    is_new: bool


async def share_credential(
    tx: Transaction, credential_id: UUID, platform: Platform, *, consent: str, addresses: Addresses, now: datetime
) -> Shared:
    """Record the consent, in the words that the learner read, and tell the platform (credential.shared); once while it
    lives.

    The credential can be claimed, which a learner's token is proof of. Raises NotShareable, PlatformIsSuspended,
    TooManyShares.
    """
    claim = await claims.lock(tx, credential_id)
    assert claim is not None
    require_shareable(claim.standing)
    if platform.state != "active":
        raise PlatformIsSuspended
    latest = await shares.latest(tx, credential_id, platform.id)
    if latest is not None and latest.state == "shared":
        return Shared(latest, False)
    if await shares.count_since(tx, credential_id, platform.id, now - timedelta(days=1)) >= SHARES_A_DAY:
        raise TooManyShares
    share = _consent(claim, platform, consent, await claims.next_version(tx, credential_id), now)
    known = await institutions.get(tx, claim.institution_id)
    issuer = Issuer(known.name, known.url, known.linkedin_organization_id) if known else None
    await shares.add(tx, share, issuer)
    served = await records.document(tx, credential_id)
    assert served is not None
    await outbox.append(tx, shared_event(share, issuer, served.document, addresses), at=now)
    return Shared(share, True)


def shared_event(share: Share, issuer: Issuer | None, document: bytes, addresses: Addresses) -> CredentialShared:
    """What the platform is told of a consent, the first time and again in a replay."""
    url = addresses.credential(share.credential_id)
    return CredentialShared(
        version=share.shared_version,
        share_id=share.share_id,
        credential_id=share.credential_id,
        institution_id=share.institution_id,
        achievement_id=share.achievement_id,
        platform_id=share.platform_id,
        entry=profile_entry(orjson.loads(document), share.credential_id, url, issuer),
        shared_at=share.shared_at,
    )


def _consent(claim: Claim, platform: Platform, text: str, version: int, now: datetime) -> Share:
    return Share(
        share_id=new_id(),
        credential_id=claim.credential_id,
        institution_id=claim.institution_id,
        achievement_id=claim.achievement_id,
        platform_id=platform.id,
        state="shared",
        status=claim.standing.shown,
        consent_version=CONSENT_VERSION,
        consent=text,
        shared_at=now,
        shared_version=version,
        withdrawn_at=None,
        withdrawn_by=None,
        withdrawn_version=None,
        removed_at=None,
    )
