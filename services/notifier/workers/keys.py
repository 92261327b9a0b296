"""The signing keys of endpoints, unsealed and remembered while their endpoint does not change."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.notifier.domain.signature import key_of
from services.notifier.store import endpoints
from services.notifier.store.deliveries import Claimed
from shared.credentials.sealing import Sealer
from shared.postgres.database import Database

_REMEMBERED = 10_000


class SigningKeys:
    """One a process."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db, self._sealer = db, sealer
        self._keys: OrderedDict[tuple[UUID, int], list[bytes]] = OrderedDict()

    async def of(self, batch: Sequence[Claimed], now: datetime) -> dict[UUID, list[bytes]]:
        """The keys for each endpoint of a batch, the current one first. Raises Unavailable."""
        missing = {c.endpoint_id: c.version for c in batch if (c.endpoint_id, c.version) not in self._keys}
        if missing:
            async with self._db.worker() as tx:
                found = await endpoints.secrets_of(tx, list(missing), now)
            for endpoint, version in missing.items():
                self._keys[endpoint, version] = [
                    key_of(self._sealer.unseal(sealed, endpoints.SECRETS, f"{endpoint}/{n}").decode())
                    for n, sealed in found.get(endpoint, [])
                ]
        keys = {claimed.endpoint_id: self._keys[claimed.endpoint_id, claimed.version] for claimed in batch}
        while len(self._keys) > _REMEMBERED:
            self._keys.popitem(last=False)
        return keys
