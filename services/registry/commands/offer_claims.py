"""Have links sent by which learners can claim their credentials."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.registry.domain.addresses import Addresses
from services.registry.domain.claim import CODE_LIFETIME, Occasion, digest, done, new_code, occasions_of
from services.registry.store import claims
from shared.credentials.sealing import Sealer
from shared.events.catalogue import ClaimOffered
from shared.events.sealed_text import seal_text
from shared.outbox import outbox
from shared.postgres.database import Transaction


@dataclass(frozen=True, slots=True)
class Offerer:
    """What an offer is made with. `sealer` holds the keys of `LAUREL_RECIPIENT_KEY`."""

    sealer: Sealer
    addresses: Addresses

    async def offer_claims(self, tx: Transaction, limit: int, *, now: datetime) -> int:
        """Deal with up to `limit` requests: a fresh code for each credential that one is due for, and the event that
        has its link sent (claim.offered). Gives how many were dealt with.

        The rest are forgotten: unknown credentials, those without an address, and those asked for too often.
        """
        requests = await claims.requests(tx, limit)
        if not requests:
            return 0
        occasions = occasions_of(requests)
        new = [credential_id for credential_id, occasion in occasions.items() if occasion == "issued"]
        known = await claims.known(tx, list(occasions))
        held = await claims.hold(tx, list(occasions), new, now)
        due = {credential_id: occasions[credential_id] for credential_id, is_due in held.items() if is_due}
        await self._offer(tx, due, now)
        finished = done(requests, known, held.keys())
        await claims.forget(tx, finished)
        return len(finished)

    async def _offer(self, tx: Transaction, due: dict[UUID, Occasion], now: datetime) -> None:
        codes = {credential_id: new_code() for credential_id in due}
        expires_at = now + CODE_LIFETIME
        added = await claims.add_codes(tx, {one: digest(code) for one, code in codes.items()}, now, expires_at)
        events = []
        for credential_id, institution_id, version in added:
            link = self.addresses.claim(credential_id, codes[credential_id])
            event = ClaimOffered(
                version=version,
                credential_id=credential_id,
                institution_id=institution_id,
                occasion=due[credential_id],
                link=seal_text(self.sealer, link, "claim_link", credential_id),
                expires_at=expires_at,
            )
            events.append((event, now, None))
        await outbox.append_all(tx, events)
