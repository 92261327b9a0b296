"""Admit an institution: it gets a DID, a signing key and a client."""

from dataclasses import dataclass
from datetime import datetime

from services.issuer.commands import announce
from services.issuer.commands.activate_key import activate_key
from services.issuer.commands.create_client import NewClient, create_client
from services.issuer.domain.addresses import Addresses
from services.issuer.domain.institution import Institution, Profile, bump
from services.issuer.domain.scopes import INSTITUTION_SCOPES
from services.issuer.store import institutions
from shared.credentials.sealing import Sealer
from shared.events.ids import new_id
from shared.outbox import outbox
from shared.postgres.database import Transaction


@dataclass(frozen=True, slots=True)
class Registered:
    """The institution and its first client, whose secret is shown this once."""

    institution: Institution
    client: NewClient


async def register_institution(
    tx: Transaction, slug: str, profile: Profile, *, sealer: Sealer, addresses: Addresses, now: datetime
) -> Registered:
    """Write the institution with institution.registered, then its first key with key.activated. Raises SlugTaken."""
    registered = Institution(
        id=new_id(),
        slug=slug,
        did=addresses.did(slug),
        profile=profile,
        state="active",
        suspended_reason=None,
        version=1,
        created_at=now,
        updated_at=now,
    )
    await institutions.add(tx, registered)
    await outbox.append(tx, announce.institution_registered(registered), at=now)
    institution = bump(registered, now)
    await activate_key(tx, institution, 1, "Ed25519", sealer=sealer, now=now)
    await institutions.save(tx, institution)
    client = await create_client(tx, institution.id, "first client", INSTITUTION_SCOPES, now=now)
    return Registered(institution, client)
