"""Learners for tests: whoever reads the letters that were to be sent, and acts by their links."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson

from shared.bus.port import Received, Subscription
from shared.credentials.sealing import Sealer
from shared.events.catalogue import TOPICS, ClaimOffered
from shared.events.sealed_text import unseal_text
from tests.fixtures.api import Api, expect
from tests.fixtures.stack import Stack
from tests.integration.lone_service import open_bus


class Letters:
    """What goes over the bus, as one who writes to learners reads it. `records` is all that came, of every topic."""

    def __init__(self, subscription: Subscription, key: str) -> None:
        self._subscription, self._sealer = subscription, Sealer.from_text(key)
        self.records: list[Received] = []

    async def offers(self, credential_id: str, count: int = 1, seconds: float = 20) -> list[dict[str, Any]]:
        """The offers of a credential with their links opened, once there are `count`."""
        deadline = time.monotonic() + seconds
        while len(found := [record for record in self.records if _is_offer(record, credential_id)]) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} letters for {credential_id}"
            await self.read()
        return [self._opened(record) for record in found]

    async def read(self) -> None:
        """Take what has come since."""
        for records in (await self._subscription.poll(500, 0.2)).values():
            self.records += records

    async def code(self, credential_id: str, count: int = 1) -> str:
        """The code of a credential's last link."""
        return str((await self.offers(credential_id, count))[-1]["link"]).rpartition(".")[2]

    def _opened(self, record: Received) -> dict[str, Any]:
        event = ClaimOffered.from_value(record.value or b"")
        link = unseal_text(self._sealer, event.link, "claim_link", event.credential_id)
        return {**orjson.loads(record.value or b""), "link": link}


@contextlib.asynccontextmanager
async def letters(stack: Stack) -> AsyncIterator[Letters]:
    """A reader of the stack's topics, from their beginning."""
    async with open_bus(stack) as bus:
        await bus.ensure_topics(TOPICS)
        subscription = bus.subscribe(f"letters-{uuid4().hex[:8]}", TOPICS, instance="1")
        await subscription.start()
        try:
            yield Letters(subscription, stack.deployment.recipient_key)
        finally:
            await subscription.stop()


@dataclass(frozen=True, slots=True)
class Learner:
    """Whoever has the token of one credential."""

    api: Api
    credential_id: str
    token: str

    @classmethod
    async def of(cls, api: Api, post: Letters, credential_id: str) -> "Learner":
        """The learner, who followed the link of the letter."""
        answer = await api.http.post(f"{api.urls['registry']}/v1/claims", json={"code": await post.code(credential_id)})
        return cls(api, credential_id, expect(200, answer)["token"])

    @property
    def headers(self) -> dict[str, str]:
        """What each of their requests carries."""
        return {"Authorization": f"Bearer {self.token}"}

    async def act(self, verb: str, platform: str, status: int = 200) -> dict[str, Any]:
        """`share` or `unshare`."""
        url = f"{self.api.urls['registry']}/v1/credentials/{self.credential_id}/{verb}"
        return expect(status, await self.api.http.post(url, json={"platform": platform}, headers=self.headers))

    async def shares(self) -> list[dict[str, Any]]:
        """Every consent, newest first."""
        url = f"{self.api.urls['registry']}/v1/credentials/{self.credential_id}/shares"
        return list(expect(200, await self.api.http.get(url, headers=self.headers))["items"])


async def known(api: Api, platform_id: str, seconds: float = 15) -> None:
    """Wait until the registry has heard of a platform."""
    deadline = time.monotonic() + seconds
    url = f"{api.urls['registry']}/v1/platforms?limit=200"
    while platform_id not in {item["id"] for item in expect(200, await api.http.get(url))["items"]}:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def _is_offer(record: Received, credential_id: str) -> bool:
    kind = dict(record.headers).get("ce_type", b"").decode()
    return kind == ClaimOffered.TYPE and record.key == str(UUID(credential_id)).encode()
