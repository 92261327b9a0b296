"""What is not done while a webhook waits for its answer: registering, finding profiles, confirming removals."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable
from dataclasses import replace

from .badges import EVENTS, NEVER, Badge, after, owner
from .laurel import CallFailed, Laurel
from .settings import Settings
from .store import Store

logger = logging.getLogger("platform")
RETRY_SECONDS = 5.0


class Worker:
    """`secret` is there once the endpoint is registered. What fails is tried again, for as long as it takes."""

    def __init__(self, laurel: Laurel, store: Store, settings: Settings) -> None:
        self.secret: str | None = None
        self._laurel = laurel
        self._store = store
        self._settings = settings
        self._work = asyncio.Event()

    def wake(self) -> None:
        """There is something to do."""
        self._work.set()

    async def run(self) -> None:
        """Until cancelled."""
        began = False
        while True:
            self._work.clear()
            began = began or await self._try(self._begin())
            for badge in self._store.unassigned():
                await self._try(self._assign(badge))
            for badge in self._store.unconfirmed():
                await self._try(self._confirm(badge))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._work.wait(), RETRY_SECONDS)

    async def _begin(self) -> None:
        endpoint = await self._laurel.endpoint(f"{self._settings.url}/webhooks", EVENTS)
        self.secret = endpoint.secret
        await self._laurel.activate(endpoint)
        # What was withdrawn while nobody listened for longer than Laurel tries.
        for share in await self._laurel.withdrawn():
            with self._store.connection:
                badge = self._store.get(share["share_id"]) or Badge(share["share_id"], share["credential_id"])
                self._store.put(after(badge, "credential.unshared", NEVER, {}))

    async def _assign(self, badge: Badge) -> None:
        document = await self._laurel.document(badge.credential_id)
        self._change(badge, member=owner(document, self._settings.members))

    async def _confirm(self, badge: Badge) -> None:
        await self._laurel.confirm_removal(badge.share_id)
        self._change(badge, confirmed=True)
        logger.info("removed %s and confirmed it", badge.share_id)

    def _change(self, badge: Badge, **changes: object) -> None:
        """Of the badge as it is now: a message may have come while Laurel was asked."""
        with self._store.connection:
            self._store.put(replace(self._store.get(badge.share_id) or badge, **changes))  # type: ignore[arg-type]

    async def _try(self, step: Awaitable[None]) -> bool:
        try:
            await step
        except CallFailed as error:
            logger.warning("%s; will try again", error)
            return False
        return True
