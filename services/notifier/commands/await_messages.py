"""Wait for an institution's next message, without holding a connection to the database."""

import asyncio
import contextlib
from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

from services.notifier.store import feed
from shared.postgres.database import Database


@dataclass(eq=False, slots=True)
class _Waiter:
    after: int
    come: asyncio.Event = field(default_factory=asyncio.Event)


class Arrivals:
    """One a process: whoever waits, waits here, and `look` asks the database once for all of them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: defaultdict[UUID, set[_Waiter]] = defaultdict(set)
        self.soon = asyncio.Event()

    def notice(self) -> None:
        """Messages were committed by this process: look at once."""
        self.soon.set()

    async def after(self, institution_id: UUID, place: int, seconds: float) -> bool:
        """Return once the institution has a message beyond `place`; False when none came within `seconds`."""
        waiter = _Waiter(place)
        waiting = self._waiting[institution_id]
        waiting.add(waiter)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(waiter.come.wait(), seconds)
        finally:
            waiting.discard(waiter)
            if not waiting:
                self._waiting.pop(institution_id, None)
        return waiter.come.is_set()

    async def look(self) -> None:
        """Wake those for whom something is there. Raises Unavailable."""
        if not self._waiting:
            return
        async with self._db.worker_connection() as connection:
            places = await feed.lasts(connection, list(self._waiting))
        for institution_id, place in places.items():
            for waiter in self._waiting.get(institution_id, ()):
                if waiter.after < place:
                    waiter.come.set()
