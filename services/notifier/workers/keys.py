"""The signing keys of endpoints, unsealed and remembered while their endpoint does not change."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog

from services.notifier.domain.signature import key_of
from services.notifier.store import endpoints
from services.notifier.store.deliveries import Claimed
from shared.credentials.sealing import CannotUnseal, Sealed, Sealer
from shared.postgres.database import Database

log = structlog.get_logger()

_REMEMBERED = 10_000


class SigningKeys:
    """One a process."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db, self._sealer = db, sealer
        self._keys: OrderedDict[tuple[UUID, int], list[bytes]] = OrderedDict()

    async def of(self, batch: Sequence[Claimed], now: datetime) -> dict[UUID, list[bytes]]:
        """The keys for each endpoint of a batch, the current one first; none for one that was deleted, or whose secret
        cannot be read. Raises Unavailable."""
        wanted = {(claimed.endpoint_id, claimed.version) for claimed in batch}
        if missing := [place for place in wanted if place not in self._keys]:
            async with self._db.worker_connection() as connection:
                found = await endpoints.secrets_of(connection, [endpoint for endpoint, _ in missing], now)
            for place in missing:
                self._keys[place] = self._unsealed(place[0], found.get(place[0], []))
        keys = {place[0]: self._keys[place] for place in wanted}
        while len(self._keys) > _REMEMBERED:
            self._keys.popitem(last=False)
        return keys

    def _unsealed(self, endpoint: UUID, secrets: Sequence[tuple[int, Sealed]]) -> list[bytes]:
        try:
            return [
                key_of(self._sealer.unseal(sealed, endpoints.SECRETS, f"{endpoint}/{n}").decode())
                for n, sealed in secrets
            ]
        except CannotUnseal as error:
            log.error("endpoint.secret_unreadable", endpoint_id=str(endpoint), error=str(error))
            return []
