"""Status list positions for the credentials this process is about to issue."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from secrets import token_bytes
from uuid import UUID

from services.issuer.domain.credential import Position
from services.issuer.domain.positions import BLOCK, OpenList, Reservation
from services.issuer.store import institutions, status_lists
from shared.credentials import MIN_ENTRIES
from shared.events.ids import new_id
from shared.postgres.database import Database, Transaction

Pair = tuple[Position, Position]
_SEED_BYTES = 32
_REMEMBERED = 10_000


@dataclass(slots=True)
class LentPositions:
    """One position in each list. Set `used` before the statement that may commit them."""

    revocation: Position
    suspension: Position
    used: bool = False


class PositionPool:
    """Hands out positions from blocks that only this process holds, so that issuing waits for no shared row.

    A block is reserved in a transaction of its own before the credential's begins: one that waits for another
    connection while it holds one could starve the pool. What a dying process did not use is never used.
    """

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock
        self._ready: dict[UUID, deque[Pair]] = {}
        self._refilling: dict[UUID, asyncio.Lock] = {}

    @contextlib.asynccontextmanager
    async def lend(self, institution_id: UUID) -> AsyncIterator["LentPositions"]:
        """Positions that nobody else ever gets once they are used; unused ones go to the next credential.

        Raises Unknown for an institution that does not exist, Unavailable.
        """
        lent = LentPositions(*await self._take(institution_id))
        try:
            yield lent
        finally:
            ready = self._ready.get(institution_id)
            if not lent.used and ready is not None:
                ready.append((lent.revocation, lent.suspension))

    async def _take(self, institution_id: UUID) -> Pair:
        ready = self._ready.get(institution_id)
        while not ready:
            async with self._refilling.setdefault(institution_id, asyncio.Lock()):
                ready = self._ready.get(institution_id)
                if not ready:
                    ready = await self._refill(institution_id)
        return ready.popleft()

    async def _refill(self, institution_id: UUID) -> deque[Pair]:
        async with self._db.tenant(institution_id) as tx:
            block = await reserve_positions(tx, institution_id, now=self._clock())
        if len(self._ready) >= _REMEMBERED:
            self._ready.clear()
            self._refilling.clear()
        ready = deque(block.pair(offset) for offset in range(block.count))
        self._ready[institution_id] = ready
        return ready


async def reserve_message(tx: Transaction, institution_id: UUID, entry_bits: int, *, now: datetime) -> Position:
    """A position in the institution's list of messages of that size; opens one when there is none, or it is used up."""
    reserved = await status_lists.reserve_message(tx, institution_id, entry_bits)
    if reserved is None:
        await institutions.lock(tx, institution_id)
        fresh = OpenList(new_id(), token_bytes(_SEED_BYTES), MIN_ENTRIES)
        reserved = await status_lists.reserve_message(tx, institution_id, entry_bits)
        if reserved is None:
            await status_lists.open_message_list(tx, institution_id, entry_bits, fresh, now)
            reserved = await status_lists.reserve_message(tx, institution_id, entry_bits)
    assert reserved is not None, "a new list is empty"
    return reserved


async def reserve_positions(tx: Transaction, institution_id: UUID, *, now: datetime) -> Reservation:
    """The next block of the institution's open lists; opens new lists when there are none or they are used up.

    Raises Unknown for an institution that does not exist.
    """
    reserved = await status_lists.reserve(tx, institution_id, BLOCK)
    if reserved is not None:
        return reserved
    await institutions.lock(tx, institution_id)
    reserved = await status_lists.reserve(tx, institution_id, BLOCK)
    if reserved is not None:
        return reserved
    await status_lists.close_open(tx, institution_id)
    revocation, suspension = (OpenList(new_id(), token_bytes(_SEED_BYTES), MIN_ENTRIES) for _ in range(2))
    await status_lists.open_lists(tx, institution_id, revocation, suspension, now)
    reserved = await status_lists.reserve(tx, institution_id, BLOCK)
    assert reserved is not None, "new lists are empty"
    return reserved
