"""Claims and shares by way of the registry's commands, on a database of the test's own, and what is told of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson

from services.registry.commands.claim_credential import claim_credential
from services.registry.commands.offer_claims import Offerer
from services.registry.commands.share_credential import Shared, share_credential
from services.registry.domain.addresses import Addresses
from services.registry.handlers import HANDLERS
from services.registry.store import platforms
from shared.credentials import build_open_badge
from shared.credentials.sealing import Sealer
from shared.events.catalogue import CredentialIssued, PlatformRegistered, PlatformSuspended
from shared.events.catalogue.credential import Sealed
from shared.events.envelope import Envelope, Event
from shared.events.ids import new_id
from shared.events.sealed_text import seal_text, unseal_text
from shared.inbox import inbox
from shared.postgres.database import Database
from tests.fixtures.issuer import RECIPIENT_KEY
from tests.integration.registry_events import issued

NOW = datetime.now(UTC)
RECIPIENTS = Sealer.from_text(RECIPIENT_KEY)
ADDRESSES = Addresses("https://registry.example", "https://verifier.example")
OFFERER = Offerer(RECIPIENTS, ADDRESSES)


def issued_to(credential_id: UUID, email: str | None = "zoe@example.org") -> CredentialIssued:
    """The event of a new credential for somebody with that address."""
    sealed = seal_text(RECIPIENTS, orjson.dumps({"email": email}).decode(), "recipient", credential_id)
    document = build_open_badge(
        credential_id=ADDRESSES.credential(credential_id),
        issuer={"id": "did:web:i.example", "type": ["Profile"], "name": "U", "url": "https://u.example"},
        achievement={"id": "https://r.example/a", "type": ["Achievement"], "name": "Statistics"},
        subject={"identifier": []},
        valid_from=NOW,
    )
    return issued(credential_id, document=document, recipient=sealed if email else None)


async def take(db: Database, *events: Event, ids: list[UUID] | None = None, at: datetime = NOW) -> None:
    """As the consumer does: the inbox decides, under the events' ids, which are fresh ones unless given."""
    async with db.worker() as tx:
        for event, event_id in zip(events, ids or [new_id() for _ in events], strict=True):
            envelope = Envelope(event_id, event.TYPE, "/issuer", event.key, at, event.version)
            if await inbox.take(tx, [envelope]):
                await HANDLERS[type(event)](tx, envelope, event)


async def offer(db: Database, now: datetime = NOW) -> list[tuple[str, str]]:
    """Deal with all requests; gives (occasion, link) of each new event."""
    before = len(await told(db, "claim.offered"))
    async with db.worker() as tx:
        await OFFERER.offer_claims(tx, 1000, now=now)
    found = []
    for event in (await told(db, "claim.offered"))[before:]:
        sealed = Sealed.model_validate(event["link"])
        link = unseal_text(RECIPIENTS, sealed, "claim_link", UUID(event["credential_id"]))
        found.append((event["occasion"], link))
    return found


async def claim(db: Database, link: str, now: datetime = NOW) -> str:
    """The token that a link's code is traded for."""
    async with db.worker() as tx:
        return (await claim_credential(tx, link.rpartition(".")[2], now=now)).token


async def platform(db: Database) -> UUID:
    """A platform that the registry has heard of."""
    made = uuid4()
    registered = PlatformRegistered(
        version=1, platform_id=made, slug=f"p-{made.hex[:8]}", name="P", url="https://p.example", registered_at=NOW
    )
    await take(db, registered)
    return made


async def suspend(db: Database, platform_id: UUID) -> None:
    """The operator shuts it out."""
    await take(db, PlatformSuspended(version=2, platform_id=platform_id, reason="x", suspended_at=NOW))


async def share(db: Database, credential_id: UUID, platform_id: UUID, minutes: int = 0) -> Shared:
    """As the learner, `minutes` from now."""
    async with db.worker() as tx:
        found = await platforms.get(tx, platform_id)
        assert found is not None
        now = NOW + timedelta(minutes=minutes)
        return await share_credential(tx, credential_id, found, consent="I do", addresses=ADDRESSES, now=now)


async def told(db: Database, name: str | None = None) -> list[dict[str, Any]]:
    """What waits to be published, with `version`; of one type where named."""
    async with db.worker() as tx:
        rows = await tx.fetch("SELECT headers, value FROM outbox ORDER BY id")
    events = [(dict(row["headers"])["ce_type"], orjson.loads(row["value"])) for row in rows]
    return [event for kind, event in events if name is None or kind == f"org.laurel.{name}.v1"]
