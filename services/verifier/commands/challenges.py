"""Challenges: what a presentation's proof has to answer, so that it cannot be shown again by whoever saw it.

A challenge says by itself, under a secret of ours, until when it is good: giving one out leaves nothing behind. Only
those that were answered are kept, as long as they could be answered again.
"""

import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from services.verifier.store import challenges
from shared.credentials import encode_base64url
from shared.postgres.database import Database

LASTS = timedelta(minutes=10)
_PREFIX = "laurel-"  # ours are told by it from those that a client thought of and checks itself
_RANDOM_BYTES, _MAC_BYTES = 16, 16


class Challenges:
    """Gives challenges out and takes the answers. `secret` is the same in every replica."""

    def __init__(self, db: Database, secret: str, clock: Callable[[], datetime]) -> None:
        self._db, self._clock = db, clock
        self._key = hmac.digest(secret.encode(), b"challenges of presentations", "sha256")

    def give(self) -> str:
        """A new challenge, good for `LASTS` and for one presentation."""
        until = int((self._clock() + LASTS).timestamp())
        return self._sealed(f"{until:x}.{secrets.token_hex(_RANDOM_BYTES)}")

    async def take(self, challenge: str) -> bool:
        """Whether an answer to it may be accepted: it is none of ours, or still open and now used up.

        Raises Unavailable.
        """
        if not challenge.startswith(_PREFIX):
            return True
        body = challenge.removeprefix(_PREFIX).rpartition(".")[0]
        if not hmac.compare_digest(challenge.encode(), self._sealed(body).encode()):
            return False
        until = datetime.fromtimestamp(int(body.partition(".")[0], 16), UTC)
        if self._clock() > until:
            return False
        async with self._db.worker() as tx:
            return await challenges.use_up(tx, challenge, until)

    def _sealed(self, body: str) -> str:
        mac = hmac.digest(self._key, body.encode(), "sha256")[:_MAC_BYTES]
        return f"{_PREFIX}{body}.{encode_base64url(mac)}"
