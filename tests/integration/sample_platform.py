"""The sample platform as a process of its own, and its pages."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from services.cli.deployment import REPOSITORY, SERVICES
from tests.fixtures.api import Api, Institution


@dataclass(frozen=True, slots=True)
class Sample:
    """The platform at `url`, where ada has a profile."""

    http: httpx.AsyncClient
    url: str

    async def page(self, path: str = "/members/ada") -> str:
        answer = await self.http.get(f"{self.url}{path}")
        assert answer.status_code == 200, answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        return answer.text

    async def until(self, text: str, *, shown: bool = True, seconds: float = 20) -> str:
        """The profile, once it says `text`, or no longer does."""
        deadline = time.monotonic() + seconds
        while (text in (page := await self.page())) is not shown:
            assert time.monotonic() < deadline, page
            await asyncio.sleep(0.05)
        return page


@asynccontextmanager
async def served(api: Api, platform: Institution, email: str, database: Path, port: int) -> AsyncIterator[Sample]:
    """Run it until the block ends."""
    environment = {
        **{f"LAUREL_{name.upper()}_URL": api.urls[name] for name in SERVICES},
        "LAUREL_CLIENT_ID": platform.client_id,
        "LAUREL_CLIENT_SECRET": platform.client_secret,
        "PLATFORM_PORT": str(port),
        "PLATFORM_MEMBERS": f"ada={email},bob=bob@example.com",
        "PLATFORM_DATABASE": str(database),
    }
    process = subprocess.Popen([sys.executable, "-m", "examples.platform"], cwd=REPOSITORY, env=environment)
    try:
        await answering(api.http, f"http://127.0.0.1:{port}/readyz", process)
        yield Sample(api.http, f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)


async def answering(http: httpx.AsyncClient, url: str, process: "subprocess.Popen[bytes]") -> None:
    """Return when it is registered."""
    deadline = time.monotonic() + 20
    while True:
        assert process.poll() is None
        assert time.monotonic() < deadline
        try:
            if (await http.get(url)).status_code == 204:
                return
        except httpx.HTTPError:
            pass
        await asyncio.sleep(0.05)
