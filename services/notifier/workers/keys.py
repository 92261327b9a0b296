"""What requests to endpoints carry, unsealed and remembered while their endpoint does not change."""

from collections import OrderedDict
from collections.abc import Sequence
from uuid import UUID

import structlog

from services.notifier.store import secrets
from services.notifier.store.deliveries import Claimed
from services.notifier.store.secrets import Carried
from shared.credentials.sealing import Sealer
from shared.postgres.database import Database

log = structlog.get_logger()

_REMEMBERED = 10_000


class SigningKeys:
    """One a process."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db, self._sealer = db, sealer
        self._known: OrderedDict[tuple[UUID, int], Carried] = OrderedDict()

    async def of(self, batch: Sequence[Claimed]) -> dict[UUID, Carried]:
        """What goes to each endpoint of a batch; no keys for one that was deleted, or whose secrets cannot be read.
        Raises Unavailable."""
        wanted = {(claimed.endpoint_id, claimed.version) for claimed in batch}
        if missing := [place for place in wanted if place not in self._known]:
            async with self._db.worker_connection() as connection:
                found, unreadable = await secrets.load(connection, [endpoint for endpoint, _ in missing], self._sealer)
            for endpoint, version in missing:
                self._known[endpoint, version] = found.get(endpoint, Carried())
            for endpoint, error in unreadable.items():
                log.error("endpoint.secret_unreadable", endpoint_id=str(endpoint), error=error)
        carried = {place[0]: self._known[place] for place in wanted}
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return carried
