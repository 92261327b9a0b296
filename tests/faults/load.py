"""Clients that issue credentials side by side, each repeating a request under its key until it is answered."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from tests.faults.invariants import BOTH, Endpoint
from tests.fixtures.api import Api, Institution
from tests.fixtures.receiver import Receiver


@dataclass(slots=True)
class Load:
    """An institution with an endpoint for both events of an issue, and what its clients were told."""

    api: Api
    institution: Institution
    achievement: str
    endpoint: Endpoint
    answered: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @classmethod
    async def prepare(cls, api: Api, receiver: Receiver) -> "Load":
        """A new institution, achievement and endpoint."""
        institution = await api.institution()
        name = uuid4().hex
        endpoint = await api.endpoint(institution, receiver.url(name), BOTH)
        return cls(api, institution, await api.achievement(institution), Endpoint(name, endpoint["secret"]))

    async def issue(self, key: str | None = None) -> str:
        """One credential, tried until it is answered 201; its id. Raises AssertionError for a refusal."""
        key = key or uuid4().hex
        while True:
            answer = await self.try_once(key)
            if answer is not None and answer.status_code == 201:
                made = answer.json()
                self.answered[made["id"]] = made["credential"]
                self.keys[key] = made["id"]
                return str(made["id"])
            if answer is not None:
                self._check_refusal(answer)
            await asyncio.sleep(0.1)

    async def try_once(self, key: str) -> httpx.Response | None:
        """One request, whatever its answer; None where the connection gave none."""
        started = time.monotonic()
        try:
            answer = await self.api.post_credential(self.institution, self._body(key), key)
        except httpx.TransportError as error:
            self.outcomes["cut"] += 1
            self.problems.append(repr(error))
            return None
        finally:
            self.seconds.append(time.monotonic() - started)
        self.outcomes[str(answer.status_code)] += 1
        return answer

    def _body(self, key: str) -> dict[str, Any]:
        return {"achievement": self.achievement, "recipient": {"email": f"{key}@example.com"}}

    def _check_refusal(self, answer: httpx.Response) -> None:
        """Only 'later' is a fair answer to a good request: 503, or 409 while a twin of it is at work."""
        assert answer.status_code in (503, 409), f"{answer.status_code} {answer.text[:1000]}"
        assert "retry-after" in answer.headers, f"{answer.status_code} without Retry-After: {answer.text[:500]}"

    async def issue_many(self, count: int, clients: int = 16, pause: float = 0.0) -> None:
        """`count` credentials by `clients` side by side."""
        left = iter(range(count))

        async def client() -> None:
            for _ in left:
                await self.issue()
                await asyncio.sleep(pause)

        await asyncio.gather(*(client() for _ in range(clients)))

    @asynccontextmanager
    async def running(self, clients: int = 4, pause: float = 0.05) -> AsyncIterator["Load"]:
        """Issue in the background; at the end every request begun has been answered."""
        stop = asyncio.Event()

        async def client() -> None:
            while not stop.is_set():
                await self.issue()
                await asyncio.sleep(pause)

        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(client())
            try:
                yield self
            finally:
                stop.set()

    async def repeat(self, keys: list[str]) -> None:
        """The promise of a key: its first answer, again."""
        for key in keys:
            first = self.keys[key]
            answer = await self.api.post_credential(self.institution, self._body(key), key)
            assert answer.status_code == 201, answer.text
            assert answer.json()["id"] == first
            assert answer.headers["idempotent-replay"] == "true"
