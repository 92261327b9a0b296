"""Challenges: what a presentation's proof has to answer, so that it cannot be shown again by whoever saw it."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from services.verifier.store import challenges
from shared.postgres.database import Database

LASTS = timedelta(minutes=10)
_PREFIX = "laurel-"  # ours are told by it from those that a client thought of and checks itself
_BYTES = 24


class Challenges:
    """Gives challenges out and takes the answers."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db, self._clock = db, clock

    async def give(self) -> str:
        """A new challenge, good for `LASTS` and for one presentation. Raises Unavailable."""
        challenge = _PREFIX + secrets.token_urlsafe(_BYTES)
        async with self._db.worker() as tx:
            await challenges.add(tx, challenge, self._clock() + LASTS)
        return challenge

    async def take(self, challenge: str) -> bool:
        """Whether an answer to it may be accepted: it is none of ours, or not used up yet. Raises Unavailable."""
        if not challenge.startswith(_PREFIX):
            return True
        async with self._db.worker() as tx:
            return await challenges.use_up(tx, challenge, self._clock())
