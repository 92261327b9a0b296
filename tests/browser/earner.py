"""A learner who has earned a credential, and the letter about it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from tests.fixtures.api import Api, Institution, expect
from tests.fixtures.stack import Stack
from tests.integration.learners import Letters, known


@dataclass(frozen=True, slots=True)
class Earned:
    """A credential on the public record, and the link in the letter about it."""

    id: str
    link: str
    institution: Institution


@dataclass(frozen=True, slots=True)
class Earner:
    """Earns what institutions of a stack issue. `letters` come as they do from a real one."""

    api: Api
    post: Letters
    stack: Stack

    async def earn(
        self,
        *,
        email: str = "learner@example.com",
        valid_until: str | None = None,
        name: str = "Applied Statistics",
        **fields: Any,
    ) -> Earned:
        """A credential for a new achievement, with these `fields`, of a new institution."""
        institution = await self.api.institution()
        achievement = await self.api.achievement(institution, name=name, **fields)
        more = {"validUntil": valid_until} if valid_until else {}
        issued = await self.api.issue(institution, achievement, email, **more)
        return Earned(issued["id"], await self.letter(issued["id"]), institution)

    async def letter(self, credential_id: str, count: int = 1) -> str:
        """The link of the last of so many letters."""
        return str((await self.post.offers(credential_id, count))[-1]["link"])

    async def platform(self) -> Institution:
        """A platform that credentials can be shared with; it has no endpoint, and confirms nothing."""
        made = await self.api.platform()
        await known(self.api, made.id)
        return made

    async def suspend(self, platform: Institution) -> None:
        """Shut a platform out, and wait until the registry has heard of it."""
        url = f"{self.api.urls['issuer']}/v1/platforms/{platform.id}/suspend"
        expect(200, await self.api.http.post(url, json={"reason": "sold data"}, headers=self.api.operator))
        listing = f"{self.api.urls['registry']}/v1/platforms?limit=200"
        await self._until(listing, lambda page: platform.id not in {item["id"] for item in page["items"]})

    async def change(self, earned: Earned, verb: str, status: str) -> None:
        """`revoke`, `suspend` or `reinstate` a credential, and wait until the record says so."""
        await self.api.change(earned.institution, earned.id, verb)
        record = f"{self.api.urls['registry']}/v1/credentials/{earned.id}"
        await self._until(record, lambda found: found["status"] == status)

    async def _until(self, url: str, wanted: Callable[[dict[str, Any]], bool], seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while not wanted(found := expect(200, await self.api.http.get(url))):
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)

    async def in_registry(self, statement: str, *values: object) -> None:
        """Turn the registry's clock, as it were: change when something was or will be."""
        connection = await asyncpg.connect(self.stack.deployment.databases["registry"].owner)
        try:
            await connection.execute(statement, *values)
        finally:
            await connection.close()
